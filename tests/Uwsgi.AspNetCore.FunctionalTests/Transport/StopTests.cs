using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Uwsgi.AspNetCore.FunctionalTests.Gateway;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.FunctionalTests.Transport;

/// <summary>The end of a server: of its requests, its connections, and of what it has of the system.</summary>
public class StopTests
{
    private readonly TaskCompletionSource _started = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _release = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public static TheoryData<UwsgiTransport, SocketKind> All => TransportServer.TransportsAndKinds;

    public static TheoryData<UwsgiTransport> Transports => TransportServer.Transports;

    [SkippableTheory]
    [MemberData(nameof(All))]
    public async Task A_request_under_way_ends_idle_connections_close_and_nobody_else_comes_in(UwsgiTransport transport, SocketKind kind)
    {
        var unbound = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = await TransportServer.StartAsync(
            transport,
            kind,
            async context =>
            {
                if (context.Request.Path == "/kept")
                    return;
                _started.SetResult();
                await context.Features.Get<IConnectionLifetimeNotificationFeature>()!.ConnectionClosedRequested.WaitForCancellationAsync();
                unbound.SetResult();
                await _release.Task.WithTimeoutAsync();
                await context.Response.WriteAsync("finished");
            },
            options => options.Protocol = GatewayProtocol.FastCgi);
        var address = server.Address;
        using var silent = await server.ConnectSocketAsync();
        using var kept = await server.ConnectSocketAsync();
        await kept.SendAsync(FastCgiBytes.Request(1, UwsgiPacket.Nginx(target: "/kept")));
        await kept.ReadExactlyAsync(8);
        using var busy = await server.ConnectSocketAsync();
        await busy.SendAsync(FastCgiBytes.Request(1, UwsgiPacket.Nginx(), keep: false));
        await _started.Task.WithTimeoutAsync();

        var stop = server.App.StopAsync();
        await unbound.Task.WithTimeoutAsync();

        if (transport == UwsgiTransport.EventLoop && kind is SocketKind.IPv4 or SocketKind.IPv6)
        {
            // Not accepted yet, see Libc.DeferAccept: it learns that nobody is there when it speaks. On a slow machine the second is over, and it was closed.
            _ = await Record.ExceptionAsync(() => silent.SendAsync(new byte[1]));
            _ = await silent.ReadToEndOrResetAsync();
        }
        else
        {
            await silent.ReadToEndAsync();
        }

        await kept.ReadToEndAsync();
        await Assert.ThrowsAnyAsync<SocketException>(() => UwsgiClient.ConnectAsync(address));
        Assert.False(stop.IsCompleted);
        _release.SetResult();
        Assert.Contains("finished", Encoding.Latin1.GetString(await busy.ReadToEndAsync()), StringComparison.Ordinal);
        await stop.WithTimeoutAsync();
    }

    [SkippableTheory]
    [MemberData(nameof(All))]
    public async Task A_stuck_app_does_not_keep_the_server(UwsgiTransport transport, SocketKind kind)
    {
        using var blocked = new ManualResetEventSlim();
        await using var server = await TransportServer.StartAsync(transport, kind, context =>
        {
            _started.SetResult();
            blocked.Wait(TestTimeouts.Default);
            return Task.CompletedTask;
        });
        using var client = await server.ConnectSocketAsync();
        await client.SendAsync(UwsgiPacket.Nginx().ToArray());
        await _started.Task.WithTimeoutAsync();

        using var noTime = new CancellationTokenSource();
        var stop = server.App.StopAsync(noTime.Token);
        await noTime.CancelAsync();
        await Record.ExceptionAsync(() => stop.WithTimeoutAsync());
        var (bytes, _) = await client.ReadToEndOrResetAsync();

        Assert.Empty(bytes);
        blocked.Set();
    }

    [SkippableTheory]
    [MemberData(nameof(Transports))]
    public async Task HTTP_connections_of_a_shared_socket_end_with_the_server(UwsgiTransport transport)
    {
        await using var server = await TransportServer.StartAsync(
            transport,
            SocketKind.IPv4,
            async context =>
            {
                if (context.Request.Path == "/kept")
                    return;
                _started.SetResult();
                await _release.Task.WithTimeoutAsync();
                await context.Response.WriteAsync("finished");
            },
            options => options.Protocol = null);
        using var idle = await server.ConnectSocketAsync();
        await idle.SendAsync(Speaker.HttpRequest("/kept", method: "GET"));
        await idle.ReadHeadAsync();
        using var busy = await server.ConnectSocketAsync();
        await busy.SendAsync(Speaker.HttpRequest("/", method: "GET"));
        await _started.Task.WithTimeoutAsync();

        var stop = server.App.StopAsync();

        await idle.ReadToEndAsync();
        Assert.False(stop.IsCompleted);
        _release.SetResult();
        Assert.Contains("finished", Encoding.Latin1.GetString(await busy.ReadToEndAsync()), StringComparison.Ordinal);
        await stop.WithTimeoutAsync();
    }

    [SkippableTheory]
    [MemberData(nameof(Transports))]
    public async Task HTTP_connections_of_a_shared_socket_are_aborted_when_the_time_is_over(UwsgiTransport transport)
    {
        await using var server = await TransportServer.StartAsync(
            transport,
            SocketKind.IPv4,
            async context =>
            {
                var aborted = context.RequestAborted;
                _started.SetResult();
                await aborted.WaitForCancellationAsync();
                _release.SetResult();
            },
            options => options.Protocol = null);
        using var client = await server.ConnectSocketAsync();
        await client.SendAsync(Speaker.HttpRequest("/", method: "GET"));
        await _started.Task.WithTimeoutAsync();

        using var noTime = new CancellationTokenSource();
        var stop = server.App.StopAsync(noTime.Token);
        await noTime.CancelAsync();
        await Record.ExceptionAsync(() => stop.WithTimeoutAsync());

        await _release.Task.WithTimeoutAsync();
        Assert.Empty((await client.ReadToEndOrResetAsync()).Bytes);
    }

    [SkippableTheory]
    [MemberData(nameof(All))]
    public async Task Servers_come_and_go_one_after_the_other(UwsgiTransport transport, SocketKind kind)
    {
        for (var i = 0; i < 15; i++)
        {
            await using var server = await TransportServer.StartAsync(transport, kind, context => context.Response.WriteAsync("hello"));
            Assert.Equal("hello", (await server.RequestAsync(UwsgiPacket.Nginx())).Text);
        }
    }
}
