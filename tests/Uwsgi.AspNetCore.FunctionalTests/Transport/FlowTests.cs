using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Uwsgi.AspNetCore.FunctionalTests.Attacks;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.FunctionalTests.Transport;

/// <summary>Bytes in both directions: whole, and no faster than they are taken.</summary>
public class FlowTests
{
    private const int Long = 28_000_000;

    // What the system's buffers and ours may hold together.
    private const int MaxAhead = 14_000_000;

    public static TheoryData<UwsgiTransport, SocketKind> All => TransportServer.TransportsAndKinds;

    public static TheoryData<GatewayProtocol, SocketKind> EachProtocolAndKind
    {
        get
        {
            var data = new TheoryData<GatewayProtocol, SocketKind>();
            foreach (var protocol in GatewayWire.Protocols)
            {
                foreach (var kind in Enum.GetValues<SocketKind>())
                    data.Add(protocol, kind);
            }

            return data;
        }
    }

    [SkippableTheory]
    [MemberData(nameof(All))]
    public async Task Long_bodies_pass_whole_in_both_directions_at_once(UwsgiTransport transport, SocketKind kind)
    {
        await using var server = await TransportServer.StartAsync(transport, kind, async context =>
        {
            context.Response.ContentLength = context.Request.ContentLength;
            await context.Request.Body.CopyToAsync(context.Response.Body);
        });
        var body = RandomBytes(8_000_000);

        var answer = await server.RequestAsync(UwsgiPacket.Nginx("POST").WithBody(body));

        Assert.Equal(SHA256.HashData(body), SHA256.HashData(answer.Body));
    }

    [SkippableTheory]
    [MemberData(nameof(EachProtocolAndKind))]
    public async Task A_response_ends_while_its_request_is_still_on_its_way(GatewayProtocol protocol, SocketKind kind)
    {
        await using var server = await TransportServer.StartAsync(UwsgiTransport.EventLoop, kind, context => context.Response.WriteAsync("early"), options =>
        {
            options.Protocol = protocol;
            options.Uwsgi = uwsgi => uwsgi.Limits.DrainTimeout = TestTimeouts.Default * 2;
        });
        using var client = await server.ConnectSocketAsync();
        await client.SendAsync(GatewayWire.Head(protocol, GatewayWire.Packet(protocol, "POST").Set("CONTENT_LENGTH", $"{Long}")));
        await client.SendAsync(GatewayWire.Body(protocol, RandomBytes(1000)));

        var response = await client.ReadToEndAsync();

        // And the rest is taken: what the server closed on would cost the response, if the web server had not read it by then.
        Assert.Contains("early", Encoding.Latin1.GetString(response), StringComparison.Ordinal);
        await client.SendAsync(GatewayWire.Body(protocol, RandomBytes(Long - 1000))).WithTimeoutAsync();
        await client.SendAsync(GatewayWire.End(protocol));
    }

    [SkippableTheory]
    [MemberData(nameof(EachProtocolAndKind))]
    public async Task A_refusal_ends_while_its_request_is_still_on_its_way(GatewayProtocol protocol, SocketKind kind)
    {
        await using var server = await TransportServer.StartAsync(UwsgiTransport.EventLoop, kind, _ => Task.CompletedTask, options =>
        {
            options.Protocol = protocol;
            options.Uwsgi = uwsgi => uwsgi.Limits.DrainTimeout = TestTimeouts.Default * 2;
        });
        using var client = await server.ConnectSocketAsync();
        await client.SendAsync(GatewayWire.Head(protocol, GatewayWire.Packet(protocol, "POST").Set("CONTENT_LENGTH", $"{Long}").Set("HTTP_X", "a\nb")));

        // With a length, by which uwsgi's web servers know the end.
        var response = protocol == GatewayProtocol.Uwsgi ? await client.ReadThroughAsync("\r\n\r\n") : await client.ReadToEndAsync();

        Assert.Contains("400", Encoding.Latin1.GetString(response), StringComparison.Ordinal);
        await client.SendAsync(GatewayWire.Body(protocol, RandomBytes(Long))).WithTimeoutAsync();
        await client.SendAsync(GatewayWire.End(protocol));
    }

    [SkippableTheory]
    [MemberData(nameof(All))]
    public async Task A_client_that_does_not_read_lets_the_app_wait(UwsgiTransport transport, SocketKind kind)
    {
        var body = RandomBytes(Long);
        var hasStalled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        long read = 0, mostAhead = 0;
        await using var server = await TransportServer.StartAsync(transport, kind, async context =>
        {
            context.Response.ContentLength = Long;
            for (var written = 0; written < Long;)
            {
                var size = Math.Min(64 * 1024, Long - written);
                var write = context.Response.Body.WriteAsync(body.AsMemory(written, size));
                if (!write.IsCompleted)
                    hasStalled.TrySetResult();
                await write;
                written += size;
                mostAhead = Math.Max(mostAhead, written - Interlocked.Read(ref read));
            }
        });
        using var client = await server.ConnectSocketAsync();
        await client.SendAsync(UwsgiPacket.Nginx().ToArray());
        await client.ReadHeadAsync();
        await hasStalled.Task.WithTimeoutAsync();

        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        while (read < Long)
        {
            var piece = await client.ReadExactlyAsync((int)Math.Min(100_000, Long - read));
            Interlocked.Add(ref read, piece.Length);
            hash.AppendData(piece);
        }

        Assert.Equal(SHA256.HashData(body), hash.GetHashAndReset());
        Assert.InRange(mostAhead, 1, MaxAhead);
    }

    [SkippableTheory]
    [MemberData(nameof(All))]
    public async Task A_long_body_in_one_write_lets_the_app_wait_and_arrives_whole(UwsgiTransport transport, SocketKind kind)
    {
        var body = RandomBytes(Long);
        var hasStalled = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = await TransportServer.StartAsync(transport, kind, async context =>
        {
            context.Response.ContentLength = Long;
            var write = context.Response.Body.WriteAsync(body);
            hasStalled.SetResult(!write.IsCompleted);
            await write;
        });
        using var client = await server.ConnectSocketAsync();
        await client.SendAsync(UwsgiPacket.Nginx().ToArray());
        Assert.True(await hasStalled.Task.WithTimeoutAsync());

        await client.ReadHeadAsync();
        var received = await client.ReadToEndAsync();

        Assert.Equal(SHA256.HashData(body), SHA256.HashData(received));
    }

    [SkippableTheory]
    [MemberData(nameof(All))]
    public async Task A_peer_that_takes_the_last_bytes_late_has_not_gone(UwsgiTransport transport, SocketKind kind)
    {
        var hasStalled = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        var hasGone = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = await TransportServer.StartAsync(transport, kind, async context =>
        {
            context.Response.ContentLength = Long;
            var write = context.Response.BodyWriter.WriteAsync(new byte[Long]);
            hasStalled.SetResult(!write.IsCompleted);
            hasGone.SetResult((await write).IsCompleted);
        });
        using var client = await server.ConnectSocketAsync();
        await client.SendAsync(UwsgiPacket.Nginx().ToArray());
        Assert.True(await hasStalled.Task.WithTimeoutAsync());

        await client.ReadToEndAsync();

        Assert.False(await hasGone.Task.WithTimeoutAsync());
    }

    [SkippableTheory]
    [MemberData(nameof(All))]
    public async Task A_peer_that_closes_behind_the_last_byte_does_not_abort_the_app(UwsgiTransport transport, SocketKind kind)
    {
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var outcome = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = await TransportServer.StartAsync(transport, kind, async context =>
        {
            var aborted = context.RequestAborted;
            context.Response.OnCompleted(() =>
            {
                outcome.SetResult(aborted.IsCancellationRequested);
                return Task.CompletedTask;
            });
            context.Response.ContentLength = 5;
            await context.Response.Body.WriteAsync("whole"u8.ToArray());
            await release.Task.WithTimeoutAsync();
            await context.Response.Body.FlushAsync();
        });
        using (var client = await server.ConnectSocketAsync())
        {
            await client.SendAsync(UwsgiPacket.Nginx().ToArray());
            await client.ReadHeadAsync();
            Assert.Equal("whole"u8.ToArray(), await client.ReadExactlyAsync(5));
        }

        await Task.Delay(100);
        release.SetResult();

        Assert.False(await outcome.Task.WithTimeoutAsync());
    }

    [SkippableTheory]
    [MemberData(nameof(All))]
    public async Task An_app_may_go_on_behind_its_last_byte(UwsgiTransport transport, SocketKind kind)
    {
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var outcome = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = await TransportServer.StartAsync(transport, kind, async context =>
        {
            context.Response.ContentLength = 5;
            await context.Response.Body.WriteAsync("whole"u8.ToArray());
            await release.Task.WithTimeoutAsync();
            var writer = context.Response.BodyWriter;
            _ = writer.GetMemory(100_000);
            writer.Advance(0);
            await writer.FlushAsync();
            await context.Response.Body.WriteAsync(ReadOnlyMemory<byte>.Empty);
            await context.Response.CompleteAsync();
            outcome.SetResult(context.RequestAborted.IsCancellationRequested);
        });
        using var client = await server.ConnectSocketAsync();
        await client.SendAsync(UwsgiPacket.Nginx().ToArray());
        await client.ReadHeadAsync();
        Assert.Equal("whole"u8.ToArray(), await client.ReadExactlyAsync(5));

        release.SetResult();

        Assert.False(await outcome.Task.WithTimeoutAsync());
        Assert.Empty(await client.ReadToEndAsync());
    }

    [SkippableTheory]
    [InlineData(SocketKind.IPv4)]
    [InlineData(SocketKind.IPv6)]
    public async Task Over_tcp_the_end_comes_with_the_last_byte(SocketKind kind)
    {
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = await TransportServer.StartAsync(UwsgiTransport.EventLoop, kind, async context =>
        {
            context.Response.ContentLength = 5;
            await context.Response.Body.WriteAsync("whole"u8.ToArray());
            await release.Task.WithTimeoutAsync();
        });
        using var client = await server.ConnectSocketAsync();
        await client.SendAsync(UwsgiPacket.Nginx().ToArray());

        await client.ReadHeadAsync();

        Assert.Equal("whole"u8.ToArray(), await client.ReadToEndAsync());
        release.SetResult();
    }

    [SkippableTheory]
    [MemberData(nameof(All))]
    public async Task A_peer_that_is_silent_at_first_is_served_when_it_speaks(UwsgiTransport transport, SocketKind kind)
    {
        var accepted = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = await TransportServer.StartAsync(
            transport,
            kind,
            static context => context.Response.WriteAsync("served"),
            options => options.Host = builder => builder.WebHost.ConfigureKestrel(kestrel => kestrel.ConfigureEndpointDefaults(listen => listen.Use(
                next => connection =>
                {
                    accepted.TrySetResult();
                    return next(connection);
                }))));
        using var client = await server.ConnectSocketAsync();
        await accepted.Task.WithTimeoutAsync();

        await client.SendAsync(UwsgiPacket.Nginx().ToArray());

        Assert.Equal(200, (await client.ReadResponseAsync()).StatusCode);
    }

    [SkippableTheory]
    [MemberData(nameof(All))]
    public async Task An_app_that_does_not_read_lets_the_client_wait(UwsgiTransport transport, SocketKind kind)
    {
        var body = RandomBytes(Long);
        var mayRead = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        long read = 0;
        await using var server = await TransportServer.StartAsync(transport, kind, async context =>
        {
            await mayRead.Task;
            var buffer = new byte[64 * 1024];
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            while (await context.Request.Body.ReadAsync(buffer) is > 0 and var count)
            {
                Interlocked.Add(ref read, count);
                hash.AppendData(buffer.AsSpan(0, count));
            }

            await context.Response.WriteAsync(Convert.ToHexString(hash.GetHashAndReset()));
        });
        using var client = await server.ConnectSocketAsync();
        var packet = UwsgiPacket.Nginx("POST").WithBody(body);
        await client.SendAsync(packet.ToHead());

        long mostAhead = 0;
        for (var sent = 0; sent < Long;)
        {
            var sending = client.Socket.SendAsync(body.AsMemory(sent, Math.Min(64 * 1024, Long - sent)));
            if (!sending.IsCompleted)
                mayRead.TrySetResult();
            sent += await sending.WithTimeoutAsync();
            mostAhead = Math.Max(mostAhead, sent - Interlocked.Read(ref read));
        }

        Assert.True(mayRead.Task.IsCompleted);
        Assert.Equal(Convert.ToHexString(SHA256.HashData(body)), (await client.ReadResponseAsync()).Text);
        Assert.InRange(mostAhead, 1, MaxAhead);
    }

    [SkippableTheory]
    [MemberData(nameof(All))]
    public async Task A_request_in_single_bytes_is_served(UwsgiTransport transport, SocketKind kind)
    {
        await using var server = await TransportServer.StartAsync(
            transport, kind, context => context.Request.Body.CopyToAsync(context.Response.Body), options => options.Protocol = null);

        await Task.WhenAll(Enumerable.Range(0, 8).Select(async _ =>
        {
            using var client = await server.ConnectSocketAsync();
            await client.SendByteByByteAsync(UwsgiPacket.Nginx("POST").WithBody("12345").ToArray());
            Assert.Equal("12345", (await client.ReadResponseAsync()).Text);
        }));
    }

    private static byte[] RandomBytes(int count)
    {
        var bytes = new byte[count];
        new Random(count).NextBytes(bytes);
        return bytes;
    }
}
