using System.Net.Sockets;
using System.Text;
using Uwsgi.AspNetCore.Benchmarks.Comparison.Upstreams;

namespace Uwsgi.AspNetCore.Benchmarks.Blocking;

/// <summary>A way to serve the endpoints, and how its socket is asked.</summary>
internal sealed record BlockingServer(string Name, Upstream Upstream, Func<string, byte[]> Encode)
{
    public static IReadOnlyList<BlockingServer> All { get; } =
    [
        new("uwsgi, event loop", Upstream.Uwsgi.On(UwsgiTransport.EventLoop), Uwsgi),
        new("uwsgi, Kestrel's sockets", Upstream.Uwsgi.On(UwsgiTransport.Sockets), Uwsgi),
        new("Kestrel HTTP", Upstream.Http, Http),
    ];

    /// <summary>Sends one request over a connection of its own and waits for the end of the answer; on the calling thread.</summary>
    public void Request(string path, string address)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Connect(new UnixDomainSocketEndPoint(address["unix:".Length..]));
        socket.Send(Encode(path));
        Span<byte> buffer = stackalloc byte[1024];
        var count = 0;
        while (socket.Receive(buffer[count..]) is > 0 and var more)
        {
            count += more;
        }

        if (!buffer[..count].EndsWith("\r\n\r\nok"u8))
        {
            throw new CommandException($"{Name} answered '{Encoding.Latin1.GetString(buffer[..count])}'");
        }
    }

    private static byte[] Http(string path) => Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: example.test\r\nConnection: close\r\n\r\n");

    private static byte[] Uwsgi(string path)
    {
        using var block = new MemoryStream();
        foreach (var text in (string[])["REQUEST_METHOD", "GET", "REQUEST_URI", path, "PATH_INFO", path, "SERVER_PROTOCOL", "HTTP/1.1", "HTTP_HOST", "example.test"])
        {
            block.Write([(byte)text.Length, 0]);
            block.Write(Encoding.ASCII.GetBytes(text));
        }

        return [0, (byte)block.Length, (byte)(block.Length >> 8), 0, .. block.ToArray()];
    }
}
