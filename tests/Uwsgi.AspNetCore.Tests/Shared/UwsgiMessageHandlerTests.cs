using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Text;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.Tests.Shared;

public sealed class UwsgiMessageHandlerTests : IDisposable
{
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly HttpClient _http;

    public UwsgiMessageHandlerTests()
    {
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen();
        _http = new HttpClient(new UwsgiMessageHandler($"uwsgi://{_listener.LocalEndPoint}"));
    }

    [Fact]
    public async Task Request_ArrivesAsNginxWouldSendIt()
    {
        var server = ServeAsync("HTTP/1.1 201 Created\r\nContent-Length: 2\r\nX-One: a\r\nX-One: b\r\n\r\nhi and more");
        using var request = new HttpRequestMessage(HttpMethod.Post, "https://shop.test:8443/a%20b?x=1");
        request.Headers.Add("X-Two", ["1", "2"]);
        request.Headers.Add("Cookie", ["a=1", "b=2"]);
        request.Content = new StringContent("body", Encoding.UTF8, "text/plain");

        using var response = await _http.SendAsync(request);
        var sent = await server;

        Assert.Equal(HttpStatusCode.Created, response.StatusCode);
        Assert.Equal("hi", await response.Content.ReadAsStringAsync());
        Assert.Equal(["a", "b"], response.Headers.GetValues("X-One"));
        Assert.Equal("POST", sent["REQUEST_METHOD"]);
        Assert.Equal("/a b", sent["PATH_INFO"]);
        Assert.Equal("/a%20b?x=1", sent["REQUEST_URI"]);
        Assert.Equal("x=1", sent["QUERY_STRING"]);
        Assert.Equal("4", sent["CONTENT_LENGTH"]);
        Assert.Equal("text/plain; charset=utf-8", sent["CONTENT_TYPE"]);
        Assert.Equal("shop.test:8443", sent["HTTP_HOST"]);
        Assert.Equal("on", sent["HTTPS"]);
        Assert.Equal("1, 2", sent["HTTP_X_TWO"]);
        Assert.Equal("a=1; b=2", sent["HTTP_COOKIE"]);
        Assert.Equal("body", sent[""]);
    }

    [Fact]
    public async Task Answer_ShorterThanAnnounced_Fails()
    {
        var server = ServeAsync("HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nhi");

        await Assert.ThrowsAnyAsync<HttpRequestException>(() => _http.GetStringAsync("http://example.test/"));

        await server;
    }

    [Fact]
    public async Task Answer_None_Fails()
    {
        var server = ServeAsync("");

        await Assert.ThrowsAsync<HttpRequestException>(() => _http.GetStringAsync("http://example.test/"));

        await server;
    }

    [Fact]
    public async Task Answer_101_CarriesAWebSocket()
    {
        var server = ServeWebSocketAsync();
        using var client = new ClientWebSocket();
        using var invoker = new HttpMessageInvoker(new UwsgiMessageHandler(_listener.LocalEndPoint!));

        await client.ConnectAsync(new Uri("ws://example.test/chat"), invoker, default).WithTimeoutAsync();
        await client.SendAsync("ping"u8.ToArray(), WebSocketMessageType.Text, endOfMessage: true, default).WithTimeoutAsync();
        var answer = new byte[16];
        var result = await client.ReceiveAsync(answer, default).WithTimeoutAsync();

        Assert.Equal("ping", Encoding.UTF8.GetString(answer, 0, result.Count));
        client.Abort();
        await server;
    }

    [Fact]
    public async Task UwsgiClient_RequestAsync_ReadsTheAnswer()
    {
        var server = ServeAsync("HTTP/1.1 200 OK\r\n\r\nall of it");

        var response = await UwsgiClient.RequestAsync(_listener.LocalEndPoint!, UwsgiPacket.Nginx("POST").WithBody("body"));

        Assert.Equal("all of it", response.Text);
        Assert.Equal("body", (await server)[""]);
    }

    [Theory]
    [InlineData("uwsgi://127.0.0.1:3031", "127.0.0.1:3031")]
    [InlineData("127.0.0.1:3031", "127.0.0.1:3031")]
    [InlineData("uwsgi://0.0.0.0:3031", "127.0.0.1:3031")]
    [InlineData("uwsgi://[::]:3031", "[::1]:3031")]
    [InlineData("uwsgi://[::1]:3031/", "[::1]:3031")]
    [InlineData("uwsgi://localhost:3031", "127.0.0.1:3031")]
    [InlineData("uwsgi://unix:/run/app.sock", "/run/app.sock")]
    [InlineData("/run/app.sock", "/run/app.sock")]
    [InlineData("uwsgi://@name", "@name")]
    [InlineData("uwsgi://unix:@name", "@name")]
    public void ParseAddress_EveryForm(string address, string expected) =>
        Assert.Equal(expected, UwsgiClient.ParseAddress(address).ToString()!.Replace('\0', '@'));

    public void Dispose()
    {
        _http.Dispose();
        _listener.Dispose();
    }

    private async Task ServeWebSocketAsync()
    {
        using var socket = await _listener.AcceptAsync().WithTimeoutAsync();
        using var stream = new NetworkStream(socket);
        var variables = await ReadPacketAsync(stream);
        Assert.Equal("websocket", variables["HTTP_UPGRADE"]);
        Assert.Equal("Upgrade", variables["HTTP_CONNECTION"]);

        // The GUID and the hash of RFC 6455, section 4.2.2.
        var key = $"{variables["HTTP_SEC_WEBSOCKET_KEY"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
#pragma warning disable CA5350 // The protocol asks for this hash; nothing depends on its strength.
        var accept = Convert.ToBase64String(SHA1.HashData(Encoding.ASCII.GetBytes(key)));
#pragma warning restore CA5350
        await stream.WriteAsync(Encoding.ASCII.GetBytes(
            $"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"));

        using var webSocket = WebSocket.CreateFromStream(stream, new WebSocketCreationOptions { IsServer = true });
        var message = new byte[16];
        var result = await webSocket.ReceiveAsync(message, default).WithTimeoutAsync();
        await webSocket.SendAsync(message.AsMemory(0, result.Count), result.MessageType, endOfMessage: true, default).WithTimeoutAsync();
        await Assert.ThrowsAsync<WebSocketException>(() => webSocket.ReceiveAsync(message, default).WithTimeoutAsync());
    }

    /// <summary>Takes one packet apart, sends the answer, and returns the variables; the body under the empty name.</summary>
    private async Task<Dictionary<string, string>> ServeAsync(string answer)
    {
        using var socket = await _listener.AcceptAsync().WithTimeoutAsync();
        using var stream = new NetworkStream(socket);
        var variables = await ReadPacketAsync(stream);
        var body = new byte[int.TryParse(variables.GetValueOrDefault("CONTENT_LENGTH"), out var length) ? length : 0];
        await stream.ReadExactlyAsync(body).WithTimeoutAsync();
        variables[""] = Encoding.Latin1.GetString(body);

        await stream.WriteAsync(Encoding.Latin1.GetBytes(answer));
        return variables;
    }

    private static async Task<Dictionary<string, string>> ReadPacketAsync(NetworkStream stream)
    {
        var head = new byte[4];
        await stream.ReadExactlyAsync(head).WithTimeoutAsync();
        var block = new byte[BinaryPrimitives.ReadUInt16LittleEndian(head.AsSpan(1))];
        await stream.ReadExactlyAsync(block).WithTimeoutAsync();

        var variables = new Dictionary<string, string>();
        using var reader = new BinaryReader(new MemoryStream(block), Encoding.Latin1);
        string Next() => Encoding.Latin1.GetString(reader.ReadBytes(reader.ReadUInt16()));
        while (reader.BaseStream.Position < block.Length)
            variables.Add(Next(), Next());
        return variables;
    }
}
