using System.Buffers;
using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;
using Uwsgi.AspNetCore.Hosting;

namespace Uwsgi.AspNetCore.Transport.Loop;

/// <summary>
/// A listening socket of the event loop. Its connections are served where they are accepted, so what Kestrel does around a connection (its limit, its
/// metrics, the logging scope, the orderly stop) is done here. <see cref="AcceptAsync"/> returns only those that turn out to speak HTTP.
/// </summary>
internal sealed class LoopListener : IConnectionListener
{
    private const int MaxAcceptsPerTurn = 16;

    // For connections that are aborted when the time for the stop is over.
    private static readonly TimeSpan s_abortTime = TimeSpan.FromSeconds(1);

    // A peer of a unix socket has no name of its own.
    private static readonly EndPoint s_unixPeer = new UnixDomainSocketEndPoint("/").Create(new SocketAddress(AddressFamily.Unix, 2));

    private readonly EventLoop _loop;
    private readonly Socket _socket;
    private readonly int _descriptor;
    private readonly ConnectionDelegate _handler;
    private readonly ConnectionMetrics _metrics;
    private readonly long? _maxConnections;
    private readonly ILogger _logger;
    private readonly ILogger _kestrelLogger;
    private readonly bool _isAnyAddress;
    private readonly LimitedCounter _counted = new();
    private readonly Channel<ConnectionContext> _handedOver = Channel.CreateUnbounded<ConnectionContext>();
    private readonly TaskCompletionSource _drained = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _open = 1;
    private int _accepting;
    private volatile bool _isUnbound;
    private bool _isDisposed;
    private bool _isWithoutResources;
    private CancellationToken _stopToken = new(canceled: true);

    public LoopListener(
        EventLoop loop, Socket socket, EndPoint endPoint, ConnectionDelegate handler, ConnectionMetrics metrics, long? maxConnections, ILogger logger,
        ILogger kestrelLogger)
    {
        _loop = loop;
        _socket = socket;
        _descriptor = (int)socket.Handle;
        _handler = handler;
        _metrics = metrics;
        _maxConnections = maxConnections;
        _logger = logger;
        _kestrelLogger = kestrelLogger;
        IsUnix = socket.AddressFamily == AddressFamily.Unix;
        _isAnyAddress = endPoint is IPEndPoint ip && (ip.Address.Equals(IPAddress.Any) || ip.Address.Equals(IPAddress.IPv6Any));
        EndPoint = endPoint;
        socket.Blocking = false;
        loop.Add(this, _descriptor);
    }

    public EndPoint EndPoint { get; }

    public MemoryPool<byte> MemoryPool => _loop.MemoryPool;

    public bool IsDurationMeasured => _metrics.IsDurationMeasured;

    public bool IsUnix { get; }

    public ILogger KestrelLogger => _kestrelLogger;

    public bool IsLimited => _maxConnections is not null;

    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        while (await _handedOver.Reader.WaitToReadAsync(cancellationToken))
        {
            if (_handedOver.Reader.TryRead(out var connection))
            {
                return connection;
            }
        }

        return null;
    }

    /// <summary>Accepts what waits, and serves each connection to its end or first wait before it takes the next.</summary>
    public void Accept(LoopThread thread)
    {
        thread.IsAccepting = true;
        for (var i = 0; i < MaxAcceptsPerTurn; i++)
        {
            var descriptor = AcceptOne(out var peer);
            if (descriptor < 0)
            {
                switch (descriptor)
                {
                    case -Libc.EAGAIN:
                        _isWithoutResources = false;
                        thread.IsAccepting = false;
                        return;
                    case -Libc.EBADF or -Libc.EINVAL:
                        // Nobody listens any more: unbound, or shut down by another process that shares the socket.
                        thread.IsAccepting = false;
                        return;
                    case -Libc.EMFILE or -Libc.ENFILE or -Libc.ENOBUFS or -Libc.ENOMEM:
                        thread.IsAccepting = false;
                        WaitForResources(-descriptor);
                        return;
                    default:
                        // Interrupted, or a peer that has gone again.
                        continue;
                }
            }

            thread.NoteProgress();
            Serve(descriptor, peer);
        }

        thread.IsAccepting = false;
        if (TryHold())
        {
            _loop.Rearm(this, _descriptor);
            LetGo();
        }
    }

    public EndPoint? GetLocalEndPoint(LoopConnection connection, LoopSocket socket) =>
        _isAnyAddress ? socket.Use(connection, Libc.GetLocalAddress) : EndPoint;

    /// <summary>Takes a connection out of the number that the limit is for, because it has become something else.</summary>
    public void ReleaseConnection() => _counted.Remove();

    public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        if (_isUnbound)
        {
            return default;
        }

        _stopToken = cancellationToken;
        _isUnbound = true;
        _loop.Remove(this, _descriptor);
        WaitForAccepting();
        _socket.Dispose();
        foreach (var connection in OwnConnections())
        {
            connection.RequestClose();
        }

        _handedOver.Writer.TryComplete();
        return default;
    }

    /// <summary>Waits for the connections to end, as long as the stop may take, and resets what is left.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_isDisposed)
        {
            return;
        }

        _isDisposed = true;
        await UnbindAsync(new CancellationToken(canceled: true));
        Leave();
        await _drained.Task.WaitAsync(_stopToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (_drained.Task.IsCompleted)
        {
            return;
        }

        foreach (var connection in OwnConnections())
        {
            connection.Abort(new ConnectionAbortedException("The server is stopping, and its time for that is over."));
        }

        await _drained.Task.WaitAsync(s_abortTime).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!_drained.Task.IsCompleted)
        {
            LoopLog.ConnectionsLeft(_logger, Volatile.Read(ref _open), EndPoint);
        }
    }

    // A descriptor, which counts as open, or the negative error.
    private int AcceptOne(out EndPoint? peer)
    {
        peer = null;
        if (!TryHold())
        {
            return -Libc.EBADF;
        }

        // Over TCP with the address, which the rule who may connect asks for, and which cannot be had any more from a peer that has gone meanwhile.
        int descriptor;
        if (IsUnix)
        {
            peer = s_unixPeer;
            descriptor = Libc.Accept(_descriptor);
        }
        else
        {
            descriptor = Libc.Accept(_descriptor, out var address);
            peer = address;
        }

        if (descriptor < 0)
        {
            descriptor = -Libc.LastError;
        }
        else
        {
            Interlocked.Increment(ref _open);
        }

        LetGo();
        return descriptor;
    }

    // While it is held, the descriptor's number is not another file's. Not by the handle's own count: disposing a handle that is in use shuts the
    // socket down, for every process that listens on it.
    private bool TryHold()
    {
        Interlocked.Increment(ref _accepting);
        if (!_isUnbound)
        {
            return true;
        }

        LetGo();
        return false;
    }

    private void LetGo() => Interlocked.Decrement(ref _accepting);

    // No longer than a system call that does not wait.
    private void WaitForAccepting()
    {
        var spin = default(SpinWait);
        Interlocked.MemoryBarrier();
        while (Volatile.Read(ref _accepting) != 0)
        {
            spin.SpinOnce();
        }
    }

    private void Serve(int descriptor, EndPoint? peer)
    {
        LoopSocket socket;
        LoopConnection connection;
        try
        {
            socket = _loop.Rent();
            connection = new LoopConnection(this, socket, peer);
        }
        catch
        {
            Libc.Close(descriptor);
            Leave();
            throw;
        }

        socket.Open(connection, descriptor);
        if (_isUnbound)
        {
            connection.RequestClose();
        }

        _ = RunAsync(connection, socket);
    }

    private async Task RunAsync(LoopConnection connection, LoopSocket socket)
    {
        try
        {
            // As with Kestrel: whoever logs anything at all can tell connections apart.
            await (_metrics.IsAnyEnabled || _kestrelLogger.IsEnabled(LogLevel.Critical) ? ServeObservedAsync(connection) : ServeAsync(connection));
            // With the endpoint gone Kestrel takes no more, and the connection is closed.
            if (connection.IsHandedOver && _handedOver.Writer.TryWrite(connection))
            {
                await connection.KestrelIsThrough;
            }
        }
        catch (Exception error)
        {
            connection.Abort(new ConnectionAbortedException("The connection's handler failed.", error));
        }

        await connection.CompleteAsync();
        await socket.CloseAsync();
        connection.NoteClosed();
        _loop.Return(socket);
        Leave();
    }

    private Task ServeAsync(LoopConnection connection) => _maxConnections is { } limit ? ServeCountedAsync(connection, limit) : _handler(connection);

    private async Task ServeCountedAsync(LoopConnection connection, long limit)
    {
        if (!_counted.TryAdd(limit))
        {
            _metrics.Rejected(connection.LocalEndPoint);
            KestrelLog.ConnectionRejected(_kestrelLogger, connection.ConnectionId);
            return;
        }

        try
        {
            await _handler(connection);
        }
        finally
        {
            connection.ReleaseConnection();
        }
    }

    private async Task ServeObservedAsync(LoopConnection connection)
    {
        if (_kestrelLogger.IsEnabled(LogLevel.Debug))
        {
            KestrelLog.ConnectionAccepted(_kestrelLogger, connection.ConnectionId);
            KestrelLog.ConnectionStart(_kestrelLogger, connection.ConnectionId);
        }

        var started = _metrics.Started(connection);
        Exception? failure = null;
        try
        {
            await ServeInScopeAsync(connection);
        }
        catch (Exception error)
        {
            failure = error;
            throw;
        }
        finally
        {
            if (!connection.IsHandedOver && _kestrelLogger.IsEnabled(LogLevel.Debug))
            {
                KestrelLog.ConnectionStop(_kestrelLogger, connection.ConnectionId);
            }

            _metrics.Ended(connection, started, failure);
        }
    }

    private async Task ServeInScopeAsync(LoopConnection connection)
    {
        using var scope = _kestrelLogger.IsEnabled(LogLevel.Critical) ? _kestrelLogger.BeginScope(new ConnectionScope(connection)) : null;
        try
        {
            await ServeAsync(connection);
        }
        catch (Exception error)
        {
            KestrelLog.HandlerFailed(_kestrelLogger, connection.ConnectionId, error);
            throw;
        }
    }

    private void WaitForResources(int error)
    {
        if (!_isWithoutResources)
        {
            _isWithoutResources = true;
            LoopLog.AcceptFailed(_logger, EndPoint, error);
        }

        _loop.RetryAccepting();
    }

    private IEnumerable<LoopConnection> OwnConnections() => _loop.Connections.Where(connection => connection.Listener == this);

    private void Leave()
    {
        if (Interlocked.Decrement(ref _open) == 0)
        {
            _drained.TrySetResult();
        }
    }
}
