using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Uwsgi.AspNetCore.FunctionalTests.Infrastructure;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.FunctionalTests.Gateway;

/// <summary>All protocols on one port, told apart by the first bytes.</summary>
public class OnePortTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task One_socket_serves_them_all(bool unix)
    {
        using var socket = new TemporarySocket(unix);
        await using var server = await StartAsync(options => options.Socket = socket.Address);

        foreach (var speaker in Speaker.Everybody)
        {
            using var client = await server.ConnectSocketAsync();
            await client.SendAsync(speaker.Request("/hello", "body"));
            Assert.Equal($"{speaker} /hello body", speaker.Answer(await client.ReadToEndAsync()).Text);
        }

        using var ping = await server.ConnectSocketAsync();
        await ping.SendAsync(UwsgiPacket.Ping());
        Assert.Equal([100, 0, 0, 1], await ping.ReadToEndAsync());
        Assert.StartsWith("gateway://", server.Address);
        server.Logs.AssertNothingAbove(LogLevel.Information);
    }

    [Theory]
    [MemberData(nameof(Speaker.All), MemberType = typeof(Speaker))]
    public async Task A_request_that_is_there_at_once_is_answered(Speaker speaker)
    {
        await using var server = await StartAsync();
        var connection = await server.ConnectAsync(speaker.Request("/hello", "body"));

        Assert.Equal($"{speaker} /hello body", speaker.Answer(await connection.Client.ReadToEndAsync()).Text);
    }

    [Theory]
    [MemberData(nameof(Speaker.All), MemberType = typeof(Speaker))]
    public async Task A_request_that_comes_byte_by_byte_is_answered(Speaker speaker)
    {
        await using var server = await StartAsync();

        // So small a buffer that sending goes on only when the server has looked at the byte before.
        var connection = await server.ConnectAsync(new InMemoryConnectionOptions { InputBufferSize = 2 });
        await connection.Client.SendByteByByteAsync(speaker.Request("/hello", "body"));

        Assert.Equal($"{speaker} /hello body", speaker.Answer(await connection.Client.ReadToEndAsync()).Text);
    }

    [Fact]
    public async Task Many_connections_at_once_do_not_mix()
    {
        await using var server = await StartAsync();

        var answers = await Task.WhenAll(Enumerable.Range(0, 80).Select(async number =>
        {
            var speaker = Speaker.Everybody[number % Speaker.Everybody.Count];
            var body = new string((char)('a' + (number % 26)), number * 997);
            var connection = await server.ConnectAsync();
            var reading = connection.Client.ReadToEndAsync();
            var request = speaker.Request($"/{number}", body);
            await connection.Client.SendAsync(request.AsMemory(0, 1));
            await connection.Client.SendAsync(request.AsMemory(1));
            return (Expected: $"{speaker} /{number} {body}", Actual: speaker.Answer(await reading).Text);
        }));

        Assert.All(answers, answer => Assert.Equal(answer.Expected, answer.Actual));
    }

    [Fact]
    public async Task HTTP_connections_are_kept_and_pipelined()
    {
        await using var server = await StartAsync();
        var connection = await server.ConnectAsync();

        byte[] both = [.. Speaker.HttpRequest("/1", "one"), .. Speaker.HttpRequest("/2", "two")];
        await connection.Client.SendAsync(both);
        Assert.Contains("Http /1 one", Encoding.Latin1.GetString(await connection.Client.ReadThroughAsync("Http /1 one")));
        Assert.Contains("200 OK", Encoding.Latin1.GetString(await connection.Client.ReadThroughAsync("Http /2 two")));

        // The second message of a connection is no first bytes, whatever it looks like.
        await connection.Client.SendAsync(Speaker.Http.Request("/3", "12:"));
        Assert.Contains("Http /3 12:", Encoding.Latin1.GetString(await connection.Client.ReadToEndAsync()));
    }

    [Fact]
    public async Task A_FastCGI_connection_is_kept()
    {
        await using var server = await StartAsync();
        var client = new FastCgiClient(await server.ConnectAsync());

        foreach (var path in new[] { "/1", "/2" })
        {
            await client.SendAsync(FastCgiBytes.Request(1, UwsgiPacket.Nginx(target: path)));
            Assert.Equal($"FastCgi {path} ", RawResponse.Parse([.. (await client.ReadAnswerAsync(1)).Stdout]).Text);
        }
    }

    [Fact]
    public async Task A_WebSocket_is_opened_over_HTTP()
    {
        await using var server = await StartAsync(options =>
        {
            options.Socket = "127.0.0.1:0";
            options.Pipeline = host => host.UseWebSockets();
        });
        using var client = new ClientWebSocket();
        client.Options.Proxy = null;

        await client.ConnectAsync(new Uri(server.Address.Replace("gateway://", "ws://", StringComparison.Ordinal)), default).WithTimeoutAsync();
        await client.SendAsync("hello"u8.ToArray(), WebSocketMessageType.Text, endOfMessage: true, default).WithTimeoutAsync();
        var buffer = new byte[16];
        var echo = await client.ReceiveAsync(buffer, default).WithTimeoutAsync();

        Assert.Equal("hello", Encoding.UTF8.GetString(buffer, 0, echo.Count));
    }

    [Theory]
    [InlineData("FF000102", "unknown_protocol")]
    [InlineData("47220000", "unknown_protocol")]
    [InlineData("11040000", "unknown_protocol")]
    [InlineData("3132333B", "unknown_protocol")]
    [InlineData("160301020001000100", "tls_on_gateway_port")]
    public async Task Other_bytes_are_counted_logged_and_closed_without_an_answer(string hex, string reason)
    {
        await using var server = await StartAsync();
        var connection = await server.ConnectAsync();

        await connection.Client.SendAsync(Convert.FromHexString(hex));

        Assert.Empty(await connection.Client.ReadToEndAsync());
        await connection.Disposed.WithTimeoutAsync();
        var entry = Assert.Single(server.Logs.Find("WrongProtocol"));
        Assert.Equal(LogLevel.Warning, entry.Level);
        Assert.Contains(reason == "unknown_protocol" ? hex : "UseGateway()", entry.Message);
        Assert.Equal(1, server.Metrics.Sum("uwsgi.server.rejections", "error.type", reason));
    }

    [Theory]
    [InlineData("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")]
    [InlineData("hello\r\n\r\n")]
    public async Task What_looks_like_HTTP_is_refused_by_Kestrel(string text)
    {
        await using var server = await StartAsync();
        var connection = await server.ConnectAsync();

        await connection.Client.SendAsync(text);

        Assert.NotEmpty(await connection.Client.ReadToEndAsync());
        Assert.Empty(server.Metrics.Of("uwsgi.server.rejections"));
    }

    [Fact]
    public async Task A_modifier_that_starts_another_protocol_is_not_uwsgi_even_if_it_is_listed()
    {
        await using var server = await StartAsync(options => options.Uwsgi = uwsgi =>
        {
            uwsgi.Modifiers.Add(1);
            uwsgi.Modifiers.Add(3);
            uwsgi.Modifiers.Add(71);
        });
        var packet = UwsgiPacket.Nginx(target: "/hello");

        packet.Modifier1 = 3;
        Assert.Equal("Uwsgi /hello ", (await server.RequestAsync(packet)).Text);
        foreach (var modifier in new byte[] { 1, 71 })
        {
            packet.Modifier1 = modifier;
            var connection = await server.ConnectAsync(packet.ToArray());
            connection.Client.CompleteSending();
            var answer = await Record.ExceptionAsync(async () =>
                Assert.DoesNotContain("/hello", Encoding.Latin1.GetString(await connection.Client.ReadToEndAsync())));
            Assert.True(answer is null or ConnectionResetException, $"{answer}");
        }

        server.Metrics.RecordObservable();
        Assert.Equal(1, server.Metrics.Sum("uwsgi.server.requests"));
    }

    [Theory]
    [MemberData(nameof(Speaker.All), MemberType = typeof(Speaker))]
    public async Task A_peer_that_is_not_allowed_is_refused_whatever_it_speaks(Speaker speaker)
    {
        await using var server = await StartAsync();
        var connection = await server.ConnectAsync(
            new InMemoryConnectionOptions { RemoteEndPoint = new IPEndPoint(IPAddress.Parse("192.0.2.7"), 50000) });

        await connection.Client.SendAsync(speaker.Request());

        await Assert.ThrowsAsync<ConnectionResetException>(connection.Client.ReadToEndAsync);
        Assert.Single(server.Logs.Find("PeerRefused"));
    }

    [Fact]
    public async Task HTTP_does_not_count_towards_the_limit_but_who_cannot_be_told_yet_does()
    {
        await using var server = await StartAsync(options => options.Uwsgi = uwsgi => uwsgi.Limits.MaxConcurrentConnections = 1);

        var http = await server.ConnectAsync(Speaker.HttpRequest("/kept"));
        await http.Client.ReadThroughAsync("Http /kept");
        Assert.Equal("Uwsgi / ", (await server.RequestAsync(UwsgiPacket.Nginx())).Text);

        // So small a buffer that sending ends only when the server has looked at the bytes.
        var undecided = await server.ConnectAsync(new InMemoryConnectionOptions { InputBufferSize = 2 });
        await undecided.Client.SendAsync("300"u8.ToArray());
        var refused = await server.ConnectAsync(UwsgiPacket.Nginx().ToArray());
        Assert.Empty(await refused.Client.ReadToEndAsync());
        undecided.Client.Close();
        await undecided.Disposed.WithTimeoutAsync();

        Assert.Equal("Uwsgi / ", (await server.RequestAsync(UwsgiPacket.Nginx())).Text);
        Assert.Single(server.Logs.Find("ConnectionLimitReached"));
    }

    [Theory]
    [MemberData(nameof(Speaker.All), MemberType = typeof(Speaker))]
    public async Task Kestrels_connection_metrics_name_the_protocol(Speaker speaker)
    {
        await using var server = await StartAsync();
        using var kestrel = new MetricCollector(
            "Microsoft.AspNetCore.Server.Kestrel", server.Services.GetRequiredService<System.Diagnostics.Metrics.IMeterFactory>());

        var connection = await server.ConnectAsync(speaker.Request());
        await connection.Client.ReadToEndAsync();

        var duration = await kestrel.WaitForAsync(measurement => measurement.Instrument == "kestrel.connection.duration");
        Assert.Equal(speaker.Name.ToLowerInvariant(), duration["network.protocol.name"]);
    }

    [Theory]
    [InlineData("", 0)]
    [InlineData("300", 1)]
    public async Task A_peer_that_leaves_before_it_can_be_told_is_noted_only_if_it_has_begun(string text, int expected)
    {
        await using var server = await StartAsync();
        var connection = await server.ConnectAsync(Encoding.Latin1.GetBytes(text));

        connection.Client.CompleteSending();

        Assert.Empty(await connection.Client.ReadToEndAsync());
        Assert.Equal(expected, server.Metrics.Sum("uwsgi.server.rejections", "error.type", "unexpected_end"));
    }

    [Fact]
    public async Task A_reset_before_the_protocol_can_be_told_is_a_lost_connection()
    {
        await using var server = await StartAsync();
        var connection = await server.ConnectAsync("300"u8.ToArray());

        connection.Client.Reset();

        await connection.Disposed.WithTimeoutAsync();
        Assert.Single(server.Logs.Find("ConnectionReset"));
    }

    [SkippableFact]
    public async Task An_abstract_socket_serves_HTTP_too()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "Abstract sockets exist on Linux only.");
        await using var server = await StartAsync(options => options.Socket = $"@uwsgi-auto-{Guid.NewGuid():N}");
        using var handler = new SocketsHttpHandler
        {
            ConnectCallback = async (_, _) => new NetworkStream((await server.ConnectSocketAsync()).Socket, ownsSocket: true),
        };
        using var client = new HttpClient(handler);

        Assert.Equal("Http /hello ", await client.GetStringAsync(new Uri("http://example.test/hello")).WithTimeoutAsync());
    }

    internal static Task<GatewayTestServer> StartAsync(Action<GatewayTestServerOptions>? configure = null) => GatewayTestServer.StartAsync(
        AnswerAsync,
        options =>
        {
            options.Protocol = null;
            configure?.Invoke(options);
        });

    // Answers with the protocol, the path and the body; a WebSocket with its first message.
    private static async Task AnswerAsync(HttpContext context)
    {
        if (context.WebSockets.IsWebSocketRequest)
        {
            using var webSocket = await context.WebSockets.AcceptWebSocketAsync();
            var buffer = new byte[16];
            var message = await webSocket.ReceiveAsync(buffer, context.RequestAborted);
            await webSocket.SendAsync(buffer.AsMemory(0, message.Count), message.MessageType, endOfMessage: true, context.RequestAborted);
            return;
        }

        using var body = new StreamReader(context.Request.Body, Encoding.Latin1);
        var protocol = context.Features.Get<IGatewayFeature>()?.Protocol.ToString() ?? "Http";
        var answer = Encoding.Latin1.GetBytes($"{protocol} {context.Request.Path} {await body.ReadToEndAsync(context.RequestAborted)}");
        context.Response.ContentLength = answer.Length;
        await context.Response.Body.WriteAsync(answer);
    }
}
