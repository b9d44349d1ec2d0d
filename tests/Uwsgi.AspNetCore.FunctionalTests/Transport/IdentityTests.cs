using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Uwsgi.AspNetCore.FunctionalTests.Infrastructure;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.FunctionalTests.Transport;

/// <summary>What a connection tells about itself.</summary>
public class IdentityTests
{
    private const int SolSocket = 1;
    private const int SoPeerCred = 17;

    public static TheoryData<UwsgiTransport> Transports => TransportServer.Transports;

    public static TheoryData<UwsgiTransport, SocketKind> All => TransportServer.TransportsAndKinds;

    [SkippableTheory]
    [MemberData(nameof(All))]
    public async Task Connections_have_identifiers_and_end_points(UwsgiTransport transport, SocketKind kind)
    {
        var identifiers = new ConcurrentBag<string>();
        var seen = new ConcurrentBag<(EndPoint? Local, EndPoint? Remote)>();
        var wasStable = true;
        await using var server = await WithConnectionsAsync(transport, kind, async (connection, next) =>
        {
            var id = connection.ConnectionId;
            identifiers.Add(id);
            seen.Add((connection.LocalEndPoint, connection.RemoteEndPoint));
            await next(connection);
            wasStable &= id == connection.ConnectionId && id == connection.Features.Get<IConnectionIdFeature>()!.ConnectionId;
        });
        using var client = await server.ConnectSocketAsync();
        await client.SendAsync(UwsgiPacket.Nginx().ToArray());
        var response = await client.ReadResponseAsync();
        for (var i = 0; i < 20; i++)
            await server.RequestAsync(UwsgiPacket.Nginx());

        Assert.Equal(200, response.StatusCode);
        Assert.Equal(21, identifiers.Distinct().Count());
        Assert.True(wasStable);
        if (kind is SocketKind.IPv4 or SocketKind.IPv6)
        {
            Assert.Contains(((EndPoint?)client.Socket.RemoteEndPoint, (EndPoint?)client.Socket.LocalEndPoint), seen);
        }
        else
        {
            Assert.All(seen, ends =>
            {
                Assert.Equal(UwsgiClient.ParseAddress(server.Address).ToString(), ends.Local!.ToString());
                Assert.Equal("", Assert.IsType<UnixDomainSocketEndPoint>(ends.Remote).ToString());
            });
        }
    }

    [SkippableTheory]
    [InlineData(UwsgiTransport.EventLoop, "0.0.0.0:0")]
    [InlineData(UwsgiTransport.EventLoop, "[::]:0")]
    [InlineData(UwsgiTransport.Sockets, "0.0.0.0:0")]
    [InlineData(UwsgiTransport.Sockets, "[::]:0")]
    public async Task On_any_address_the_one_that_was_reached_is_told(UwsgiTransport transport, string address)
    {
        var local = new TaskCompletionSource<EndPoint?>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = await WithConnectionsAsync(
            transport,
            SocketKind.IPv4,
            (connection, next) =>
            {
                local.TrySetResult(connection.LocalEndPoint);
                return next(connection);
            },
            options => options.Socket = address);
        using var client = await server.ConnectSocketAsync();
        await client.SendAsync(UwsgiPacket.Nginx().ToArray());
        await client.ReadResponseAsync();

        Assert.Equal(client.Socket.RemoteEndPoint, await local.Task.WithTimeoutAsync());
    }

    [SkippableTheory]
    [MemberData(nameof(All))]
    public async Task The_socket_can_be_asked_for_its_options_as_long_as_the_connection_lives(UwsgiTransport transport, SocketKind kind)
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "SO_PEERCRED is Linux's.");
        var credentials = new byte[12];
        var sockets = new List<Socket>();
        await using var server = await WithConnectionsAsync(transport, kind, async (connection, next) =>
        {
            var socket = connection.Features.Get<IConnectionSocketFeature>()!.Socket;
            Assert.Same(socket, connection.Features.Get<IConnectionSocketFeature>()!.Socket);
            sockets.Add(socket);
            if (kind is SocketKind.UnixFile or SocketKind.Abstract)
                socket.GetRawSocketOption(SolSocket, SoPeerCred, credentials);
            else
                Assert.Equal(connection.RemoteEndPoint, socket.RemoteEndPoint);
            await next(connection);
        });

        for (var i = 0; i < 5; i++)
            Assert.Equal("/hello", (await server.RequestAsync(UwsgiPacket.Nginx(target: "/hello"))).Text);
        await server.App.StopAsync().WithTimeoutAsync();

        if (kind is SocketKind.UnixFile or SocketKind.Abstract)
        {
            Assert.Equal(Environment.ProcessId, MemoryMarshal.Read<int>(credentials));
            Assert.Equal(Environment.UserName == "root", MemoryMarshal.Read<int>(credentials.AsSpan(4)) == 0);
        }

        Assert.Equal(5, sockets.Count);
        Assert.All(sockets, socket => Assert.Throws<ObjectDisposedException>(() => socket.Available));
    }

    [SkippableTheory]
    [MemberData(nameof(Transports))]
    public async Task Features_can_be_added_replaced_taken_away_and_listed(UwsgiTransport transport)
    {
        var seenByTheApp = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        Exception? failure = null;
        await using var server = await WithConnectionsAsync(
            transport,
            SocketKind.IPv4,
            async (connection, next) =>
            {
                failure = Record.Exception(() => Use(connection.Features, connection));
                connection.Items["key"] = "value";
                await next(connection);
            },
            app: context =>
            {
                seenByTheApp.TrySetResult(
                    context.Features.Get<Note>()?.Text == "mine" && context.Features.Get<IConnectionItemsFeature>()?.Items["key"] is "value");
                return Task.CompletedTask;
            });

        await server.RequestAsync(UwsgiPacket.Nginx());

        Assert.Null(failure);
        Assert.True(await seenByTheApp.Task.WithTimeoutAsync());
    }

    [SkippableTheory]
    [MemberData(nameof(Transports))]
    public async Task Connection_logging_can_be_put_in_front(UwsgiTransport transport)
    {
        await using var server = await TransportServer.StartAsync(
            transport, SocketKind.IPv4, context => context.Response.WriteAsync("hello"), options => options.Host = builder =>
                builder.WebHost.ConfigureKestrel(kestrel => kestrel.ConfigureEndpointDefaults(listen => listen.UseConnectionLogging("bytes"))));

        Assert.Equal("hello", (await server.RequestAsync(UwsgiPacket.Nginx())).Text);

        Assert.Contains(server.Logs.Entries, entry => entry.Category == "bytes" && entry.Message.Contains("68 65 6C 6C 6F", StringComparison.Ordinal));
    }

    [SkippableTheory]
    [MemberData(nameof(All))]
    public async Task The_end_of_a_connection_is_told_last_come_first_served(UwsgiTransport transport, SocketKind kind)
    {
        var told = new ConcurrentQueue<string>();
        var end = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        IConnectionCompleteFeature? feature = null;
        await using var server = await WithConnectionsAsync(transport, kind, (connection, next) =>
        {
            feature = connection.Features.Get<IConnectionCompleteFeature>()!;
            feature.OnCompleted(
                static state =>
                {
                    ((TaskCompletionSource)state).SetResult();
                    return Task.CompletedTask;
                },
                end);
            feature.OnCompleted(static _ => throw new InvalidOperationException("not heard"), told);
            feature.OnCompleted(
                static state =>
                {
                    ((ConcurrentQueue<string>)state).Enqueue("told");
                    return Task.CompletedTask;
                },
                told);
            return next(connection);
        });
        // Kestrel gives the event no name.
        server.ExpectError(transport == UwsgiTransport.EventLoop ? "CompletionFailed" : "");

        await server.RequestAsync(UwsgiPacket.Nginx());

        await end.Task.WithTimeoutAsync();
        Assert.Equal(["told"], told);
        Assert.Throws<InvalidOperationException>(() => feature!.OnCompleted(static _ => Task.CompletedTask, told));
        Assert.Single(server.Logs.Entries, entry => entry is { EventId.Id: 0, Exception.Message: "not heard" });
    }

    [SkippableTheory]
    [MemberData(nameof(Transports))]
    public async Task A_connection_has_a_heartbeat(UwsgiTransport transport)
    {
        var beats = new SemaphoreSlim(0);
        await using var server = await WithConnectionsAsync(
            transport,
            SocketKind.UnixFile,
            (connection, next) =>
            {
                connection.Features.Get<IConnectionHeartbeatFeature>()!.OnHeartbeat(static state => ((SemaphoreSlim)state).Release(), beats);
                return next(connection);
            },
            app: async context =>
            {
                Assert.True(await beats.WaitAsync(TestTimeouts.Default));
                Assert.True(await beats.WaitAsync(TestTimeouts.Default));
                await context.Response.WriteAsync("beats");
            });

        Assert.Equal("beats", (await server.RequestAsync(UwsgiPacket.Nginx())).Text);
    }

    [SkippableTheory]
    [MemberData(nameof(All))]
    public async Task What_is_put_in_front_passes_a_response_of_announced_length(UwsgiTransport transport, SocketKind kind)
    {
        await using var server = await StartWithLoggingAsync(transport, kind, async context =>
        {
            context.Response.ContentLength = 5;
            await context.Response.WriteAsync("hello");
        });

        Assert.Equal("hello", (await server.RequestAsync(UwsgiPacket.Nginx())).Text);
    }

    [SkippableTheory]
    [MemberData(nameof(All))]
    public async Task What_is_put_in_front_sees_a_file(UwsgiTransport transport, SocketKind kind)
    {
        var path = Path.GetTempFileName();
        try
        {
            // Longer than what is copied.
            await File.WriteAllTextAsync(path, new string('~', 100_000));
            await using var server = await StartWithLoggingAsync(transport, kind, context => context.Response.SendFileAsync(path));

            Assert.Equal(100_000, (await server.RequestAsync(UwsgiPacket.Nginx())).Body.Length);

            Assert.Contains(server.Logs.Entries, entry => entry.Category == "bytes" && entry.Message.Contains("7E 7E 7E", StringComparison.Ordinal));
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static void Use(IFeatureCollection features, ConnectionContext connection)
    {
        var revision = features.Revision;
        Assert.Null(features.Get<Note>());
        Assert.Null(features[typeof(Note)]);
        features.Set(new Note("other"));
        features[typeof(Note)] = new Note("mine");
        Assert.NotEqual(revision, features.Revision);
        Assert.Equal("mine", features.Get<Note>()!.Text);
        Assert.Contains(features, pair => pair.Key == typeof(Note));

        // One that the connection has itself can be replaced, and taken away.
        foreach (var own in new[] { typeof(IConnectionIdFeature), typeof(IConnectionTransportFeature), typeof(IMemoryPoolFeature), typeof(IConnectionSocketFeature), typeof(IConnectionLifetimeFeature) })
        {
            Assert.IsAssignableFrom(own, features[own]);
            Assert.Contains(features, pair => pair.Key == own);
        }

        Assert.Equal(connection.ConnectionId, features.Get<IConnectionIdFeature>()!.ConnectionId);
        var socket = features.Get<IConnectionSocketFeature>();
        features.Set<IConnectionSocketFeature>(null);
        Assert.Null(features.Get<IConnectionSocketFeature>());
        Assert.DoesNotContain(features, pair => pair.Key == typeof(IConnectionSocketFeature));
        features.Set(socket);
        Assert.Same(socket, features.Get<IConnectionSocketFeature>());
        Assert.False(features.IsReadOnly);
        Assert.All(features, pair => Assert.IsAssignableFrom(pair.Key, pair.Value));
        Assert.Equal(features.Count(), features.Select(pair => pair.Key).Distinct().Count());
    }

    private static Task<GatewayTestServer> StartWithLoggingAsync(UwsgiTransport transport, SocketKind kind, RequestDelegate app) =>
        TransportServer.StartAsync(transport, kind, app, options => options.Host = builder =>
            builder.WebHost.ConfigureKestrel(kestrel => kestrel.ConfigureEndpointDefaults(listen => listen.UseConnectionLogging("bytes"))));

    private static Task<GatewayTestServer> WithConnectionsAsync(
        UwsgiTransport transport,
        SocketKind kind,
        Func<ConnectionContext, ConnectionDelegate, Task> middleware,
        Action<GatewayTestServerOptions>? configure = null,
        RequestDelegate? app = null) => TransportServer.StartAsync(
            transport,
            kind,
            app ?? (context => context.Response.WriteAsync(context.Request.Path)),
            options =>
            {
                options.Host = builder => builder.WebHost.ConfigureKestrel(kestrel => kestrel.ConfigureEndpointDefaults(
                    listen => listen.Use(next => connection => middleware(connection, next))));
                configure?.Invoke(options);
            });

    private sealed record Note(string Text);
}
