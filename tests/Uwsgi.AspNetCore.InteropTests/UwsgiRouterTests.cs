using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Uwsgi.AspNetCore.InteropTests.FrontEnds;
using Uwsgi.AspNetCore.InteropTests.Http;
using Xunit.Abstractions;

namespace Uwsgi.AspNetCore.InteropTests;

/// <summary>Request bodies whose extent uWSGI's HTTP router leaves to the app, which is where requests could be smuggled.</summary>
public sealed class UwsgiRouterTests(ITestOutputHelper output)
{
    [SkippableFact]
    public async Task ChunkedRequest_IsRefused() =>
        Assert.Equal(411, (await AskAsync(new RawRequest("POST", "/length") { Body = "abc"u8.ToArray(), ChunkSizes = [3] })).Status);

    [SkippableFact]
    public async Task LengthAndChunks_IsRefused()
    {
        var request = new RawRequest("POST", "/length") { Body = "abc"u8.ToArray(), ChunkSizes = [3] };

        Assert.Equal(400, (await AskAsync(request.With("Content-Length", "3"))).Status);
    }

    [SkippableTheory]
    [InlineData("Content-Length", "5")]
    [InlineData("Content-Length", "3")]
    [InlineData("Content_Length", "5")]
    public async Task SecondLength_IsRefused(string name, string value)
    {
        var request = new RawRequest("POST", "/length").With(name, value).WithBody("abc");

        Assert.Equal(400, (await AskAsync(request)).Status);
    }

    [SkippableFact]
    public async Task Expect100Continue_IsAnsweredByTheRouter()
    {
        await using var app = await StartAppAsync();
        await using var router = await StartRouterAsync(app);
        await using var connection = await RawHttpConnection.ConnectAsync(router.Address.Actual);

        await connection.WriteAsync(new RawRequest("POST", "/length").With("Expect", "100-continue").With("Content-Length", "3").EncodeHead());
        Assert.StartsWith("HTTP/1.1 100 ", System.Text.Encoding.ASCII.GetString(await connection.ReadExactlyAsync(13)));
    }

    private async Task<RawResponse> AskAsync(RawRequest request)
    {
        await using var app = await StartAppAsync();
        await using var router = await StartRouterAsync(app);
        return await RawHttpConnection.SendAsync(router.Address.Actual, request);
    }

    private async Task<UwsgiRouterFrontEnd> StartRouterAsync(WebApplication app)
    {
        var router = await UwsgiRouterFrontEnd.StartAsync(IPEndPoint.Parse(app.GetUwsgiAddress()));
        output.WriteLine(router.Version);
        return router;
    }

    private static Task<WebApplication> StartAppAsync() => TestApp.StartAsync(
        uwsgi => uwsgi.Sockets.Add("127.0.0.1:0"),
        app => app.MapPost("/length", async (HttpRequest request) =>
        {
            var body = new MemoryStream();
            await request.Body.CopyToAsync(body);
            return $"{body.Length}";
        }));
}
