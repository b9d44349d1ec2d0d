using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Uwsgi.AspNetCore.FunctionalTests.Infrastructure;
using Uwsgi.AspNetCore.FunctionalTests.Responses;
using Uwsgi.AspNetCore.FunctionalTests.Transport;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.FunctionalTests.Upgrades;

public class UpgradeTests
{
    private const string Answer = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: chat\r\nConnection: Upgrade\r\n\r\n";

    [Theory]
    [InlineData("Upgrade", "chat", "", true)]
    [InlineData("keep-alive, UPGRADE", "chat", "", true)]
    [InlineData("upgrade", "chat", "0", true)]
    [InlineData("upgrade", "chat", "5", false)]
    [InlineData("keep-alive", "chat", "", false)]
    [InlineData("upgraded", "chat", "", false)]
    [InlineData(null, "chat", "", false)]
    [Trait("Rule", "101")]
    [Trait("Item", "128")]
    [Trait("Item", "129")]
    public async Task A_request_can_be_upgraded_when_it_asks_and_has_no_body(string? connection, string upgrade, string length, bool expected)
    {
        (bool IsUpgradable, bool CanHaveBody, Type? Failure) seen = default;
        await using var server = await GatewayTestServer.StartAsync(async context =>
        {
            var feature = context.Features.Get<IHttpUpgradeFeature>()!;
            seen = (feature.IsUpgradableRequest, context.Features.Get<IHttpRequestBodyDetectionFeature>()!.CanHaveBody, null);
            if (!seen.IsUpgradable)
                seen.Failure = (await Record.ExceptionAsync(feature.UpgradeAsync))?.GetType();
        });
        var packet = UwsgiPacket.Nginx().Add("HTTP_UPGRADE", upgrade).Set("CONTENT_LENGTH", length);
        if (connection is not null)
            packet.Add("HTTP_CONNECTION", connection);
        packet.Body = new byte[length == "5" ? 5 : 0];

        await server.RequestAsync(packet);

        Assert.Equal((expected, length == "5", expected ? null : typeof(InvalidOperationException)), seen);
    }

    [SkippableTheory]
    [InlineData(UwsgiTransport.EventLoop, false)]
    [InlineData(UwsgiTransport.EventLoop, true)]
    [InlineData(UwsgiTransport.Sockets, false)]
    [InlineData(UwsgiTransport.Sockets, true)]
    public async Task A_tunnel_that_is_kept_never_reads_what_another_connection_receives(UwsgiTransport transport, bool isReading)
    {
        Stream tunnel = Stream.Null;
        var read = Task.FromResult(0);
        var buffer = new byte[100];
        var count = -1;
        await using var server = await TransportServer.StartAsync(transport, SocketKind.UnixFile, async context =>
        {
            if (context.Features.Get<IHttpUpgradeFeature>() is { IsUpgradableRequest: true } upgrade)
            {
                tunnel = await upgrade.UpgradeAsync();
                if (isReading)
                    read = tunnel.ReadAsync(buffer).AsTask();
                return;
            }

            Assert.NotNull(await Record.ExceptionAsync(async () => count = await tunnel.ReadAsync(buffer)));
            await Record.ExceptionAsync(async () => count = await read);
            await context.Response.WriteAsync(await new StreamReader(context.Request.Body).ReadToEndAsync());
        });
        await server.RequestAsync(Request());

        var response = await server.RequestAsync(UwsgiPacket.Nginx("POST").WithBody("secret"));

        Assert.Equal((200, "secret"), (response.StatusCode, response.Text));
        Assert.InRange(count, -1, 0);
        Assert.All(buffer, b => Assert.Equal(0, b));
    }

    [Fact]
    [Trait("Rule", "101")]
    public async Task The_option_turns_upgrades_off()
    {
        var upgradable = true;
        await using var server = await GatewayTestServer.StartAsync(
            context =>
            {
                upgradable = context.Features.Get<IHttpUpgradeFeature>()?.IsUpgradableRequest == true;
                return Task.CompletedTask;
            },
            options => options.Uwsgi = uwsgi => uwsgi.AllowUpgrade = false);

        await server.RequestAsync(Request());

        Assert.False(upgradable);
    }

    [Fact]
    [Trait("Rule", "102")]
    [Trait("Rule", "32")]
    public async Task An_upgrade_answers_101_with_the_apps_headers_and_becomes_a_tunnel()
    {
        await using var server = await GatewayTestServer.StartAsync(async context =>
        {
            context.Response.Headers.Upgrade = "chat";
            context.Response.Headers["Sec-WebSocket-Accept"] = "yes";
            await using var stream = await context.Features.Get<IHttpUpgradeFeature>()!.UpgradeAsync();
            Assert.Equal(101, context.Response.StatusCode);
            Assert.True(context.Response.HasStarted);
            await EchoAsync(stream);
        });

        var connection = await server.SendAsync(Request());
        var head = await connection.Client.ReadHeadAsync();
        await connection.Client.SendAsync("one");
        var one = await connection.Client.ReadExactlyAsync(3);
        await connection.Client.SendAsync("two");
        var two = await connection.Client.ReadExactlyAsync(3);
        connection.Client.CompleteSending();

        Assert.Equal("HTTP/1.1 101 Switching Protocols", head.StatusLine);
        Assert.Equal(["Upgrade", "Sec-WebSocket-Accept", "Connection"], head.Headers.Select(header => header.Key));
        Assert.Equal("Upgrade", head["Connection"]);
        Assert.Equal("one"u8.ToArray(), one);
        Assert.Equal("two"u8.ToArray(), two);
        Assert.Empty(await connection.Client.ReadToEndAsync());
    }

    [Fact]
    [Trait("Rule", "102")]
    [Trait("Item", "127")]
    public async Task An_upgrade_cannot_be_repeated()
    {
        await using var server = await GatewayTestServer.StartAsync(async context =>
        {
            await using var stream = await UpgradeAsync(context);
            await Assert.ThrowsAsync<InvalidOperationException>(context.Features.Get<IHttpUpgradeFeature>()!.UpgradeAsync);
            await stream.WriteAsync("once"u8.ToArray());
        });

        var connection = await server.SendAsync(Request());

        Assert.Equal(Answer + "once", await ReadAllAsync(connection));
    }

    [Fact]
    [Trait("Rule", "102")]
    public async Task A_response_that_has_started_cannot_be_upgraded()
    {
        await using var server = await GatewayTestServer.StartAsync(async context =>
        {
            await context.Response.WriteAsync("hello");
            await Assert.ThrowsAsync<InvalidOperationException>(context.Features.Get<IHttpUpgradeFeature>()!.UpgradeAsync);
        });

        var response = await server.RequestAsync(Request());

        Assert.Equal("hello", response.Text);
    }

    [Fact]
    [Trait("Rule", "102")]
    [Trait("Rule", "4")]
    public async Task An_upgrade_whose_OnStarting_callback_fails_is_a_500()
    {
        await using var server = await GatewayTestServer.StartAsync(async context =>
        {
            context.Response.OnStarting(() => throw new InvalidDataException("The callback has failed."));
            await UpgradeAsync(context);
        });
        server.ExpectError("ApplicationError");

        var response = await server.RequestAsync(Request());

        Assert.Equal(500, response.StatusCode);
    }

    [Fact]
    [Trait("Rule", "102")]
    [Trait("Item", "130")]
    public async Task An_upgrade_beyond_the_limit_is_refused_until_another_ends()
    {
        await using var server = await GatewayTestServer.StartAsync(
            async context =>
            {
                await using var stream = await UpgradeAsync(context);
                await EchoAsync(stream);
            },
            options => options.Uwsgi = uwsgi => uwsgi.Limits.MaxConcurrentUpgradedConnections = 1);
        server.ExpectError("ApplicationError");

        var first = await server.SendAsync(Request());
        await first.Client.ReadHeadAsync();
        var refused = await server.RequestAsync(Request());
        server.Metrics.RecordObservable();
        first.Client.CompleteSending();
        await first.Disposed.WithTimeoutAsync();
        var third = await server.SendAsync(Request());
        var head = await third.Client.ReadHeadAsync();

        Assert.Equal(500, refused.StatusCode);
        Assert.Equal(1, server.Metrics.Sum("uwsgi.server.upgraded_connections"));
        Assert.Equal(101, head.StatusCode);
    }

    [Fact]
    [Trait("Rule", "103")]
    [Trait("Item", "125")]
    public async Task The_response_body_cannot_be_written_after_an_upgrade()
    {
        await using var server = await GatewayTestServer.StartAsync(async context =>
        {
            await using var stream = await UpgradeAsync(context);
            await Assert.ThrowsAsync<InvalidOperationException>(() => context.Response.WriteAsync("hello"));
            await Assert.ThrowsAsync<InvalidOperationException>(async () => await context.Response.BodyWriter.WriteAsync("hello"u8.ToArray()));
            Assert.Throws<InvalidOperationException>(() => context.Response.BodyWriter.GetMemory());
            await stream.WriteAsync("raw"u8.ToArray());
        });

        var connection = await server.SendAsync(Request());

        Assert.Equal(Answer + "raw", await ReadAllAsync(connection));
    }

    [Fact]
    [Trait("Rule", "103")]
    [Trait("Item", "126")]
    public async Task The_request_body_is_empty_before_and_after_an_upgrade()
    {
        await using var server = await GatewayTestServer.StartAsync(async context =>
        {
            Assert.Equal(0, await context.Request.Body.ReadAsync(new byte[10]));
            await using var stream = await UpgradeAsync(context);
            Assert.Equal(0, await context.Request.Body.ReadAsync(new byte[10]));
            var result = await context.Request.BodyReader.ReadAsync();
            Assert.True(result.IsCompleted);
            Assert.True(result.Buffer.IsEmpty);
            await EchoAsync(stream);
        });

        var connection = await server.ConnectAsync();
        await connection.Client.SendAsync((byte[])[.. Request().ToArray(), .. "tunnel"u8]);
        await connection.Client.ReadHeadAsync();

        Assert.Equal("tunnel"u8.ToArray(), await connection.Client.ReadExactlyAsync(6));
    }

    [Fact]
    [Trait("Rule", "103")]
    [Trait("Item", "42")]
    public async Task The_body_size_limit_is_fixed_after_an_upgrade_and_does_not_apply()
    {
        await using var server = await GatewayTestServer.StartAsync(
            async context =>
            {
                await using var stream = await UpgradeAsync(context);
                var limit = context.Features.Get<IHttpMaxRequestBodySizeFeature>()!;
                Assert.True(limit.IsReadOnly);
                Assert.Throws<InvalidOperationException>(() => limit.MaxRequestBodySize = 100);
                await EchoAsync(stream);
            },
            options => options.Uwsgi = uwsgi => uwsgi.Limits.MaxRequestBodySize = 1);

        var connection = await server.SendAsync(Request());
        await connection.Client.SendAsync("more than one byte");
        await connection.Client.ReadHeadAsync();

        Assert.Equal("more than one byte"u8.ToArray(), await connection.Client.ReadExactlyAsync(18));
    }

    [Fact]
    [Trait("Rule", "103")]
    [Trait("Item", "132")]
    public async Task Time_limits_do_not_apply_to_an_upgraded_connection()
    {
        var time = new ManualTimeProvider();
        await using var server = await GatewayTestServer.StartAsync(
            async context =>
            {
                await using var stream = await UpgradeAsync(context);
                await EchoAsync(stream);
            },
            options =>
            {
                options.Time = time;
                options.Uwsgi = uwsgi => uwsgi.Limits.MinRequestBodyDataRate = new MinDataRate(240, TimeSpan.FromSeconds(5));
            });

        var connection = await server.SendAsync(Request());
        await connection.Client.ReadHeadAsync();
        await connection.Client.SendAsync("a");
        await connection.Client.ReadExactlyAsync(1);
        time.Advance(TimeSpan.FromHours(1));
        await connection.Client.SendAsync("b");
        var late = await connection.Client.ReadExactlyAsync(1);
        connection.Client.CompleteSending();

        Assert.Equal("b"u8.ToArray(), late);
        Assert.Empty(await connection.Client.ReadToEndAsync());
    }

    [Fact]
    [Trait("Rule", "104")]
    public async Task Bytes_behind_the_request_belong_to_the_tunnel()
    {
        await using var server = await GatewayTestServer.StartAsync(async context =>
        {
            await using var stream = await UpgradeAsync(context);
            await EchoAsync(stream);
        });

        var connection = await server.ConnectAsync();
        await connection.Client.SendAsync((byte[])[.. Request().ToArray(), .. "early"u8]);
        await connection.Client.ReadHeadAsync();
        var early = await connection.Client.ReadExactlyAsync(5);
        connection.Client.CompleteSending();

        Assert.Equal("early"u8.ToArray(), early);
        Assert.Empty(await connection.Client.ReadToEndAsync());
    }

    [Fact]
    [Trait("Rule", "105")]
    [Trait("Item", "131")]
    public async Task The_clients_end_ends_reads_and_the_apps_return_closes_the_connection_before_the_request_completes()
    {
        var order = new List<string>();
        await using var server = await GatewayTestServer.StartAsync(async context =>
        {
            context.Response.OnCompleted(() =>
            {
                order.Add("completed");
                return Task.CompletedTask;
            });
            await using var stream = await UpgradeAsync(context);
            while (await stream.ReadAsync(new byte[10]) > 0)
                order.Add("read");
            Assert.Equal(0, await stream.ReadAsync(new byte[10]));
            order.Add("end");
        });

        var connection = await server.SendAsync(Request());
        await connection.Client.ReadHeadAsync();
        await connection.Client.SendAsync("x");
        connection.Client.CompleteSending();

        Assert.Empty(await connection.Client.ReadToEndAsync());
        await connection.Disposed.WithTimeoutAsync();
        Assert.Equal(["read", "end", "completed"], order);
        var finished = await server.Logs.WaitForRequestEndAsync();
        Assert.Equal(101, finished.Values.Single(value => value.Key == "StatusCode").Value);
    }

    [Fact]
    [Trait("Rule", "105")]
    public async Task An_upgraded_app_that_fails_is_logged_and_the_connection_ends()
    {
        await using var server = await GatewayTestServer.StartAsync(async context =>
        {
            await using var stream = await UpgradeAsync(context);
            throw new InvalidDataException("The app has failed.");
        });
        server.ExpectError("ApplicationError");

        var connection = await server.SendAsync(Request());
        var head = await connection.Client.ReadHeadAsync();
        await connection.Disposed.WithTimeoutAsync();

        Assert.Equal(101, head.StatusCode);
    }

    [Fact]
    [Trait("Rule", "102")]
    public async Task Zero_byte_reads_wait_for_data()
    {
        await using var server = await GatewayTestServer.StartAsync(async context =>
        {
            await using var stream = await UpgradeAsync(context);
            Assert.Equal(0, await stream.ReadAsync(Memory<byte>.Empty));
            await EchoAsync(stream);
        });

        var connection = await server.SendAsync(Request());
        await connection.Client.SendAsync("data");
        await connection.Client.ReadHeadAsync();

        Assert.Equal("data"u8.ToArray(), await connection.Client.ReadExactlyAsync(4));
    }

    private static UwsgiPacket Request() => UwsgiPacket.Nginx().Add("HTTP_CONNECTION", "upgrade").Add("HTTP_UPGRADE", "chat");

    private static Task<Stream> UpgradeAsync(HttpContext context)
    {
        context.Response.Headers.Upgrade = "chat";
        return context.Features.Get<IHttpUpgradeFeature>()!.UpgradeAsync();
    }

    private static async Task EchoAsync(Stream stream)
    {
        var buffer = new byte[1024];
        while (await stream.ReadAsync(buffer) is > 0 and var count)
            await stream.WriteAsync(buffer.AsMemory(0, count));
    }

    private static async Task<string> ReadAllAsync(InMemoryConnection connection) =>
        Encoding.Latin1.GetString(await connection.Client.ReadToEndAsync());
}
