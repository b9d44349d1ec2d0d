using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Uwsgi.AspNetCore.FunctionalTests.Responses;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.FunctionalTests.Attacks;

/// <summary>A reset in every phase of a request, on real sockets: the server forgets the connection and serves the next.</summary>
public sealed class ResetTests
{
    private readonly TaskCompletionSource _running = Events.New();
    private readonly TaskCompletionSource<Exception?> _outcome = Events.New<Exception?>();

    [Theory]
    [Trait("Attack", "reset")]
    [OnEachProtocol(0)]
    [OnEachProtocol(1)]
    [OnEachProtocol(100)]
    public async Task Before_or_in_the_head(GatewayProtocol protocol, int length)
    {
        await using var server = await StartAsync(protocol, AnswerAsync);
        using (var client = await server.Host.ConnectSocketAsync())
        {
            // The event loop's socket takes no notice of a TCP peer for the second in which its first bytes may come.
            if (length == 0)
                await server.Host.Logs.WaitForAsync("ConnectionStart");
            await client.SendAsync(GatewayWire.Request(protocol, GatewayWire.Packet(protocol)).AsMemory(0, length));
            client.Reset();
        }

        await AssertForgottenAsync(protocol, server);
    }

    [Theory]
    [Trait("GatewayRule", "36")]
    [Trait("Attack", "reset")]
    [OnEachProtocol(0)]
    [OnEachProtocol(3)]
    [OnEachProtocol(200_000)]
    public async Task Behind_the_head_or_in_the_body(GatewayProtocol protocol, int bodyBytes)
    {
        var token = CancellationToken.None;
        await using var server = await StartAsync(protocol, async context =>
        {
            token = context.RequestAborted;
            await context.Request.Body.ReadExactlyAsync(new byte[bodyBytes]);
            Task read = context.Request.Body.CopyToAsync(Stream.Null);
            _running.SetResult();
            _outcome.SetResult(await Record.ExceptionAsync(() => read));
        });
        using var client = await server.Host.ConnectSocketAsync();
        var packet = GatewayWire.Packet(protocol, "POST").Set("CONTENT_LENGTH", "1000000");
        await client.SendAsync(GatewayWire.Head(protocol, packet));
        await client.SendAsync(GatewayWire.Body(protocol, new byte[bodyBytes]));
        await _running.Task.WithTimeoutAsync();

        client.Reset();

        Assert.IsAssignableFrom<IOException>(await _outcome.Task.WithTimeoutAsync());
        await token.WaitForCancellationAsync();
        await AssertForgottenAsync(protocol, server);
    }

    [Theory]
    [Trait("GatewayRule", "55")]
    [Trait("Attack", "reset")]
    [OnEachProtocol]
    public async Task Before_the_response(GatewayProtocol protocol)
    {
        await using var server = await StartAsync(protocol, async context =>
        {
            var token = context.RequestAborted;
            _running.SetResult();
            await token.WaitForCancellationAsync();
            _outcome.SetResult(await Record.ExceptionAsync(() => context.Response.WriteAsync("to nobody")));
        });
        using var client = await server.Host.ConnectSocketAsync();
        await client.SendAsync(GatewayWire.Request(protocol, GatewayWire.Packet(protocol)));
        await _running.Task.WithTimeoutAsync();

        client.Reset();

        Assert.Null(await _outcome.Task.WithTimeoutAsync());
        await AssertForgottenAsync(protocol, server);
    }

    [Theory]
    [Trait("GatewayRule", "55")]
    [Trait("Attack", "reset")]
    [OnEachProtocol(true)]
    [OnEachProtocol(false)]
    public async Task In_the_response(GatewayProtocol protocol, bool abortOnHalfClose)
    {
        await using var server = await StartAsync(
            protocol,
            async context =>
            {
                var token = context.RequestAborted;
                while (!token.IsCancellationRequested)
                    await context.Response.Body.WriteAsync(new byte[100_000], CancellationToken.None);
                _outcome.SetResult(null);
            },
            abortOnHalfClose);
        using var client = await server.Host.ConnectSocketAsync();
        await client.SendAsync(GatewayWire.Request(protocol, GatewayWire.Packet(protocol)));
        await client.ReadThroughAsync("\r\n\r\n");

        client.Reset();

        await _outcome.Task.WithTimeoutAsync();
        await AssertForgottenAsync(protocol, server);
    }

    [Theory]
    [Trait("Attack", "reset")]
    [OnEachProtocol(true)]
    [OnEachProtocol(false)]
    public async Task Behind_the_response(GatewayProtocol protocol, bool isBodyUnread)
    {
        await using var server = await StartAsync(protocol, AnswerAsync);
        using var client = await server.Host.ConnectSocketAsync();
        var packet = GatewayWire.Packet(protocol, "POST").Set("CONTENT_LENGTH", isBodyUnread ? "1000000" : "0");
        await client.SendAsync(GatewayWire.Head(protocol, packet, keep: true));
        if (!isBodyUnread)
            await client.SendAsync(GatewayWire.End(protocol));
        await client.ReadThroughAsync("served");

        client.Reset();

        await AssertForgottenAsync(protocol, server);
    }

    // One connection at a time: the next is served only if nothing of the last is left.
    private static Task<AttackServer> StartAsync(GatewayProtocol protocol, RequestDelegate app, bool abortOnHalfClose = true) => AttackServer.StartAsync(
        protocol,
        context => context.Request.Path == "/next" ? AnswerAsync(context) : app(context),
        options =>
        {
            options.AbortOnHalfClose = abortOnHalfClose;
            options.Limits.MaxConcurrentConnections = 1;
        },
        socket: "127.0.0.1:0");

    private static Task AnswerAsync(HttpContext context) => context.Response.WriteAsync("served");

    private static async Task AssertForgottenAsync(GatewayProtocol protocol, AttackServer server)
    {
        // Kestrel says so when it is through with a connection.
        await server.Host.Logs.WaitForAsync("ConnectionStop");
        server.Host.Logs.AssertNothingAbove(LogLevel.Debug, "Uwsgi.AspNetCore");
        server.Host.Logs.AssertNothingAbove(LogLevel.Debug, "Microsoft.AspNetCore.Server.Kestrel");

        using var client = await server.Host.ConnectSocketAsync();
        await client.SendAsync(GatewayWire.Request(protocol, GatewayWire.Packet(protocol, target: "/next")));
        await client.ReadThroughAsync("served");
        await client.ReadToEndAsync();
        Assert.NotEqual(0, server.MemoryRentals);
    }
}
