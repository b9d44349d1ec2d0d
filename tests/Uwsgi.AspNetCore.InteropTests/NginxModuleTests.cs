using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Uwsgi.AspNetCore.InteropTests.FrontEnds;
using Uwsgi.AspNetCore.InteropTests.Http;
using Uwsgi.AspNetCore.InteropTests.Servers;
using Xunit.Abstractions;

namespace Uwsgi.AspNetCore.InteropTests;

/// <summary>What nginx's configuration files say about connections and lengths, as far as comparing single requests does not show it.</summary>
public sealed class NginxModuleTests(ITestOutputHelper output)
{
    [SkippableTheory]
    [InlineData("fastcgi-keepalive.conf", 1)]
    [InlineData("fastcgi.conf", 5)]
    public async Task FastCgi_RequestsOneAfterTheOther_ShareAKeptConnection(string file, int connections)
    {
        await using var app = await StartAppAsync(options => options.FastCgiSockets.Add("127.0.0.1:0"));
        await using var nginx = await StartNginxAsync(file, ("127.0.0.1:9000", IPEndPoint.Parse(app.GetAddress("fastcgi"))));

        var ids = new List<string>();
        for (var i = 0; i < 5; i++)
        {
            ids.Add((await RawHttpConnection.SendAsync(nginx.Address.Actual, new RawRequest("GET", "/connection"))).Text);
        }

        Assert.Equal(connections, ids.Distinct().Count());
    }

    [SkippableFact]
    public async Task FastCgi_UnreadUploadOnAKeptConnection_LeavesTheNextRequestAlone()
    {
        await using var app = await StartAppAsync(options => options.FastCgiSockets.Add("127.0.0.1:0"));
        await using var nginx = await StartNginxAsync("fastcgi-keepalive.conf", ("127.0.0.1:9000", IPEndPoint.Parse(app.GetAddress("fastcgi"))));

        for (var i = 0; i < 5; i++)
        {
            var ignored = await RawHttpConnection.SendAsync(nginx.Address.Actual, new RawRequest("POST", "/connection").WithBody(new byte[300_000]));
            var read = await RawHttpConnection.SendAsync(nginx.Address.Actual, new RawRequest("POST", "/length").WithBody(new byte[1000 + i]));

            Assert.Equal((200, 200), (ignored.Status, read.Status));
            Assert.Equal($"{1000 + i}", read.Text);
        }
    }

    [SkippableFact]
    public async Task FastCgi_FailureHalfWayOnAKeptConnection_NeverLooksWhole()
    {
        await using var app = await StartAppAsync(options => options.FastCgiSockets.Add("127.0.0.1:0"));
        await using var nginx = await StartNginxAsync("fastcgi-keepalive.conf", ("127.0.0.1:9000", IPEndPoint.Parse(app.GetAddress("fastcgi"))));
        Assert.Equal(200, (await RawHttpConnection.SendAsync(nginx.Address.Actual, new RawRequest("GET", "/connection"))).Status);

        var failed = await RawHttpConnection.SendAsync(nginx.Address.Actual, new RawRequest("GET", "/fail"));

        Assert.True(failed.Status == 502 || !failed.IsComplete, $"The answer looks whole: {failed.Status} {failed.Text}");
    }

    // Before 1.29.6 nginx announces only what it has read so far of an SCGI body that it does not buffer. Half a body must not pass for all of it.
    [SkippableFact]
    public async Task Scgi_UploadThatIsNotBuffered_IsWholeOrRefused()
    {
        await using var app = await StartAppAsync(options => options.ScgiSockets.Add("127.0.0.1:0"));
        await using var nginx = await NginxServer.StartAsync("site", $$"""
            client_max_body_size 0;
            location / { include scgi_params; scgi_pass {{app.GetAddress("scgi")}}; scgi_request_buffering off; }
            """);
        output.WriteLine(nginx.Version);

        var response = await RawHttpConnection.SendAsync(nginx["site"], new RawRequest("POST", "/length").WithBody(new byte[200_000]));

        var isMended = Version.Parse(nginx.Version.Split('/')[1].Split(' ')[0]) >= new Version(1, 29, 6);
        Assert.Equal(isMended ? (200, "200000") : (400, string.Empty), (response.Status, response.Text));
    }

    private static Task<WebApplication> StartAppAsync(Action<UwsgiOptions> configure) => TestApp.StartAsync(configure, app =>
    {
        app.Map("/connection", (HttpContext context) => context.Connection.Id);
        app.MapPost("/length", async (HttpRequest request) =>
        {
            var body = new MemoryStream();
            await request.Body.CopyToAsync(body);
            return $"{body.Length}";
        });
        app.MapGet("/fail", async (HttpResponse response) =>
        {
            await response.WriteAsync("half of it");
            await response.Body.FlushAsync();
            throw new InvalidOperationException("The other half is lost.");
        });
    });

    private async Task<NginxFrontEnd> StartNginxAsync(string file, (string Documented, EndPoint Actual) upstream)
    {
        var nginx = await NginxFrontEnd.StartAsync($"samples/FrontEnds/nginx/{file}", upstream);
        output.WriteLine(nginx.Version);
        return nginx;
    }
}
