using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Uwsgi.AspNetCore.FunctionalTests.Infrastructure;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.FunctionalTests.Stats;

/// <summary>Reads statistics as uwsgitop does: connects, says nothing, reads to the end.</summary>
internal static class StatsClient
{
    private const string Scheme = "stats://";

    public static string AddressOf(GatewayTestServer server) => server.App.Urls.Single(url => url.StartsWith(Scheme, StringComparison.Ordinal))[Scheme.Length..];

    public static async Task<Socket> ConnectAsync(GatewayTestServer server)
    {
        var address = AddressOf(server);
        EndPoint endPoint = address switch
        {
            ['@', .. var name] => new UnixDomainSocketEndPoint("\0" + name),
            ['u', 'n', 'i', 'x', ':', .. var path] => new UnixDomainSocketEndPoint(path),
            _ => IPEndPoint.Parse(address),
        };
        var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(endPoint).WithTimeoutAsync();
        return socket;
    }

    public static async Task<string> ReadToEndAsync(Socket socket)
    {
        await using var stream = new NetworkStream(socket);
        using var bytes = new MemoryStream();
        await stream.CopyToAsync(bytes).WithTimeoutAsync();
        return Encoding.UTF8.GetString(bytes.ToArray());
    }

    public static async Task<string> ReadTextAsync(GatewayTestServer server)
    {
        using var socket = await ConnectAsync(server);
        return await ReadToEndAsync(socket);
    }

    public static async Task<JsonElement> ReadAsync(GatewayTestServer server)
    {
        using var document = JsonDocument.Parse(await ReadTextAsync(server));
        return document.RootElement.Clone();
    }

    public static JsonElement Worker(JsonElement root) => root.GetProperty("workers")[0];

    public static IEnumerable<string?> Variables(JsonElement root) => Worker(root).GetProperty("cores").EnumerateArray()
        .SelectMany(core => core.GetProperty("vars").EnumerateArray()).Select(variable => variable.GetString());
}
