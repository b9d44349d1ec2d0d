using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.FunctionalTests.Transport;

/// <summary>What operators see of connections: the same whichever transport has them.</summary>
public class ObservationTests
{
    private const string Kestrel = "Microsoft.AspNetCore.Server.Kestrel";

    public static TheoryData<UwsgiTransport> Transports => TransportServer.Transports;

    public static TheoryData<SocketKind> Kinds => [.. Enum.GetValues<SocketKind>()];

    [SkippableTheory]
    [MemberData(nameof(Kinds))]
    public async Task Kestrels_metrics_of_connections_are_the_same(SocketKind kind)
    {
        var expected = await MeasureAsync(UwsgiTransport.Sockets, kind, null);
        var actual = await MeasureAsync(UwsgiTransport.EventLoop, kind, null);

        Assert.Contains(expected, line => line.StartsWith("kestrel.connection.duration", StringComparison.Ordinal));
        Assert.Equal(expected, actual);
    }

    [SkippableTheory]
    [InlineData("0.0.0.0:0")]
    [InlineData("[::]:0")]
    public async Task Kestrels_metrics_are_the_same_on_any_address(string address) =>
        Assert.Equal(
            await MeasureAsync(UwsgiTransport.Sockets, SocketKind.IPv4, address), await MeasureAsync(UwsgiTransport.EventLoop, SocketKind.IPv4, address));

    [SkippableTheory]
    [MemberData(nameof(Transports))]
    public async Task More_connections_than_Kestrels_limit_are_rejected_logged_and_counted(UwsgiTransport transport)
    {
        var arrived = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = await TransportServer.StartAsync(
            transport,
            SocketKind.IPv4,
            async context =>
            {
                arrived.TrySetResult();
                await release.Task.WithTimeoutAsync();
                await context.Response.WriteAsync("hello");
            },
            options => options.Host = builder => builder.WebHost.ConfigureKestrel(kestrel => kestrel.Limits.MaxConcurrentConnections = 1));
        using var metrics = new MetricCollector(Kestrel, server.Services.GetRequiredService<IMeterFactory>());
        using var first = await server.ConnectSocketAsync();
        await first.SendAsync(UwsgiPacket.Nginx().ToArray());
        await arrived.Task.WithTimeoutAsync();

        using (var second = await server.ConnectSocketAsync())
            Assert.Empty((await second.ReadToEndOrResetAsync()).Bytes);

        var rejected = await server.Logs.WaitForAsync("ConnectionRejected");
        Assert.Equal(LogLevel.Warning, rejected.Level);
        Assert.Equal($"{Kestrel}.Connections", rejected.Category);
        Assert.Equal(1, (await metrics.WaitForAsync(measured => measured.Instrument == "kestrel.rejected_connections")).Value);
        release.SetResult();
        Assert.Equal("hello", (await first.ReadResponseAsync()).Text);
        await server.Logs.WaitForAsync(_ => server.Logs.Find("ConnectionStop").Count == 2);
        Assert.Equal("hello", (await server.RequestAsync(UwsgiPacket.Nginx())).Text);
    }

    [SkippableTheory]
    [MemberData(nameof(Transports))]
    public async Task A_connections_events_and_everything_in_between_carry_its_identifier(UwsgiTransport transport)
    {
        using var scopes = new ScopeRecorder();
        await using var server = await TransportServer.StartAsync(
            transport,
            SocketKind.IPv4,
            async context =>
            {
                var logger = context.RequestServices.GetRequiredService<ILoggerFactory>().CreateLogger("app");
                logger.LogWarning("at once");
                await Task.Yield();
                logger.LogWarning("later");
                await context.Response.WriteAsync(context.Connection.Id);
            },
            // In front of the server's log: what that has seen, this one has.
            options => options.Host = builder => builder.Services.Insert(0, ServiceDescriptor.Singleton<ILoggerProvider>(scopes)));

        var id = (await server.RequestAsync(UwsgiPacket.Nginx())).Text;
        await server.Logs.WaitForAsync("ConnectionStop");

        foreach (var name in new[] { "ConnectionAccepted", "ConnectionStart", "ConnectionStop" })
        {
            var entry = Assert.Single(server.Logs.Find(name));
            Assert.Equal((LogLevel.Debug, $"{Kestrel}.Connections"), (entry.Level, entry.Category));
            Assert.Contains(id, entry.Message, StringComparison.Ordinal);
        }

        foreach (var message in new[] { "at once", "later" })
            Assert.Contains((message, id), scopes.Lines);

        // Kestrel's own events name it themselves.
        foreach (var what in new[] { "accepted", "started", "stopped" })
            Assert.Contains(($"Connection id \"{id}\" {what}.", null), scopes.Lines);
    }

    // The durations themselves, and ports, are no two times the same.
    private static async Task<IReadOnlyList<string>> MeasureAsync(UwsgiTransport transport, SocketKind kind, string? address)
    {
        var count = 0;
        await using var server = await TransportServer.StartAsync(
            transport,
            kind,
            async context =>
            {
                await Task.Yield();
                await context.Response.WriteAsync("hello");
            },
            options =>
            {
                options.Socket = address ?? options.Socket;
                options.Host = builder => builder.WebHost.ConfigureKestrel(kestrel =>
                {
                    kestrel.Limits.MaxConcurrentConnections = 100;
                    kestrel.ConfigureEndpointDefaults(listen => listen.Use(next => async connection =>
                    {
                        await next(connection);
                        // The third one's handler fails.
                        if (Interlocked.Increment(ref count) == 3)
                            throw new InvalidOperationException("Boom.");
                    }));
                });
            });
        // Kestrel has no name for it.
        server.ExpectError(transport == UwsgiTransport.EventLoop ? "HandlerFailed" : "");
        using var metrics = new MetricCollector(Kestrel, server.Services.GetRequiredService<IMeterFactory>());
        for (var i = 1; i <= 3; i++)
        {
            using var client = await server.ConnectSocketAsync();
            await client.SendAsync(UwsgiPacket.Nginx().ToArray());
            await client.ReadToEndOrResetAsync();
            await metrics.WaitForAsync(_ => metrics.Of("kestrel.connection.duration").Count == i);
        }

        var own = server.Address[(server.Address.IndexOf("://", StringComparison.Ordinal) + 3)..];
        own = own.StartsWith("unix:", StringComparison.Ordinal) ? own["unix:".Length..] : own;
        return [.. metrics.Measurements
            .Where(measured => measured.Instrument is "kestrel.active_connections" or "kestrel.connection.duration" or "kestrel.rejected_connections")
            .Select(measured =>
            {
                var tags = measured.Tags
                    .Select(tag => $"{tag.Key}={(tag.Key == "server.port" ? "port" : tag.Value)}".Replace(own, "own", StringComparison.Ordinal))
                    .Order(StringComparer.Ordinal);
                var value = measured.Instrument == "kestrel.connection.duration" ? "some" : $"{measured.Value}";
                return $"{measured.Instrument} {value} {string.Join(' ', tags)}";
            })];
    }

    private sealed class ScopeRecorder : ILoggerProvider, ISupportExternalScope
    {
        private IExternalScopeProvider _scopes = new LoggerExternalScopeProvider();

        public ConcurrentQueue<(string Message, string? ConnectionId)> Lines { get; } = new();

        public void SetScopeProvider(IExternalScopeProvider scopeProvider) => _scopes = scopeProvider;

        public ILogger CreateLogger(string categoryName) => new Logger(this);

        public void Dispose()
        {
        }

        private sealed class Logger(ScopeRecorder recorder) : ILogger
        {
            public IDisposable? BeginScope<TState>(TState state)
                where TState : notnull => recorder._scopes.Push(state);

            public bool IsEnabled(LogLevel logLevel) => true;

            public void Log<TState>(
                LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
            {
                string? id = null;
                recorder._scopes.ForEachScope(
                    (scope, _) =>
                    {
                        if (scope is IEnumerable<KeyValuePair<string, object?>> values)
                            id ??= values.FirstOrDefault(value => value.Key == "ConnectionId").Value as string;
                    },
                    0);
                recorder.Lines.Enqueue((formatter(state, exception), id));
            }
        }
    }
}
