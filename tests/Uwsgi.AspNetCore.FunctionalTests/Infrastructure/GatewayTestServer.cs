using System.Buffers;
using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.IO.Pipelines;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.FunctionalTests.Infrastructure;

/// <summary>
/// A whole server, host and Kestrel included, with one application behind it; in memory, or on a socket. Disposing it stops it
/// and fails the test when an error was logged that <see cref="ExpectError"/> did not announce, or a pool block is missing.
/// </summary>
/// <remarks>
/// <code>
/// await using var server = await GatewayTestServer.StartAsync(context => context.Response.WriteAsync("hello"));
/// var response = await server.RequestAsync(UwsgiPacket.Nginx());
/// </code>
/// </remarks>
public sealed class GatewayTestServer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly InMemoryTransport? _transport;
    private readonly LeakCheckingMemoryPool _pool;
    private readonly ConcurrentQueue<InMemoryConnection> _connections = [];
    private readonly HashSet<string> _expectedErrors = [];
    private bool _isDisposed;

    private GatewayTestServer(WebApplication app, InMemoryTransport? transport, LeakCheckingMemoryPool pool, LogSink logs)
    {
        _app = app;
        _transport = transport;
        _pool = pool;
        Logs = logs;
        Metrics = new MetricCollector("Uwsgi.AspNetCore", app.Services.GetRequiredService<IMeterFactory>());
    }

    /// <summary>Gets everything the host has logged.</summary>
    public LogSink Logs { get; }

    /// <summary>Gets what the meter <c>Uwsgi.AspNetCore</c> of this host has measured.</summary>
    public MetricCollector Metrics { get; }

    public IServiceProvider Services => _app.Services;

    /// <summary>Gets the host itself, for tests that stop it.</summary>
    public WebApplication App => _app;

    /// <summary>Gets the address of a server on a socket, for instance <c>uwsgi://127.0.0.1:34567</c>.</summary>
    public string Address => _app.Urls.Single();

    /// <summary>Starts a server with an application, or with the endpoints of the pipeline alone.</summary>
    public static async Task<GatewayTestServer> StartAsync(RequestDelegate? app, Action<GatewayTestServerOptions>? configure = null)
    {
        var options = new GatewayTestServerOptions();
        configure?.Invoke(options);

        var logs = new LogSink();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders().SetMinimumLevel(LogLevel.Trace).AddProvider(logs);
        if (options.Time is { } time)
            builder.Services.AddSingleton(time);
        options.Host?.Invoke(builder);
        builder.UseUwsgi(uwsgi =>
        {
            if (options.Socket is { } socket)
            {
                var sockets = options.Protocol switch
                {
                    GatewayProtocol.FastCgi => uwsgi.FastCgiSockets,
                    GatewayProtocol.Scgi => uwsgi.ScgiSockets,
                    GatewayProtocol.Uwsgi => uwsgi.Sockets,
                    _ => uwsgi.AutoSockets,
                };
                sockets.Add(socket);
            }

            options.Uwsgi?.Invoke(uwsgi);
        });

        InMemoryTransport? transport = null;
        if (options.Socket is not null)
        {
            builder.Services.AddSingleton<IMemoryPoolFactory<byte>>(new WatchedPools(options.Pool));
        }
        else
        {
            // The last factory is the one that Kestrel asks first.
            transport = new InMemoryTransport();
            builder.Services.AddSingleton<IConnectionListenerFactory>(transport);
            builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(new IPEndPoint(IPAddress.Loopback, 3031), listen => _ = options.Protocol switch
            {
                GatewayProtocol.FastCgi => listen.UseFastCgi(),
                GatewayProtocol.Scgi => listen.UseScgi(),
                GatewayProtocol.Uwsgi => listen.UseUwsgi(),
                _ => listen.UseGateway(),
            }));
        }

        var host = builder.Build();
        options.Pipeline?.Invoke(host);
        if (app is not null)
            host.Run(app);
        var server = new GatewayTestServer(host, transport, options.Pool, logs);
        await host.StartAsync().WithTimeoutAsync();
        return server;
    }

    /// <summary>Announces an event of level Error or above that the test provokes; it has to be logged.</summary>
    public void ExpectError(string eventName) => _expectedErrors.Add(eventName);

    /// <summary>Opens a connection in memory. The server's end tells when the server is through with it.</summary>
    public async Task<InMemoryConnection> ConnectAsync(
        ReadOnlyMemory<byte> firstBytes = default, PipeScheduler? applicationScheduler = null)
    {
        var transport = _transport ?? throw new InvalidOperationException("The server is on a socket; use ConnectSocketAsync.");
        var options = new InMemoryConnectionOptions
        {
            MemoryPool = _pool,
            ApplicationScheduler = applicationScheduler ?? PipeScheduler.ThreadPool,
        };
        var connection = await transport.ConnectAsync(options: options, firstBytes: firstBytes);
        _connections.Enqueue(connection);
        return connection;
    }

    /// <summary>Opens a connection on which a request's head and the first bytes of its body have arrived when it is accepted.</summary>
    public Task<InMemoryConnection> BeginAsync(UwsgiPacket packet, int bodyBytes = 0, PipeScheduler? applicationScheduler = null) =>
        ConnectAsync(packet.ToArray().AsMemory(0, packet.ToHead().Length + bodyBytes), applicationScheduler);

    /// <summary>Opens a connection in memory that looks different to the server. Its pool is not watched.</summary>
    public async Task<InMemoryConnection> ConnectAsync(InMemoryConnectionOptions options, ReadOnlyMemory<byte> firstBytes = default)
    {
        var transport = _transport ?? throw new InvalidOperationException("The server is on a socket; use ConnectSocketAsync.");
        var connection = await transport.ConnectAsync(options: options, firstBytes: firstBytes);
        _connections.Enqueue(connection);
        return connection;
    }

    /// <summary>Opens a connection on which a request has arrived when it is accepted: its head at once, its body as the server reads.</summary>
    public async Task<InMemoryConnection> SendAsync(UwsgiPacket packet)
    {
        var connection = await ConnectAsync(packet.ToHead());
        await connection.Client.SendAsync(packet.Body);
        return connection;
    }

    /// <summary>Sends bytes that must be refused before the application sees them, and gets the status of the answer.</summary>
    public async Task<int> RefusalAsync(ReadOnlyMemory<byte> bytes)
    {
        var connection = await ConnectAsync();
        await connection.Client.SendAsync(bytes);
        var head = await connection.Client.ReadHeadAsync();
        Assert.Equal("0", head["Content-Length"]);

        // The server waits for the peer to close, so that its answer cannot get lost.
        connection.Client.CompleteSending();
        Assert.Empty(await connection.Client.ReadToEndAsync());
        await connection.Disposed.WithTimeoutAsync();
        return head.StatusCode;
    }

    /// <summary>Connects to a server on a socket.</summary>
    public Task<UwsgiClient> ConnectSocketAsync() => UwsgiClient.ConnectAsync(Address);

    /// <summary>Sends a request and reads its whole answer.</summary>
    public Task<RawResponse> RequestAsync(UwsgiPacket packet) => RequestAsync(packet.ToArray());

    /// <inheritdoc cref="RequestAsync(UwsgiPacket)"/>
    public async Task<RawResponse> RequestAsync(ReadOnlyMemory<byte> packet)
    {
        // Sending and reading at the same time, since a server may answer before it has read a large body.
        if (_transport is null)
        {
            using var socket = await ConnectSocketAsync();
            var sendingToSocket = socket.SendAsync(packet);
            var fromSocket = await socket.ReadResponseAsync();
            await sendingToSocket;
            return fromSocket;
        }

        var connection = await ConnectAsync();
        var sending = connection.Client.SendAsync(packet);
        var response = await connection.Client.ReadResponseAsync();
        await sending;
        await connection.Disposed.WithTimeoutAsync();
        return response;
    }

    public async ValueTask DisposeAsync()
    {
        if (_isDisposed)
            return;

        _isDisposed = true;
        foreach (var connection in _connections)
            connection.Client.Close();

        using (var timeout = new CancellationTokenSource(TestTimeouts.Default))
            await _app.StopAsync(timeout.Token);
        await _app.DisposeAsync();
        Metrics.Dispose();

        var unexpected = Logs.Entries.Where(entry => entry.Level >= LogLevel.Error && !_expectedErrors.Contains(entry.EventId.Name ?? ""));
        Assert.Empty(unexpected);
        foreach (var expected in _expectedErrors)
            Assert.Contains(Logs.Entries, entry => entry.Level >= LogLevel.Error && (entry.EventId.Name ?? "") == expected);

        await _pool.AssertAllReturnedAsync();
    }

    // Kestrel disposes its pools while it stops; the one that is watched outlives them and is looked at afterwards.
    private sealed class WatchedPools(MemoryPool<byte> watched) : IMemoryPoolFactory<byte>
    {
        public MemoryPool<byte> Create(MemoryPoolOptions? options = null) => new Pool(watched);

        private sealed class Pool(MemoryPool<byte> watched) : MemoryPool<byte>
        {
            public override int MaxBufferSize => watched.MaxBufferSize;

            public override IMemoryOwner<byte> Rent(int minBufferSize = -1) => watched.Rent(minBufferSize);

            protected override void Dispose(bool disposing)
            {
            }
        }
    }
}
