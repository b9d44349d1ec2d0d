using Uwsgi.AspNetCore.InteropTests.FirstSteps;
using Uwsgi.AspNetCore.InteropTests.Http;
using Uwsgi.AspNetCore.InteropTests.Processes;
using Uwsgi.AspNetCore.InteropTests.Servers;
using Xunit.Abstractions;

namespace Uwsgi.AspNetCore.InteropTests;

/// <summary>An app started by <c>spawn-fcgi</c>, which opens the listening socket and hands it over as descriptor 0.</summary>
public sealed class InheritedSocketTests(ITestOutputHelper output) : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [SkippableFact]
    public async Task UnixSocketFromSpawnFcgi_ServesNginx()
    {
        var socket = _directory["app.sock"];
        await using var app = await StartAppAsync("-s", socket, "-M", "0666");

        await AssertServesAsync($"unix:{socket}");
    }

    [SkippableFact]
    public async Task TcpSocketFromSpawnFcgi_ServesNginx()
    {
        var port = FreePort.Take(1)[0];
        await using var app = await StartAppAsync("-a", "127.0.0.1", "-p", $"{port}");

        await AssertServesAsync($"127.0.0.1:{port}");
    }

    private static async Task<ForegroundProcess> StartAppAsync(params string[] socket)
    {
        var hello = Repository.PathOf($"samples/Hello/bin/{Repository.Configuration}/net10.0/Hello.dll");
        var app = ForegroundProcess.Start(
            RequiredProgram.Find("spawn-fcgi", "spawn-fcgi"),
            ["-n", .. socket, "--", RequiredProgram.Find("dotnet", "dotnet-sdk-10.0"), hello, "--Uwsgi:FastCgiSockets:0", "fd://0"]);
        if (await app.WaitForLineAsync(line => line.Contains("Application started", StringComparison.Ordinal)) is null)
        {
            await app.DisposeAsync();
            throw new InvalidOperationException($"The app did not start:\n{app.Output}");
        }

        Assert.Contains("Now listening on: fastcgi://fd://0", app.Output);
        return app;
    }

    private async Task AssertServesAsync(string address)
    {
        await using var nginx = await NginxServer.StartAsync("site", $"location / {{ include fastcgi_params; fastcgi_pass {address}; }}");
        output.WriteLine(nginx.Version);
        for (var i = 0; i < 3; i++)
        {
            var response = await RawHttpConnection.SendAsync(nginx["site"], new RawRequest("GET", "/orders/7"));

            Assert.Equal(200, response.Status);
            Assert.Contains("path         /orders/7", response.Text);
        }
    }
}
