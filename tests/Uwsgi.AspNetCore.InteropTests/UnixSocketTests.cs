using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Uwsgi.AspNetCore.InteropTests.Http;
using Uwsgi.AspNetCore.InteropTests.Processes;
using Uwsgi.AspNetCore.InteropTests.Servers;
using Xunit.Abstractions;

namespace Uwsgi.AspNetCore.InteropTests;

/// <summary>Unix sockets between an app and an nginx which, where the tests run as root, runs as somebody else.</summary>
public sealed class UnixSocketTests(ITestOutputHelper output) : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    private string SocketPath => _directory["app.sock"];

    public void Dispose() => _directory.Dispose();

    [SkippableFact]
    public async Task ModeForTheGroupOfNginx_LetsNginxIn()
    {
        await using var app = await StartAppAsync(uwsgi =>
        {
            uwsgi.SocketMode = "660";
            uwsgi.SocketGroup = UnprivilegedAccount.Current?.Group;
        });
        await using var nginx = await StartNginxAsync(app);
        output.WriteLine(nginx.Version);

        var response = await RawHttpConnection.SendAsync(nginx["site"], new RawRequest("GET", "/"));

        Assert.Equal("served", response.Text);
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal((UnixFileMode)0b110_110_000, File.GetUnixFileMode(SocketPath));
        }
    }

    [SkippableFact]
    public async Task ModeForTheOwnerAlone_KeepsAnotherUsersNginxOut()
    {
        Skip.If(UnprivilegedAccount.Current is null, "Only root can run nginx as another user.");
        await using var app = await StartAppAsync(uwsgi => uwsgi.SocketMode = "600");
        await using var nginx = await StartNginxAsync(app);

        var response = await RawHttpConnection.SendAsync(nginx["site"], new RawRequest("GET", "/"));

        Assert.Equal(502, response.Status);
        Assert.NotNull(await nginx.WaitForLogAsync("Permission denied"));
    }

    [SkippableTheory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task StoppedApp_TakesItsSocketAlongUnlessTold(bool vacuum)
    {
        await using var app = await StartAppAsync(uwsgi =>
        {
            uwsgi.SocketMode = "666";
            uwsgi.Vacuum = vacuum;
        });
        await using var nginx = await StartNginxAsync(app);
        Assert.Equal(200, (await RawHttpConnection.SendAsync(nginx["site"], new RawRequest("GET", "/"))).Status);

        await app.StopAsync().OrTimeout();

        Assert.Equal(!vacuum, File.Exists(SocketPath));
        Assert.Equal(502, (await RawHttpConnection.SendAsync(nginx["site"], new RawRequest("GET", "/"))).Status);
    }

    [SkippableFact]
    public async Task ClientOfNginxOnAUnixSocketToo_HasNoAddress()
    {
        await using var app = await StartAppAsync(uwsgi => uwsgi.SocketMode = "666");
        await using var nginx = await NginxServer.StartAsync(new NginxSites { OnUnixSockets = true, Sites = Site(app) });

        var response = await RawHttpConnection.SendAsync(nginx["site"], new RawRequest("GET", "/address"));

        Assert.Equal("remote ():0, variable unix:", response.Text);
    }

    private static Task<NginxServer> StartNginxAsync(WebApplication app) => NginxServer.StartAsync(new NginxSites { Sites = Site(app) });

    private static Dictionary<string, string> Site(WebApplication app) => new()
    {
        ["site"] = $"location / {{ include uwsgi_params; uwsgi_pass {app.GetUwsgiAddress()}; }}",
    };

    private Task<WebApplication> StartAppAsync(Action<UwsgiOptions> configure) => TestApp.StartAsync(
        uwsgi =>
        {
            uwsgi.Sockets.Add(SocketPath);
            configure(uwsgi);
        },
        app =>
        {
            app.MapGet("/", () => "served");
            app.MapGet("/address", (HttpContext context) =>
                $"remote ({context.Connection.RemoteIpAddress}):{context.Connection.RemotePort}, variable {context.GetServerVariable("REMOTE_ADDR")}");
        });
}
