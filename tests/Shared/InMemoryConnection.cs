using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;

namespace Uwsgi.AspNetCore.Testing;

/// <summary>
/// A connection without a socket: what a transport hands to a connection middleware, with the peer's end in
/// <see cref="Client"/>. It behaves as the framework's socket transport does: an orderly end from the peer completes the input
/// and fires <see cref="ConnectionClosed"/> while the output stays usable; a reset fails reads and drops writes;
/// <see cref="Abort(ConnectionAbortedException)"/> drops what was not sent yet.
/// </summary>
public sealed class InMemoryConnection : ConnectionContext,
    IConnectionIdFeature,
    IConnectionTransportFeature,
    IConnectionItemsFeature,
    IMemoryPoolFeature,
    IConnectionLifetimeFeature,
    IConnectionEndPointFeature,
    IConnectionLifetimeNotificationFeature
{
    private static long s_lastId;

    private readonly CancellationTokenSource _closed = new();
    private readonly CancellationTokenSource _closeRequested = new();
    private readonly TaskCompletionSource _disposed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _closedFired = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Pipe _input;
    private readonly Pipe _output;
    private IDictionary<object, object?>? _items;
    private CancellationToken _connectionClosed;
    private int _closeStarted;
    private int _disposeStarted;
    private ConnectionAbortedException? _abortReason;

    public InMemoryConnection(InMemoryConnectionOptions? options = null)
    {
        options ??= new InMemoryConnectionOptions();
        MemoryPool = options.MemoryPool;

        var segment = MemoryPool.MaxBufferSize is > 0 and < 4096 ? MemoryPool.MaxBufferSize : -1;
        _input = new Pipe(new PipeOptions(
            MemoryPool,
            readerScheduler: options.ApplicationScheduler,
            writerScheduler: PipeScheduler.ThreadPool,
            pauseWriterThreshold: options.InputBufferSize,
            resumeWriterThreshold: options.InputBufferSize / 2,
            minimumSegmentSize: segment,
            useSynchronizationContext: false));
        _output = new Pipe(new PipeOptions(
            MemoryPool,
            readerScheduler: PipeScheduler.ThreadPool,
            writerScheduler: options.ApplicationScheduler,
            pauseWriterThreshold: options.OutputBufferSize,
            resumeWriterThreshold: options.OutputBufferSize / 2,
            minimumSegmentSize: segment,
            useSynchronizationContext: false));

        Transport = new DuplexPipe(_input.Reader, _output.Writer);
        Client = new InMemoryClient(this, _input.Writer, _output.Reader);
        ConnectionId = $"memory-{Interlocked.Increment(ref s_lastId)}";
        LocalEndPoint = options.LocalEndPoint;
        RemoteEndPoint = options.RemoteEndPoint;
        ConnectionClosed = _closed.Token;
        ConnectionClosedRequested = _closeRequested.Token;

        var features = new FeatureCollection();
        features.Set<IConnectionIdFeature>(this);
        features.Set<IConnectionTransportFeature>(this);
        features.Set<IConnectionItemsFeature>(this);
        features.Set<IMemoryPoolFeature>(this);
        features.Set<IConnectionLifetimeFeature>(this);
        features.Set<IConnectionEndPointFeature>(this);
        if (options.OffersLifetimeNotification)
            features.Set<IConnectionLifetimeNotificationFeature>(this);
        Features = features;
    }

    /// <summary>Gets the peer's end.</summary>
    public InMemoryClient Client { get; }

    public override string ConnectionId { get; set; }

    public override IFeatureCollection Features { get; }

    public override IDictionary<object, object?> Items
    {
        get => _items ??= new ConnectionItems();
        set => _items = value;
    }

    public override IDuplexPipe Transport { get; set; }

    public override EndPoint? LocalEndPoint { get; set; }

    public override EndPoint? RemoteEndPoint { get; set; }

    public override CancellationToken ConnectionClosed
    {
        get
        {
            IsWatched = true;
            return _connectionClosed;
        }
        set => _connectionClosed = value;
    }

    /// <summary>Gets whether somebody has asked for <see cref="ConnectionClosed"/>, which costs other transports a system call.</summary>
    public bool IsWatched { get; private set; }

    public CancellationToken ConnectionClosedRequested { get; set; }

    public MemoryPool<byte> MemoryPool { get; }

    /// <summary>Gets why the server aborted the connection, or null when it did not.</summary>
    public ConnectionAbortedException? AbortReason => Volatile.Read(ref _abortReason);

    /// <summary>Gets a task that completes when the server has disposed the connection, as it does when its middleware returns.</summary>
    public Task Disposed => _disposed.Task;

    /// <summary>Runs connection middleware as the server would, disposing the connection when it returns or throws.</summary>
    public async Task RunAsync(ConnectionDelegate middleware)
    {
        try
        {
            await middleware(this);
        }
        finally
        {
            await DisposeAsync();
        }
    }

    /// <summary>Tells the middleware that the server is shutting down.</summary>
    public void RequestClose() => _closeRequested.Cancel();

    public override void Abort(ConnectionAbortedException abortReason)
    {
        // As in the socket transport: Kestrel's own HTTP gives no reason when the peer has ended the connection.
        abortReason ??= new ConnectionAbortedException();
        if (Interlocked.CompareExchange(ref _abortReason, abortReason, null) is not null)
            return;

        // The output loses what the peer has not taken yet, the input ends with the reason: in this order, since whoever reads may end the
        // connection at once, which must not look like an orderly end to the peer.
        Client.EndReading(new ConnectionResetException("The server aborted the connection.", abortReason));
        Client.EndSending(abortReason);
        FireClosed();
    }

    public override void Abort() => Abort(new ConnectionAbortedException("The connection was aborted by the application."));

    /// <summary>Ends the connection in order: what was written reaches the peer, then its end.</summary>
    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        if (Interlocked.Exchange(ref _disposeStarted, 1) != 0)
        {
            await _disposed.Task;
            return;
        }

        await Transport.Input.CompleteAsync();
        await Transport.Output.CompleteAsync();

        // The pipes under Transport, in case a middleware replaced it.
        await _input.Reader.CompleteAsync();
        await _output.Writer.CompleteAsync();
        Client.EndSending(null);

        FireClosed();
        await _closedFired.Task;
        _closed.Dispose();
        _closeRequested.Dispose();
        _disposed.TrySetResult();
    }

    /// <summary>Fires <see cref="ConnectionClosed"/> from the thread pool, as transports do.</summary>
    internal void FireClosed()
    {
        if (Interlocked.Exchange(ref _closeStarted, 1) != 0)
            return;

        ThreadPool.UnsafeQueueUserWorkItem(
            static connection =>
            {
                try
                {
                    connection._closed.Cancel();
                }
                finally
                {
                    connection._closedFired.TrySetResult();
                }
            },
            this,
            preferLocal: false);
    }

    void IConnectionLifetimeNotificationFeature.RequestClose() => RequestClose();

    private sealed class DuplexPipe(PipeReader input, PipeWriter output) : IDuplexPipe
    {
        public PipeReader Input => input;

        public PipeWriter Output => output;
    }
}
