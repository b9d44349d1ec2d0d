using System.Net.Sockets;
using System.Text;
using Xunit.Abstractions;

namespace Uwsgi.AspNetCore.InteropTests.Servers;

public sealed class NginxServerTests(ITestOutputHelper output)
{
    [SkippableFact]
    public async Task StartAsync_OneSite_ServesAndStops()
    {
        await using var nginx = await NginxServer.StartAsync("site", "location / { return 200 ok; }");
        output.WriteLine(nginx.Version);

        using var client = new TcpClient();
        await client.ConnectAsync((System.Net.IPEndPoint)nginx["site"]).OrTimeout();
        await client.GetStream().WriteAsync("GET / HTTP/1.0\r\n\r\n"u8.ToArray());
        using var reader = new StreamReader(client.GetStream(), Encoding.Latin1);
        Assert.StartsWith("HTTP/1.1 200 OK", await reader.ReadToEndAsync().OrTimeout());
    }

    [SkippableFact]
    public async Task StartAsync_BadConfiguration_ThrowsWithErrorLog()
    {
        var error = await Assert.ThrowsAsync<InvalidOperationException>(() => NginxServer.StartAsync("site", "no_such_directive on;"));

        Assert.Contains("unknown directive \"no_such_directive\"", error.Message);
    }
}
