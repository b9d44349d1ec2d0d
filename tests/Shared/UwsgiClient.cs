using System.Buffers;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Uwsgi.AspNetCore.Testing;

/// <summary>A web server's end of a uwsgi connection over a real socket, TCP or unix.</summary>
public sealed class UwsgiClient : IDisposable
{
    private readonly Socket _socket;
    private readonly MemoryStream _received = new();

    private UwsgiClient(Socket socket) => _socket = socket;

    /// <summary>Gets the socket, for what this type does not offer.</summary>
    public Socket Socket => _socket;

    public static async Task<UwsgiClient> ConnectAsync(EndPoint endPoint, CancellationToken cancellationToken = default)
    {
        var socket = endPoint is UnixDomainSocketEndPoint
            ? new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)
            : new Socket(endPoint.AddressFamily is AddressFamily.InterNetworkV6 ? AddressFamily.InterNetworkV6 : AddressFamily.InterNetwork,
                SocketType.Stream,
                ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(endPoint, cancellationToken).WithTimeoutAsync();
            return new UwsgiClient(socket);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Connects to an address as the server prints it: <c>uwsgi://127.0.0.1:3031</c>, <c>uwsgi://unix:/run/app.sock</c>.</summary>
    public static Task<UwsgiClient> ConnectAsync(string address) => ConnectAsync(ParseAddress(address));

    /// <summary>Turns an address as the server prints it into an end point; names and wildcards mean this machine.</summary>
    public static EndPoint ParseAddress(string address)
    {
        var at = address.IndexOf("://", StringComparison.Ordinal);
        var rest = at < 0 ? address : address[(at + 3)..];
        if (rest.StartsWith("unix:", StringComparison.Ordinal))
            rest = rest["unix:".Length..];
        if (rest.StartsWith('/'))
            return new UnixDomainSocketEndPoint(rest);
        if (rest.StartsWith('@'))
            return new UnixDomainSocketEndPoint($"\0{rest[1..]}");

        var endPoint = rest.TrimEnd('/');
        if (!IPEndPoint.TryParse(endPoint, out var ip))
            return new IPEndPoint(IPAddress.Loopback, int.Parse(endPoint.AsSpan(endPoint.LastIndexOf(':') + 1)));
        if (ip.Address.Equals(IPAddress.Any))
            ip.Address = IPAddress.Loopback;
        if (ip.Address.Equals(IPAddress.IPv6Any))
            ip.Address = IPAddress.IPv6Loopback;
        return ip;
    }

    /// <summary>Sends a packet with its body, reads the answer to its end, and parses it.</summary>
    public static async Task<RawResponse> RequestAsync(EndPoint endPoint, UwsgiPacket packet)
    {
        using var client = await ConnectAsync(endPoint);

        // At the same time, since a server may answer before it has read a large body.
        var sending = client.SendAsync(packet.ToArray());
        var response = await client.ReadResponseAsync();
        await sending;
        return response;
    }

    /// <inheritdoc cref="RequestAsync(EndPoint, UwsgiPacket)"/>
    public static Task<RawResponse> RequestAsync(string address, UwsgiPacket packet) => RequestAsync(ParseAddress(address), packet);

    public async Task SendAsync(ReadOnlyMemory<byte> bytes)
    {
        while (bytes.Length > 0)
            bytes = bytes[await _socket.SendAsync(bytes).WithTimeoutAsync()..];
    }

    /// <summary>Sends text, one byte per character.</summary>
    public Task SendAsync(string latin1) => SendAsync(Encoding.Latin1.GetBytes(latin1));

    /// <summary>Sends every byte in a call, and on TCP in a packet, of its own.</summary>
    public async Task SendByteByByteAsync(ReadOnlyMemory<byte> bytes)
    {
        for (var i = 0; i < bytes.Length; i++)
            await SendAsync(bytes.Slice(i, 1));
    }

    /// <summary>Ends the sending direction (a FIN); the answer can still be read.</summary>
    public void CompleteSending() => _socket.Shutdown(SocketShutdown.Send);

    /// <summary>Resets the connection: an RST on TCP. On a unix socket the peer sees it end.</summary>
    public void Reset()
    {
        _socket.LingerState = new LingerOption(enable: true, seconds: 0);
        _socket.Close();
    }

    /// <summary>Reads to the end of the connection.</summary>
    /// <exception cref="SocketException">The server reset the connection.</exception>
    public async Task<byte[]> ReadToEndAsync()
    {
        while (await ReceiveAsync())
        {
        }

        return Take((int)_received.Length);
    }

    /// <summary>Reads to the end of the connection, or to its reset, and tells which it was.</summary>
    public async Task<(byte[] Bytes, bool WasReset)> ReadToEndOrResetAsync()
    {
        var wasReset = false;
        try
        {
            while (await ReceiveAsync())
            {
            }
        }
        catch (SocketException exception) when (exception.SocketErrorCode is SocketError.ConnectionReset or SocketError.Shutdown)
        {
            wasReset = true;
        }

        return (Take((int)_received.Length), wasReset);
    }

    /// <summary>Reads to the end of the connection and parses the answer.</summary>
    /// <exception cref="SocketException">The server reset the connection.</exception>
    public async Task<RawResponse> ReadResponseAsync() => RawResponse.Parse(await ReadToEndAsync());

    /// <summary>Reads and parses the head of the answer; the body stays for the next read.</summary>
    public async Task<RawResponse> ReadHeadAsync() => RawResponse.Parse(await ReadThroughAsync("\r\n\r\n"));

    /// <summary>Reads exactly so many bytes.</summary>
    public async Task<byte[]> ReadExactlyAsync(int count)
    {
        while (_received.Length < count)
        {
            if (!await ReceiveAsync())
                throw Ended($"{count} bytes");
        }

        return Take(count);
    }

    /// <summary>Reads up to and including a text.</summary>
    public async Task<byte[]> ReadThroughAsync(string latin1)
    {
        var delimiter = Encoding.Latin1.GetBytes(latin1);
        while (true)
        {
            var at = _received.GetBuffer().AsSpan(0, (int)_received.Length).IndexOf(delimiter);
            if (at >= 0)
                return Take(at + delimiter.Length);
            if (!await ReceiveAsync())
                throw Ended($"'{latin1}'");
        }
    }

    public void Dispose()
    {
        _socket.Dispose();
        _received.Dispose();
    }

    private async Task<bool> ReceiveAsync()
    {
        var buffer = ArrayPool<byte>.Shared.Rent(16 * 1024);
        try
        {
            var count = await _socket.ReceiveAsync(buffer.AsMemory()).WithTimeoutAsync();
            _received.Write(buffer, 0, count);
            return count > 0;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private byte[] Take(int count)
    {
        var all = _received.ToArray();
        _received.SetLength(0);
        _received.Write(all, count, all.Length - count);
        return all[..count];
    }

    private EndOfStreamException Ended(string what) =>
        new($"The server ended the connection before {what} arrived. Received: '{Encoding.Latin1.GetString(_received.ToArray())}'");
}
