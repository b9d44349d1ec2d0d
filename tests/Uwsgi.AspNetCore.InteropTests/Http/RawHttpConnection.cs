using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Uwsgi.AspNetCore.InteropTests.Http;

/// <summary>A client connection that sends exactly the bytes it is given and reads HTTP/1.x responses piece by piece.</summary>
internal sealed class RawHttpConnection : IAsyncDisposable
{
    private readonly Socket _socket;
    private readonly NetworkStream _stream;
    private readonly PipeReader _reader;
    private Framing _framing;
    private long _remaining;

    private RawHttpConnection(Socket socket)
    {
        _socket = socket;
        _stream = new NetworkStream(socket, ownsSocket: true);
        _reader = PipeReader.Create(_stream, new StreamPipeReaderOptions(bufferSize: 64 * 1024));
        LocalPort = (socket.LocalEndPoint as IPEndPoint)?.Port ?? 0;
        RemotePort = (socket.RemoteEndPoint as IPEndPoint)?.Port ?? 0;
    }

    /// <summary>Gets the client's own port; 0 on a unix socket.</summary>
    public int LocalPort { get; }

    /// <summary>Gets the server's port; 0 on a unix socket.</summary>
    public int RemotePort { get; }

    /// <summary>Gets a value indicating whether the body ended the way its framing says, once it has been read.</summary>
    public bool IsBodyComplete => _framing is Framing.None or Framing.Close || _remaining == 0;

    /// <summary>Connects.</summary>
    /// <param name="endPoint">The web server.</param>
    /// <param name="receiveBufferSize">The size of the kernel's receive buffer, to be a slow reader; 0 for the default.</param>
    public static async Task<RawHttpConnection> ConnectAsync(EndPoint endPoint, int receiveBufferSize = 0)
    {
        var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Unspecified);
        if (receiveBufferSize > 0)
        {
            socket.ReceiveBufferSize = receiveBufferSize;
        }

        await socket.ConnectAsync(endPoint).OrTimeout();
        return new RawHttpConnection(socket);
    }

    /// <summary>Sends one request on a new connection and reads the whole response, interim responses skipped.</summary>
    public static async Task<RawResponse> SendAsync(EndPoint endPoint, RawRequest request)
    {
        await using var connection = await ConnectAsync(endPoint);
        return await connection.SendAsync(request);
    }

    /// <summary>Sends a request and reads the response, both at the same time.</summary>
    public async Task<RawResponse> SendAsync(RawRequest request)
    {
        var sending = SendAllAsync(request);
        var response = await ReadResponseAsync(request.IsHead);
        await sending.OrTimeout();
        return response;
    }

    /// <summary>Gets the connection as it is after a 101 answer, starting with bytes that came along with it.</summary>
    public Stream AsStream() => new DuplexStream(_reader.AsStream(leaveOpen: true), _stream);

    public Task WriteAsync(ReadOnlyMemory<byte> bytes) => _stream.WriteAsync(bytes).AsTask().OrTimeout();

    public Task WriteAsync(string text) => WriteAsync(Encoding.Latin1.GetBytes(text));

    /// <summary>Reads a response to its end; <see cref="RawResponse.None"/> when the connection ends in its head.</summary>
    public async Task<RawResponse> ReadResponseAsync(bool isHead = false)
    {
        RawResponse head;
        try
        {
            head = await ReadHeadAsync(isHead);
        }
        catch (EndOfStreamException)
        {
            return RawResponse.None;
        }

        var body = new MemoryStream();
        while (await ReadBodyAsync() is { Length: > 0 } piece)
        {
            body.Write(piece);
        }

        return head with { Body = body.ToArray(), IsComplete = IsBodyComplete };
    }

    /// <summary>Reads the status line and the header fields of the final response.</summary>
    public async Task<RawResponse> ReadHeadAsync(bool isHead = false)
    {
        while (true)
        {
            var head = await ReadOneHeadAsync();
            if (head.Status is >= 200 or 101)
            {
                _framing = FramingOf(head, isHead);
                _remaining = _framing switch
                {
                    Framing.Length => long.Parse(head["Content-Length"]!, CultureInfo.InvariantCulture),
                    Framing.Chunked => -1,
                    _ => 0,
                };
                return head with { Framing = _framing };
            }
        }
    }

    /// <summary>Reads the next piece of the body; empty at its end, or where the connection was lost.</summary>
    public async Task<byte[]> ReadBodyAsync()
    {
        switch (_framing)
        {
            case Framing.Length when _remaining > 0:
                return await ReadCountedAsync();
            case Framing.Close:
                return await ReadAvailableAsync(int.MaxValue);
            case Framing.Chunked when _remaining != 0:
                return await ReadChunkPartAsync();
            default:
                return [];
        }
    }

    /// <summary>Reads whatever has arrived, at least one byte; empty at the end of the connection.</summary>
    public async Task<byte[]> ReadAvailableAsync(long limit)
    {
        try
        {
            var result = await _reader.ReadAsync().AsTask().OrTimeout();
            var taken = result.Buffer.Slice(0, Math.Min(limit, result.Buffer.Length));
            var bytes = taken.ToArray();
            _reader.AdvanceTo(taken.End);
            return bytes;
        }
        catch (IOException)
        {
            return [];
        }
    }

    /// <summary>Reads exactly so many bytes.</summary>
    public async Task<byte[]> ReadExactlyAsync(int count)
    {
        var result = await _reader.ReadAtLeastAsync(count).AsTask().OrTimeout();
        if (result.Buffer.Length < count)
        {
            throw new EndOfStreamException($"The connection ended after {result.Buffer.Length} of {count} bytes.");
        }

        var bytes = result.Buffer.Slice(0, count).ToArray();
        _reader.AdvanceTo(result.Buffer.GetPosition(count));
        return bytes;
    }

    /// <summary>Goes away in mid-exchange: the peer sees a reset.</summary>
    public void Abort()
    {
        _socket.LingerState = new LingerOption(enable: true, seconds: 0);
        _socket.Close();
    }

    public ValueTask DisposeAsync() => _stream.DisposeAsync();

    private static Framing FramingOf(RawResponse head, bool isHead)
    {
        if (isHead || head.Status is 101 or 204 or 304)
        {
            return Framing.None;
        }

        if (head["Transfer-Encoding"] is "chunked")
        {
            return Framing.Chunked;
        }

        return head["Content-Length"] is null ? Framing.Close : Framing.Length;
    }

    private async Task SendAllAsync(RawRequest request)
    {
        try
        {
            await _stream.WriteAsync(request.EncodeHead());
            await _stream.WriteAsync(request.EncodeBody());
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            // The server may answer and close before it has read the whole body; the response tells.
        }
    }

    private async Task<RawResponse> ReadOneHeadAsync()
    {
        var statusLine = await ReadLineAsync();
        var parts = statusLine.Split(' ', 3);
        if (parts.Length < 2 || !int.TryParse(parts[1], CultureInfo.InvariantCulture, out var status))
        {
            throw new InvalidDataException($"Not a status line: '{statusLine}'.");
        }

        var headers = new List<(string Name, string Value)>();
        while (await ReadLineAsync() is { Length: > 0 } line)
        {
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            headers.Add((line[..colon], line[(colon + 1)..].Trim(' ')));
        }

        return new RawResponse(parts[0], status, parts.ElementAtOrDefault(2) ?? string.Empty, headers);
    }

    private async Task<byte[]> ReadCountedAsync()
    {
        var bytes = await ReadAvailableAsync(_remaining);
        _remaining -= bytes.Length;
        return bytes;
    }

    // _remaining: -1 before a chunk, 0 after the last one, otherwise what is left of the chunk.
    private async Task<byte[]> ReadChunkPartAsync()
    {
        try
        {
            if (_remaining < 0)
            {
                _remaining = long.Parse(await ReadLineAsync(), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
                if (_remaining == 0)
                {
                    await ReadLineAsync();
                    return [];
                }
            }

            var bytes = await ReadCountedAsync();
            if (_remaining == 0)
            {
                _remaining = -1;
                await ReadLineAsync();
            }

            return bytes;
        }
        catch (Exception e) when (e is IOException or InvalidDataException)
        {
            // The connection was lost; _remaining is not 0, so the response counts as incomplete.
            return [];
        }
    }

    private async Task<string> ReadLineAsync()
    {
        while (true)
        {
            var result = await _reader.ReadAsync().AsTask().OrTimeout();
            var buffer = result.Buffer;
            if (buffer.PositionOf((byte)'\n') is { } end)
            {
                var line = Encoding.Latin1.GetString(buffer.Slice(0, end)).TrimEnd('\r');
                _reader.AdvanceTo(buffer.GetPosition(1, end));
                return line;
            }

            _reader.AdvanceTo(buffer.Start, buffer.End);
            if (result.IsCompleted)
            {
                throw new EndOfStreamException("The connection ended before the end of a line.");
            }
        }
    }
}
