using System.Net;
using System.Net.Sockets;

namespace Uwsgi.AspNetCore.Benchmarks.Soak.Wire;

/// <summary>A client's end of a connection.</summary>
internal sealed class Link : IDisposable
{
    private const int SmallBuffer = 4096;

    private readonly Socket _socket;

    private Link(Socket socket) => _socket = socket;

    public static async Task<Link> ConnectAsync(EndPoint endPoint, bool hasSmallBuffer, CancellationToken cancellationToken)
    {
        var socket = endPoint is UnixDomainSocketEndPoint
            ? new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)
            : new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            if (hasSmallBuffer)
            {
                socket.ReceiveBufferSize = SmallBuffer;
            }

            await socket.ConnectAsync(endPoint, cancellationToken);
            return new Link(socket);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    public async Task SendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        while (!bytes.IsEmpty)
        {
            bytes = bytes[await _socket.SendAsync(bytes, cancellationToken)..];
        }
    }

    /// <summary>Sends in pieces, with pauses between some of them.</summary>
    public async Task SendAsync(ReadOnlyMemory<byte> bytes, Pace pace, CancellationToken cancellationToken)
    {
        while (!bytes.IsEmpty)
        {
            var count = Math.Min(bytes.Length, pace.NextPiece());
            await SendAsync(bytes[..count], cancellationToken);
            bytes = bytes[count..];
            await pace.PauseAsync(cancellationToken);
        }
    }

    public ValueTask<int> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken) =>
        _socket.ReceiveAsync(buffer, cancellationToken);

    /// <summary>Ends the sending direction.</summary>
    public void EndSending() => _socket.Shutdown(SocketShutdown.Send);

    /// <summary>Resets the connection; on a unix socket the peer sees it end.</summary>
    public void Reset()
    {
        _socket.LingerState = new LingerOption(enable: true, seconds: 0);
        _socket.Close();
    }

    public void Dispose() => _socket.Dispose();
}
