using System.Buffers;
using System.Collections;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Microsoft.Win32.SafeHandles;

namespace Uwsgi.AspNetCore.Transport.Loop;

/// <summary>One connection as the engine sees it: identity, lifetime and features around a <see cref="LoopSocket"/>.</summary>
/// <remarks>
/// A new object for each connection, while the socket serves the next one: whoever keeps it, and aborts it late, meets nobody else. It is its own feature
/// collection; tokens, identifiers and end points are made when somebody asks for them.
/// </remarks>
internal sealed class LoopConnection(LoopListener listener, LoopSocket socket, EndPoint? remoteEndPoint) : ConnectionContext,
    IFeatureCollection, IConnectionIdFeature, IConnectionTransportFeature, IConnectionItemsFeature, IMemoryPoolFeature, IConnectionLifetimeFeature,
    IConnectionLifetimeNotificationFeature, IConnectionSocketFeature, IConnectionMetricsTagsFeature, IConnectionCompleteFeature, IConnectionHeartbeatFeature,
    IDecrementConcurrentConnectionCountFeature, IInlineTransportFeature, IKestrelHandOverFeature, IFileTransportFeature
{
    private static readonly Type[] s_own =
    [
        typeof(IConnectionIdFeature), typeof(IConnectionTransportFeature), typeof(IConnectionItemsFeature), typeof(IMemoryPoolFeature),
        typeof(IConnectionLifetimeFeature), typeof(IConnectionLifetimeNotificationFeature), typeof(IConnectionSocketFeature),
        typeof(IConnectionMetricsTagsFeature), typeof(IConnectionCompleteFeature), typeof(IConnectionHeartbeatFeature),
        typeof(IDecrementConcurrentConnectionCountFeature), typeof(IInlineTransportFeature), typeof(IKestrelHandOverFeature),
        typeof(IFileTransportFeature),
    ];

    private static long s_lastId = DateTime.UtcNow.Ticks;

    // The one that is fired when nobody has asked for it before.
    private static readonly CancellationTokenSource s_fired = CreateFired();

    private Dictionary<Type, object?>? _others;
    private IDictionary<object, object?>? _items;
    private IDuplexPipe? _transport;
    private string? _id;
    private EndPoint? _localEndPoint;
    private CancellationTokenSource? _closed;
    private CancellationTokenSource? _closeRequested;
    private CancellationToken? _replacedClosed;
    private CancellationToken? _replacedCloseRequested;
    private Socket? _socketObject;
    private List<KeyValuePair<string, object?>>? _metricsTags;
    private TaskCompletionSource? _kestrelIsThrough;
    private ConnectionObservers? _observers;
    private int _isReleased;
    private int _revision;

    public LoopListener Listener => listener;

    public override string ConnectionId
    {
        get => _id ?? MakeId();
        set => _id = value;
    }

    public override IFeatureCollection Features => this;

    public override IDictionary<object, object?> Items
    {
        get => _items ??= new ConnectionItems();
        set => _items = value;
    }

    public override IDuplexPipe Transport
    {
        get => _transport ?? socket;
        set => _transport = ReferenceEquals(value, socket) ? null : value;
    }

    public override EndPoint? LocalEndPoint
    {
        get => _localEndPoint ??= listener.GetLocalEndPoint(this, socket);
        set => _localEndPoint = value;
    }

    public override EndPoint? RemoteEndPoint { get; set; } = remoteEndPoint;

    public MemoryPool<byte> MemoryPool => listener.MemoryPool;

    public override CancellationToken ConnectionClosed
    {
        get => _replacedClosed ?? GetClosedToken();
        set => _replacedClosed = value;
    }

    public CancellationToken ConnectionClosedRequested
    {
        get => _replacedCloseRequested ?? GetToken(ref _closeRequested);
        set => _replacedCloseRequested = value;
    }

    /// <summary>Gets the socket as an object of its own, which ends with the connection: for its options and its peer's credentials.</summary>
    /// <exception cref="ObjectDisposedException">The connection is over.</exception>
    public Socket Socket => Volatile.Read(ref _socketObject) ?? socket.Use(this, CreateSocketObject) ?? throw new ObjectDisposedException(nameof(Socket));

    public bool IsHandedOver => _kestrelIsThrough is not null;

    /// <summary>Gets what ends when Kestrel is through with a connection that it was given.</summary>
    public Task KestrelIsThrough => _kestrelIsThrough?.Task ?? Task.CompletedTask;

    public ICollection<KeyValuePair<string, object?>> Tags => _metricsTags ??= [];

    bool IFeatureCollection.IsReadOnly => false;

    int IFeatureCollection.Revision => _revision;

    object? IFeatureCollection.this[Type key]
    {
        get => _others is not null && _others.TryGetValue(key, out var other) ? other : IsOwn(key) ? this : null;
        set
        {
            _revision++;
            (_others ??= [])[key] = value;
        }
    }

    TFeature? IFeatureCollection.Get<TFeature>()
        where TFeature : default =>
        _others is not null && _others.TryGetValue(typeof(TFeature), out var other) ? (TFeature?)other
        : this is TFeature own && IsOffered(typeof(TFeature)) ? own
        : default;

    void IFeatureCollection.Set<TFeature>(TFeature? instance)
        where TFeature : default => ((IFeatureCollection)this)[typeof(TFeature)] = instance;

    IEnumerator<KeyValuePair<Type, object>> IEnumerable<KeyValuePair<Type, object>>.GetEnumerator()
    {
        foreach (var type in s_own)
        {
            if (IsOffered(type) && _others?.ContainsKey(type) != true)
            {
                yield return new(type, this);
            }
        }

        foreach (var (type, other) in _others ?? [])
        {
            if (other is not null)
            {
                yield return new(type, other);
            }
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => ((IEnumerable<KeyValuePair<Type, object>>)this).GetEnumerator();

    public override void Abort(ConnectionAbortedException abortReason) => socket.Abort(this, abortReason);

    public void HandOver() => _kestrelIsThrough ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    public ValueTask<long> SendFileAsync(SafeFileHandle file, long offset, long count, CancellationToken cancellationToken) =>
        socket.SendFileAsync(this, file, offset, count, cancellationToken);

    /// <summary>Called by Kestrel when it is through with the connection.</summary>
    public override ValueTask DisposeAsync()
    {
        _kestrelIsThrough?.TrySetResult();
        return base.DisposeAsync();
    }

    void IConnectionCompleteFeature.OnCompleted(Func<object, Task> callback, object state) => GetObservers().OnCompleted(callback, state);

    void IConnectionHeartbeatFeature.OnHeartbeat(Action<object> action, object state) => GetObservers().OnHeartbeat(action, state);

    /// <summary>Tells whoever asked for it that the connection is over.</summary>
    public Task CompleteAsync() => Interlocked.CompareExchange(ref _observers, ConnectionObservers.None, null)?.CompleteAsync() ?? Task.CompletedTask;

    public void RequestClose() => Fire(ref _closeRequested);

    public void ReleaseConnection()
    {
        if (Interlocked.Exchange(ref _isReleased, 1) == 0)
        {
            listener.ReleaseConnection();
        }
    }

    /// <summary>Takes note that the peer has gone, or the connection was aborted, or is over.</summary>
    public void NoteClosed() => Fire(ref _closed);

    /// <summary>Takes the socket object off its user; called while nobody else can use or replace the descriptor.</summary>
    public void CloseSocketObject(bool isAbort)
    {
        if (_socketObject is { } used)
        {
            used.Close(isAbort ? 0 : -1);
        }
    }

    // Tokens fire on the thread pool, as Kestrel's do: their callbacks are anybody's code.
    private static void Fire(ref CancellationTokenSource? source)
    {
        if (Interlocked.Exchange(ref source, s_fired) is { } asked && asked != s_fired)
        {
            ThreadPool.UnsafeQueueUserWorkItem(static asked => asked.Cancel(), asked, preferLocal: false);
        }
    }

    private static CancellationToken GetToken(ref CancellationTokenSource? source)
    {
        if (Volatile.Read(ref source) is not { } current)
        {
            var created = new CancellationTokenSource();
            current = Interlocked.CompareExchange(ref source, created, null) ?? created;
        }

        return current.Token;
    }

    private static CancellationTokenSource CreateFired()
    {
        var source = new CancellationTokenSource();
        source.Cancel();
        return source;
    }

    private ConnectionObservers GetObservers()
    {
        if (Volatile.Read(ref _observers) is not { } known)
        {
            var created = new ConnectionObservers(listener.KestrelLogger);
            known = Interlocked.CompareExchange(ref _observers, created, null) ?? created;
        }

        return known;
    }

    private CancellationToken GetClosedToken()
    {
        if (Volatile.Read(ref _closed) is { } known)
        {
            return known.Token;
        }

        var token = GetToken(ref _closed);
        // Somebody wants to know: from now on the system tells.
        socket.WatchForHangUp(this);
        return token;
    }

    private Socket CreateSocketObject(int descriptor)
    {
        if (_socketObject is { } made)
        {
            return made;
        }

        var copy = Libc.Duplicate(descriptor);
        return copy < 0
            ? throw new SocketException(Libc.LastError)
            : _socketObject = new Socket(new SafeSocketHandle(copy, ownsHandle: true)) { Blocking = false };
    }

    private bool IsOwn(Type key) => Array.IndexOf(s_own, key) >= 0 && IsOffered(key);

    private bool IsOffered(Type type) =>
        type == typeof(IConnectionMetricsTagsFeature) ? listener.IsDurationMeasured
        // It goes past what a middleware has put in front of the socket, which may hold bytes back or change them.
        : type == typeof(IFileTransportFeature) ? _transport is null
        : type == typeof(IDecrementConcurrentConnectionCountFeature) ? listener.IsLimited
        // Kestrel's HTTP has a pipe of its own in front of this one.
        : type == typeof(IInlineTransportFeature) ? !IsHandedOver
        : type != typeof(IFeatureCollection);

    private string MakeId()
    {
        var id = string.Create(13, Interlocked.Increment(ref s_lastId), static (text, id) =>
        {
            const string Digits = "0123456789ABCDEFGHIJKLMNOPQRSTUV";
            for (var i = text.Length - 1; i >= 0; i--, id >>>= 5)
            {
                text[i] = Digits[(int)(id & 31)];
            }
        });
        return Interlocked.CompareExchange(ref _id, id, null) ?? id;
    }
}
