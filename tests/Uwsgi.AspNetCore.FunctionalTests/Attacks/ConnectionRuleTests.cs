using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;
using Uwsgi.AspNetCore.FunctionalTests.Responses;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.FunctionalTests.Attacks;

/// <summary>Who may connect, who has gone, and when the server goes.</summary>
public class ConnectionRuleTests
{
    [Theory]
    [Trait("GatewayRule", "54")]
    [OnEachProtocol]
    public async Task A_stopping_server_answers_what_runs(GatewayProtocol protocol)
    {
        var running = Events.New();
        var release = Events.New();
        await using var server = await AttackServer.StartAsync(protocol, async context =>
        {
            running.TrySetResult();
            await release.Task.WithTimeoutAsync();
            await context.Response.WriteAsync("done");
        });
        var silent = await server.OpenAsync();
        var busy = await server.OpenAsync(GatewayWire.Request(protocol, GatewayWire.Packet(protocol), keep: true));
        await running.Task.WithTimeoutAsync();

        var stopping = server.Host.App.StopAsync();

        await silent.AssertEndAsync();
        release.SetResult();
        Assert.Equal("done", (await busy.ReadResponseAsync()).Text);
        await busy.AssertEndAsync();
        await stopping.WithTimeoutAsync();
    }

    [Theory]
    [Trait("GatewayRule", "55")]
    [Trait("Attack", "half-close")]
    [Trait("Attack", "reset")]
    [OnEachProtocol(false)]
    [OnEachProtocol(true)]
    public async Task A_client_that_goes_fires_RequestAborted(GatewayProtocol protocol, bool reset)
    {
        var running = Events.New();
        var aborted = Events.New();
        await using var server = await AttackServer.StartAsync(protocol, async context =>
        {
            var token = context.RequestAborted;
            running.SetResult();
            await token.WaitForCancellationAsync();
            aborted.SetResult();
            await context.Response.WriteAsync("to nobody");
        });
        var peer = await server.OpenAsync(GatewayWire.Request(protocol, GatewayWire.Packet(protocol)));
        await running.Task.WithTimeoutAsync();

        if (reset)
            peer.Client.Reset();
        else
            peer.Client.CompleteSending();

        await aborted.Task.WithTimeoutAsync();
        await peer.Connection.Disposed.WithTimeoutAsync();
    }

    [Theory]
    [Trait("GatewayRule", "55")]
    [Trait("Attack", "half-close")]
    [OnEachProtocol]
    public async Task A_half_close_may_mean_no_more_than_that(GatewayProtocol protocol)
    {
        var running = Events.New();
        var release = Events.New();
        await using var server = await AttackServer.StartAsync(
            protocol,
            async context =>
            {
                running.SetResult();
                await release.Task.WithTimeoutAsync();
                Assert.False(context.RequestAborted.IsCancellationRequested);
                await context.Request.Body.CopyToAsync(context.Response.Body);
            },
            options => options.AbortOnHalfClose = false);
        var peer = await server.OpenAsync(GatewayWire.Request(protocol, GatewayWire.Packet(protocol, "POST").WithBody("body")));
        await running.Task.WithTimeoutAsync();

        peer.Client.CompleteSending();
        release.SetResult();

        Assert.Equal("body", (await peer.ReadResponseAsync()).Text);
        await peer.AssertEndAsync();
    }

    [Theory]
    [Trait("GatewayRule", "10")]
    [Trait("Attack", "half-close")]
    [OnEachProtocol(true)]
    [OnEachProtocol(false)]
    public async Task A_half_close_anywhere_in_a_head_ends_the_connection(GatewayProtocol protocol, bool abortOnHalfClose)
    {
        await using var server = await AttackServer.StartAsync(
            protocol, _ => throw new InvalidOperationException("Never reached."), options => options.AbortOnHalfClose = abortOnHalfClose);
        var head = GatewayWire.Head(protocol, GatewayWire.Packet(protocol));

        for (var length = 0; length < head.Length; length++)
        {
            var peer = await server.OpenAsync(head[..length]);
            await peer.CloseAsync();
        }

        await server.AssertNothingLeakedAsync();
    }

    [Theory]
    [Trait("GatewayRule", "56")]
    [OnEachProtocol]
    public async Task A_peer_that_may_not_connect_is_cut_off_before_its_first_byte_is_read(GatewayProtocol protocol)
    {
        await using var server = await AttackServer.StartAsync(protocol, _ => throw new InvalidOperationException("Never reached."));
        for (var i = 0; i < 3; i++)
        {
            var peer = await server.Host.ConnectAsync(new InMemoryConnectionOptions { RemoteEndPoint = new IPEndPoint(IPAddress.Parse("192.0.2.66"), 4711) });
            await peer.Client.SendAsync(GatewayWire.Request(protocol, GatewayWire.Packet(protocol).Add("REMOTE_ADDR", "127.0.0.1")));

            await Assert.ThrowsAsync<ConnectionResetException>(peer.Client.ReadToEndAsync);
            await peer.Disposed.WithTimeoutAsync();
        }

        Assert.Single(server.Host.Logs.Find("PeerRefused"));
        Assert.Equal(3, server.Host.Metrics.Sum("uwsgi.server.rejections", "error.type", "peer_not_allowed"));
    }
}
