using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;
using Microsoft.Win32.SafeHandles;

namespace Uwsgi.AspNetCore.Transport.Loop;

/// <summary>A descriptor, and a pipe in each direction that is filled and emptied on demand; serves one connection after the other.</summary>
/// <remarks>
/// <para>
/// Nothing is received before somebody reads: a read that finds its pipe empty calls recv itself, on its own thread. What was flushed is sent
/// by whoever flushed. Only when the system says "not now" the descriptor is registered with the loop, edge-triggered, and a thread of the
/// loop goes on from there. A request that has arrived when it is accepted, and is answered at once, never meets epoll.
/// </para>
/// <para>
/// Who may touch what: the input pipe's writing end belongs to whoever made <see cref="_receiver"/> busy, the output pipe's reading end to
/// whoever made <see cref="_sender"/> busy; what they set free runs when they have let go. <see cref="_events"/> is what the system has told and
/// nobody has used yet. The owner's end (<see cref="CloseAsync"/>) is the only place that closes the descriptor's number; an abort puts a dead file
/// in its place, so that nobody ever reads from a stranger's connection. Registration, abort and close exclude one another by <see cref="_lifetime"/>.
/// </para>
/// </remarks>
internal sealed partial class LoopSocket : IDuplexPipe
{
    private const int Free = 0;
    private const int Waiting = 1;
    private const int Busy = 2;

    // Of the receiver only: the reader has found it busy, and waits for more than what is just being received.
    private const int BusyAndAwaited = 3;

    // Bits of _events. A hang-up stays: what comes after it is the end of the input.
    private const int Readable = 1;
    private const int Writable = 2;
    private const int HungUp = 4;

    private const uint InputEvents = Libc.EPOLLIN | Libc.EPOLLRDHUP | Libc.EPOLLET;
    private const uint Gone = Libc.EPOLLRDHUP | Libc.EPOLLERR | Libc.EPOLLHUP;

    // Stands in _sent when everything was sent before anybody waited for it.
    private static readonly TaskCompletionSource s_over = new();

    // Stands in _file when nothing can be sent any more: what comes later is not taken.
    private static readonly FileToSend s_noFile = new(new SafeFileHandle(), 0, 0, CancellationToken.None);

    private readonly EventLoop _loop;
    private readonly Lock _lifetime = new();
    private Pipe _input;
    private LoopReader _reader;
    private readonly Pipe _output;
    private LoopConnection? _owner;
    private int _descriptor = -1;
    private int _receiver;
    private int _sender;
    private int _events;
    private int _receiveSize;
    private uint _registered;
    private bool _mayHaveMore;
    private bool _isInputOver;
    private volatile bool _isAborted;
    private volatile bool _isClosing;
    private volatile bool _isSendRequested;
    private FileToSend? _file;
    private TaskCompletionSource? _sent;
    private ConnectionAbortedException? _abortReason;

    public LoopSocket(EventLoop loop, int slot, uint generation)
    {
        _loop = loop;
        Slot = slot;
        Generation = generation;
        _input = new Pipe(loop.InputOptions);
        _output = new Pipe(loop.OutputOptions);
        _reader = new LoopReader(this, _input.Reader);
        Output = new LoopWriter(this, _output.Writer);
    }

    /// <summary>Gets the place among the loop's sockets; the loop's events carry it, with the generation.</summary>
    public int Slot { get; }

    /// <summary>Gets a number that changes with each connection.</summary>
    public uint Generation { get; private set; }

    public LoopConnection? Owner => Volatile.Read(ref _owner);

    public PipeReader Input => _reader;

    public PipeWriter Output { get; }

    /// <summary>Begins a connection on an accepted descriptor.</summary>
    public void Open(LoopConnection owner, int descriptor)
    {
        _mayHaveMore = true;
        lock (_lifetime)
        {
            _descriptor = descriptor;
            Volatile.Write(ref _owner, owner);
        }
    }

    /// <summary>Runs something on the descriptor of a connection; null when that is over or aborted.</summary>
    public T? Use<T>(LoopConnection owner, Func<int, T?> use)
        where T : class
    {
        lock (_lifetime)
        {
            return _owner == owner && !_isAborted ? use(_descriptor) : null;
        }
    }

    /// <summary>Called by a thread of the loop: the state of the descriptor has changed.</summary>
    public void OnEvent(uint generation, uint events)
    {
        if ((events & Gone) != 0)
        {
            NoteHangUp(generation);
        }

        if ((events & (Libc.EPOLLOUT | Libc.EPOLLERR | Libc.EPOLLHUP)) != 0)
        {
            Interlocked.Or(ref _events, Writable);
        }

        if ((events & (Libc.EPOLLIN | Gone)) != 0)
        {
            Interlocked.Or(ref _events, Readable);
        }

        Wake();
    }

    /// <summary>Lets the system tell when the peer goes away, also while nobody reads.</summary>
    public void WatchForHangUp(LoopConnection owner)
    {
        if (Owner == owner)
        {
            Watch(InputEvents);
        }
    }

    /// <summary>Resets the connection; nothing when it is over already.</summary>
    public void Abort(LoopConnection owner, ConnectionAbortedException reason)
    {
        lock (_lifetime)
        {
            if (_owner != owner || _isAborted)
            {
                return;
            }

            _abortReason = reason;
            _isAborted = true;
            owner.CloseSocketObject(isAbort: true);
            Libc.ResetOnClose(_descriptor);
            Libc.Replace(_descriptor, _loop.DeadDescriptor);
        }

        owner.NoteClosed();
        // A dead descriptor has no events any more: whoever waits for one is woken here, but does not run on the thread of whoever aborts.
        ThreadPool.UnsafeQueueUserWorkItem(static socket => socket.Wake(), this, preferLocal: false);
    }

    /// <summary>Ends the connection: sends what was flushed, closes, and makes the socket ready for the next one.</summary>
    public async ValueTask CloseAsync()
    {
        _isClosing = true;
        _output.Writer.Complete();
        StartSending();
        if (Volatile.Read(ref _sent) != s_over)
        {
            var sent = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            if (Interlocked.CompareExchange(ref _sent, sent, null) is null)
            {
                await sent.Task;
            }
        }

        _output.Reader.Complete();
        TakeReceiver();
        if (!_isInputOver)
        {
            _input.Writer.Complete();
        }

        _input.Reader.Complete();
        lock (_lifetime)
        {
            _owner!.CloseSocketObject(isAbort: false);
            Libc.Close(_descriptor);
            _descriptor = -1;
            Generation++;
            Volatile.Write(ref _owner, null);
            _registered = 0;
        }

        Reset();
    }

    // Goes on with what waits; a stale call finds nothing that it could harm. Both ends may lead on to something that waits for the other.
    private void Wake()
    {
        var sent = default(DeferredScheduler.Continuation);
        var received = default(DeferredScheduler.Continuation);
        if (((_events & Writable) != 0 || _isAborted) && Interlocked.CompareExchange(ref _sender, Busy, Waiting) == Waiting)
        {
            sent = Send();
        }

        if (((_events & (Readable | HungUp)) != 0 || _isAborted) && Interlocked.CompareExchange(ref _receiver, Busy, Waiting) == Waiting)
        {
            Receive(isAwaited: true, out received);
        }

        if (received.Action is null)
        {
            sent.Run();
        }
        else
        {
            sent.Queue();
            received.Run();
        }
    }

    private void Watch(uint events)
    {
        if ((_registered & events) == events)
        {
            return;
        }

        lock (_lifetime)
        {
            if (_descriptor < 0 || _isAborted || (_registered & events) == events)
            {
                return;
            }

            var operation = _registered == 0 ? Libc.EPOLL_CTL_ADD : Libc.EPOLL_CTL_MOD;
            if (_loop.Control(operation, _descriptor, _registered | events, this))
            {
                _registered |= events;
                return;
            }
        }

        // Without events it would hang.
        if (Owner is { } owner)
        {
            Abort(owner, new ConnectionAbortedException("The system has no memory to watch the connection."));
        }
    }

    private void NoteHangUp(uint generation)
    {
        LoopConnection? owner;
        lock (_lifetime)
        {
            // Otherwise it is the end of an earlier connection, told late.
            if (Generation != generation || _owner is null)
            {
                return;
            }

            owner = _owner;
            Interlocked.Or(ref _events, HungUp);
        }

        owner.NoteClosed();
    }

    private void Reset()
    {
        if (_reader.IsPending)
        {
            // An abandoned read may still be on its way back, and must not find the next connection's bytes.
            _input = new Pipe(_loop.InputOptions);
            _reader = new LoopReader(this, _input.Reader);
        }
        else
        {
            _input.Reset();
        }

        _output.Reset();
        _events = 0;
        _receiveSize = 0;
        _isInputOver = false;
        _isAborted = false;
        _isClosing = false;
        _isSendRequested = false;
        _file = null;
        _sent = null;
        _abortReason = null;
        _sender = Free;
        Volatile.Write(ref _receiver, Free);
    }
}
