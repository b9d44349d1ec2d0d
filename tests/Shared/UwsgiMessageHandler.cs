using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;

namespace Uwsgi.AspNetCore.Testing;

/// <summary>
/// Lets <see cref="HttpClient"/> talk to a uwsgi socket as nginx would: the variables of its shipped params file, the
/// header fields as HTTP_*, one connection per request. An answer of 101 gives a content whose stream can be written to, so
/// that <see cref="System.Net.WebSockets.ClientWebSocket"/> works over it.
/// </summary>
public sealed class UwsgiMessageHandler(EndPoint endPoint) : HttpMessageHandler
{
    private static readonly IPEndPoint DefaultRemote = new(IPAddress.Parse("192.0.2.7"), 51234);

    public UwsgiMessageHandler(string address)
        : this(UwsgiClient.ParseAddress(address))
    {
    }

    /// <summary>Gets or sets the client address the web server claims to see.</summary>
    public IPEndPoint Remote { get; set; } = DefaultRemote;

    /// <summary>Gets or sets the SERVER_PROTOCOL; null takes the request's version.</summary>
    public string? ServerProtocol { get; set; }

    /// <summary>Gets or sets what changes the packet before it is sent.</summary>
    public Action<UwsgiPacket, HttpRequestMessage>? Customize { get; set; }

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        // nginx buffers the body first and always knows its length.
        var length = 0L;
        if (request.Content is { } content)
        {
            if (content.Headers.ContentLength is null)
                await content.LoadIntoBufferAsync(cancellationToken);
            length = content.Headers.ContentLength.GetValueOrDefault();
        }

        var packet = ToPacket(request, length);
        Customize?.Invoke(packet, request);

        var client = await UwsgiClient.ConnectAsync(endPoint, cancellationToken);
        try
        {
            var stream = new NetworkStream(client.Socket, ownsSocket: true);
            await stream.WriteAsync(packet.ToHead(), cancellationToken);
            var sending = SendBodyAsync(request.Content, stream, cancellationToken);

            var (head, rest) = await ReadHeadAsync(stream, cancellationToken);
            return ToResponse(request, head, rest, stream, sending);
        }
        catch (IOException exception)
        {
            client.Dispose();
            throw new HttpRequestException("The server ended the connection without an answer.", exception);
        }
        catch
        {
            client.Dispose();
            throw;
        }
    }

    private static async Task SendBodyAsync(HttpContent? content, NetworkStream stream, CancellationToken cancellationToken)
    {
        if (content is null)
            return;

        try
        {
            await content.CopyToAsync(stream, cancellationToken);
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException or ObjectDisposedException)
        {
            // The server may answer and close without reading everything; its answer is what counts.
        }
    }

    private static async Task<(RawResponse Head, byte[] Behind)> ReadHeadAsync(NetworkStream stream, CancellationToken cancellationToken)
    {
        var received = new byte[4096];
        var count = 0;
        while (true)
        {
            var end = received.AsSpan(0, count).IndexOf("\r\n\r\n"u8);
            if (end >= 0)
                return (RawResponse.Parse(received[..(end + 4)]), received[(end + 4)..count]);

            if (count == received.Length)
                Array.Resize(ref received, count * 2);
            var read = await stream.ReadAsync(received.AsMemory(count), cancellationToken);
            if (read == 0)
            {
                throw new HttpRequestException(
                    HttpRequestError.ResponseEnded,
                    $"The server ended the connection without an answer. Received: '{Encoding.Latin1.GetString(received, 0, count)}'");
            }

            count += read;
        }
    }

    private static HttpResponseMessage ToResponse(
        HttpRequestMessage request, RawResponse head, byte[] rest, NetworkStream stream, Task sending)
    {
        var hasNoBody = request.Method == HttpMethod.Head || head.StatusCode is 204 or 304;
        long? length = hasNoBody ? 0 : head["Content-Length"] is { } text ? long.Parse(text, CultureInfo.InvariantCulture) : null;

        var response = new HttpResponseMessage((HttpStatusCode)head.StatusCode)
        {
            RequestMessage = request,
            ReasonPhrase = head.ReasonPhrase,
            Version = HttpVersion.Version11,
            Content = new ResponseContent(new ResponseStream(stream, rest, head.StatusCode == 101 ? null : length, sending)),
        };
        foreach (var (name, value) in head.Headers)
        {
            if (!response.Headers.TryAddWithoutValidation(name, value))
                response.Content.Headers.TryAddWithoutValidation(name, value);
        }

        return response;
    }

    private static void AddHeaders(UwsgiPacket packet, HttpHeaders? headers)
    {
        if (headers is null)
            return;

        foreach (var (name, values) in headers.NonValidated)
        {
            if (name.Equals("Host", StringComparison.OrdinalIgnoreCase))
                continue;

            var variable = $"HTTP_{name.ToUpperInvariant().Replace('-', '_')}";
            var isCookie = name.Equals("Cookie", StringComparison.OrdinalIgnoreCase);
            packet.Add(Encoding.Latin1.GetBytes(variable), Encoding.UTF8.GetBytes(string.Join(isCookie ? "; " : ", ", values)));
        }
    }

    private UwsgiPacket ToPacket(HttpRequestMessage request, long length)
    {
        var uri = request.RequestUri ?? throw new InvalidOperationException("The request has no address.");
        var https = uri.Scheme is "https" or "wss";
        var target = uri.GetComponents(UriComponents.PathAndQuery, UriFormat.UriEscaped);

        var packet = UwsgiPacket.Nginx(request.Method.Method, target, request.Headers.Host ?? uri.Authority, https)
            .Set("CONTENT_TYPE", request.Content?.Headers.ContentType?.ToString() ?? "")
            .Set("CONTENT_LENGTH", request.Content is null ? "" : length.ToString(CultureInfo.InvariantCulture))
            .Set("SERVER_PROTOCOL", ServerProtocol ?? string.Create(CultureInfo.InvariantCulture, $"HTTP/{request.Version.ToString(2)}"))
            .Set("REMOTE_ADDR", Remote.Address.ToString())
            .Set("REMOTE_PORT", Remote.Port.ToString(CultureInfo.InvariantCulture))
            .Set("SERVER_PORT", uri.Port.ToString(CultureInfo.InvariantCulture))
            .Set("SERVER_NAME", uri.Host);
        AddHeaders(packet, request.Headers);
        AddHeaders(packet, request.Content?.Headers);
        return packet;
    }

    /// <summary>A content whose stream is the connection itself.</summary>
    private sealed class ResponseContent(ResponseStream stream) : HttpContent
    {
        protected override Task<Stream> CreateContentReadStreamAsync() => Task.FromResult<Stream>(stream);

        protected override Stream CreateContentReadStream(CancellationToken cancellationToken) => stream;

        protected override Task SerializeToStreamAsync(Stream target, TransportContext? context) => stream.CopyToAsync(target);

        protected override Task SerializeToStreamAsync(Stream target, TransportContext? context, CancellationToken cancellationToken) =>
            stream.CopyToAsync(target, cancellationToken);

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
                stream.Dispose();
            base.Dispose(disposing);
        }
    }

    /// <summary>The rest of the connection: bytes that came with the head first, then the socket, up to the announced length.</summary>
    private sealed class ResponseStream(NetworkStream connection, byte[] rest, long? length, Task sending) : Stream
    {
        private ReadOnlyMemory<byte> _rest = rest;
        private long? _remaining = length;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (_remaining is { } remaining && remaining < buffer.Length)
                buffer = buffer[..(int)remaining];
            if (buffer.Length == 0)
            {
                if (_remaining == 0)
                    await sending.WaitAsync(cancellationToken);
                return 0;
            }

            var count = Math.Min(buffer.Length, _rest.Length);
            if (count > 0)
            {
                _rest[..count].CopyTo(buffer);
                _rest = _rest[count..];
            }
            else
            {
                count = await connection.ReadAsync(buffer, cancellationToken);
            }

            if (count == 0 && _remaining is > 0)
                throw new HttpIOException(HttpRequestError.ResponseEnded, $"The answer is {_remaining} bytes short.");
            _remaining -= count;
            return count;
        }

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override int Read(byte[] buffer, int offset, int count) => ReadAsync(buffer, offset, count, default).GetAwaiter().GetResult();

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
            connection.WriteAsync(buffer, cancellationToken);

        public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            connection.WriteAsync(buffer, offset, count, cancellationToken);

        public override void Write(byte[] buffer, int offset, int count) => connection.Write(buffer, offset, count);

        public override void Flush()
        {
        }

        public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            if (disposing)
                connection.Dispose();
            base.Dispose(disposing);
        }
    }
}
