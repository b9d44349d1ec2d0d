using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.FunctionalTests.Transport;

/// <summary>Peers that go, half or for good, and apps that let them go.</summary>
public class LossTests
{
    private readonly TaskCompletionSource _started = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public static TheoryData<UwsgiTransport, SocketKind> All => TransportServer.TransportsAndKinds;

    public static TheoryData<UwsgiTransport, SocketKind, bool> AllTwice
    {
        get
        {
            var data = new TheoryData<UwsgiTransport, SocketKind, bool>();
            foreach (var transport in Enum.GetValues<UwsgiTransport>())
            {
                foreach (var kind in Enum.GetValues<SocketKind>())
                {
                    data.Add(transport, kind, false);
                    data.Add(transport, kind, true);
                }
            }

            return data;
        }
    }

    [SkippableTheory]
    [MemberData(nameof(AllTwice))]
    public async Task An_app_that_never_lets_go_of_its_thread_hears_that_the_client_has_gone(UwsgiTransport transport, SocketKind kind, bool reset)
    {
        await using var server = await TransportServer.StartAsync(transport, kind, context =>
        {
            var aborted = context.RequestAborted;
            _started.SetResult();
            // Blocks the thread that serves the connection.
            if (aborted.WaitHandle.WaitOne(TestTimeouts.Default))
                _ended.SetResult();
            return Task.CompletedTask;
        });
        using var client = await server.ConnectSocketAsync();
        await client.SendAsync(UwsgiPacket.Nginx().ToArray());
        await _started.Task.WithTimeoutAsync();

        if (reset)
            client.Reset();
        else
            client.CompleteSending();

        await _ended.Task.WithTimeoutAsync();
        await server.Logs.WaitForAsync("ConnectionStop");
    }

    [SkippableTheory]
    [MemberData(nameof(AllTwice))]
    public async Task The_end_of_a_connection_is_told_while_nobody_reads(UwsgiTransport transport, SocketKind kind, bool reset)
    {
        await using var server = await TransportServer.StartAsync(transport, kind, async context =>
        {
            var closed = context.Features.Get<IConnectionLifetimeFeature>()!.ConnectionClosed;
            _started.SetResult();
            await closed.WaitForCancellationAsync();
            _ended.SetResult();
        });
        using var client = await server.ConnectSocketAsync();
        await client.SendAsync(UwsgiPacket.Nginx().ToArray());
        await _started.Task.WithTimeoutAsync();

        if (reset)
            client.Reset();
        else
            client.CompleteSending();

        await _ended.Task.WithTimeoutAsync();
    }

    [SkippableTheory]
    [MemberData(nameof(All))]
    public async Task A_read_that_an_app_has_abandoned_never_meets_the_next_connection(UwsgiTransport transport, SocketKind kind)
    {
        var buffer = new byte[100];
        Task? abandoned = null;
        await using var server = await TransportServer.StartAsync(transport, kind, async context =>
        {
            if (abandoned is null)
            {
                abandoned = context.Request.Body.ReadAsync(buffer).AsTask();
                return;
            }

            Assert.NotNull(await Record.ExceptionAsync(() => abandoned));
            await context.Response.WriteAsync(await new StreamReader(context.Request.Body).ReadToEndAsync());
        });
        using (var client = await server.ConnectSocketAsync())
        {
            await client.SendAsync(UwsgiPacket.Nginx("POST").Set("CONTENT_LENGTH", "5").ToHead());
            await client.ReadToEndOrResetAsync();
        }

        var response = await server.RequestAsync(UwsgiPacket.Nginx("POST").WithBody("secret"));

        Assert.Equal((200, "secret"), (response.StatusCode, response.Text));
        Assert.All(buffer, b => Assert.Equal(0, b));
    }

    [SkippableTheory]
    [MemberData(nameof(All))]
    public async Task A_half_closed_connection_is_aborted_when_the_options_say_so(UwsgiTransport transport, SocketKind kind)
    {
        await using var server = await TransportServer.StartAsync(transport, kind, async context =>
        {
            await context.RequestAborted.WaitForCancellationAsync();
            _ended.SetResult();
        });
        using var client = await server.ConnectSocketAsync();
        await client.SendAsync(UwsgiPacket.Nginx().ToArray());

        client.CompleteSending();

        await _ended.Task.WithTimeoutAsync();
    }

    [SkippableTheory]
    [MemberData(nameof(All))]
    public async Task A_half_closed_connection_is_answered_at_length_when_the_options_say_so(UwsgiTransport transport, SocketKind kind)
    {
        await using var server = await TransportServer.StartAsync(
            transport,
            kind,
            async context =>
            {
                await context.Request.Body.CopyToAsync(Stream.Null);
                _started.SetResult();
                await _ended.Task.WithTimeoutAsync();
                for (var i = 0; i < 100; i++)
                    await context.Response.Body.WriteAsync(new byte[50_000]);
            },
            options => options.Uwsgi = uwsgi => uwsgi.AbortOnHalfClose = false);
        using var client = await server.ConnectSocketAsync();
        await client.SendAsync(UwsgiPacket.Nginx("POST").WithBody("12345").ToArray());
        await _started.Task.WithTimeoutAsync();

        client.CompleteSending();
        _ended.SetResult();

        Assert.Equal(5_000_000, (await client.ReadResponseAsync()).Body.Length);
    }

    [SkippableTheory]
    [MemberData(nameof(All))]
    public async Task An_abort_by_the_app_ends_the_connection_while_it_is_sending(UwsgiTransport transport, SocketKind kind)
    {
        await using var server = await TransportServer.StartAsync(transport, kind, async context =>
        {
            context.Response.ContentLength = 200_000_000;
            while (true)
            {
                var write = context.Response.Body.WriteAsync(new byte[100_000]);
                if (!write.IsCompleted)
                    break;
                await write;
            }

            context.Abort();
            await context.RequestAborted.WaitForCancellationAsync();
            _ended.SetResult();
        });
        using var client = await server.ConnectSocketAsync();
        await client.SendAsync(UwsgiPacket.Nginx().ToArray());

        await _ended.Task.WithTimeoutAsync();
        var (bytes, wasReset) = await client.ReadToEndOrResetAsync();

        Assert.Equal(kind is SocketKind.IPv4 or SocketKind.IPv6, wasReset);
        Assert.InRange(bytes.Length, 0, 200_000_000);
        await server.Logs.WaitForAsync("ConnectionStop");
        server.Logs.AssertNothingAbove(LogLevel.Information);
    }

    [SkippableTheory]
    [MemberData(nameof(All))]
    public async Task Peers_that_go_in_every_phase_leave_nothing_behind(UwsgiTransport transport, SocketKind kind)
    {
        const int Count = 200;
        var isAborting = 0;
        await using var server = await TransportServer.StartAsync(transport, kind, async context =>
        {
            await context.Request.Body.CopyToAsync(Stream.Null);
            if (Interlocked.Increment(ref isAborting) % 5 == 0)
                context.Abort();
            else
                await context.Response.Body.WriteAsync(new byte[300_000]);
        });
        var packet = UwsgiPacket.Nginx("POST").WithBody(new byte[50_000]).ToArray();

        // One byte at least: over TCP a peer that goes without a word is never accepted, see Libc.DeferAccept.
        for (var i = 0; i < Count; i++)
        {
            using var client = await server.ConnectSocketAsync();
            var sending = client.SendAsync(packet.AsMemory(0, i % 4 == 0 ? packet.Length : Random.Shared.Next(1, packet.Length)));
            if (i % 4 != 0)
                client.Socket.Close(0);
            await Record.ExceptionAsync(() => sending);
            if (i % 8 == 0)
                await client.ReadToEndOrResetAsync();
        }

        await server.Logs.WaitForAsync(_ => server.Logs.Find("ConnectionStop").Count >= Count);
    }
}
