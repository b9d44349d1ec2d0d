using System.Buffers;
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
internal sealed class LoopSocket : IDuplexPipe
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

    // A body that fills the first block will go on.
    private const int LongReceive = 64 * 1024;

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

    public bool IsTcp { get; private set; }

    public LoopConnection? Owner => Volatile.Read(ref _owner);

    public PipeReader Input => _reader;

    public PipeWriter Output { get; }

    /// <summary>Begins a connection on an accepted descriptor.</summary>
    public void Open(LoopConnection owner, int descriptor)
    {
        _mayHaveMore = true;
        IsTcp = !owner.Listener.IsUnix;
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

    /// <summary>Fills the input pipe with what has arrived. Returns whether there is something new to read.</summary>
    public bool TryReceive()
    {
        // A receive that did not fill its buffer took all there was; what comes later is an event, also for a reader that only asks again.
        if (!_isInputOver && !_mayHaveMore && (Volatile.Read(ref _events) & (Readable | HungUp)) == 0)
        {
            Watch(InputEvents);
            return false;
        }

        if (_isInputOver || Interlocked.CompareExchange(ref _receiver, Busy, Free) != Free)
        {
            return false;
        }

        var isNew = Receive(isAwaited: false, out var next);
        next.Queue();
        return isNew;
    }

    /// <summary>From here on a thread of the loop receives as soon as something arrives; the read that waits for it is pending on the pipe.</summary>
    public void WaitForInput()
    {
        while (!_isInputOver)
        {
            switch (Interlocked.CompareExchange(ref _receiver, Waiting, Free))
            {
                case Free:
                    ReceiveWhatIsThere();
                    return;

                // A thread of the loop may have passed on what this reader has read already.
                case Busy when Interlocked.CompareExchange(ref _receiver, BusyAndAwaited, Busy) != Busy:
                    continue;

                default:
                    return;
            }
        }
    }

    /// <summary>Lets the system tell when the peer goes away, also while nobody reads.</summary>
    public void WatchForHangUp(LoopConnection owner)
    {
        if (Owner == owner)
        {
            Watch(InputEvents);
        }
    }

    /// <summary>Sends what was flushed, as far as the system takes it.</summary>
    public void StartSending()
    {
        _isSendRequested = true;
        if (Interlocked.CompareExchange(ref _sender, Busy, Free) == Free)
        {
            // Whoever flushes may hold locks, and does not wait for what another flush has set free.
            Send().Queue();
        }
    }

    /// <summary>Sends what is left and ends the output; pending like any flush.</summary>
    public ValueTask<FlushResult> FlushLastAsync(CancellationToken cancellationToken)
    {
        var flush = _output.Writer.FlushAsync(cancellationToken);
        _output.Writer.Complete();
        StartSending();
        return flush;
    }

    /// <summary>Sends a part of a file behind what was flushed; see <see cref="IFileTransportFeature"/>.</summary>
    public async ValueTask<long> SendFileAsync(LoopConnection owner, SafeFileHandle file, long offset, long count, CancellationToken cancellationToken)
    {
        var part = new FileToSend(file, offset, count, cancellationToken);
        if (Owner != owner)
        {
            throw new InvalidOperationException("The connection is over.");
        }

        var other = Interlocked.CompareExchange(ref _file, part, null);
        if (other == s_noFile)
        {
            // Nobody sends any more, so nobody else ends it.
            part.End();
        }
        else if (other is not null)
        {
            throw new InvalidOperationException("The connection is sending a file already.");
        }

        using var cancelled = cancellationToken.UnsafeRegister(static socket => ((LoopSocket)socket!).GoOnSending(), this);
        StartSending();
        return await part.Task;
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

    // Ends with the receiver free, or waiting again. True when the pipe has something new: bytes, or its end.
    private bool Receive(bool isAwaited, out DeferredScheduler.Continuation next)
    {
        if (_isInputOver)
        {
            // It ended between the caller's look and its turn. Whoever awaits more has the end in the pipe.
            Interlocked.Exchange(ref _receiver, Free);
            next = default;
            return true;
        }

        while (true)
        {
            Interlocked.And(ref _events, ~Readable);
            var memory = _input.Writer.GetMemory(_receiveSize);
            var count = Libc.Receive(_descriptor, memory.Span);
            if (count > 0)
            {
                _mayHaveMore = count == memory.Length;
                _receiveSize = _mayHaveMore ? LongReceive : 0;
                DeferredScheduler.Hold();
                _input.Writer.Advance(count);
#pragma warning disable CA2012 // Without a limit of the pipe it has always completed.
                _ = _input.Writer.FlushAsync();
#pragma warning restore CA2012
                next = EndReceiving();
                return true;
            }

            var error = count == 0 ? 0 : Libc.LastError;
            if (error == Libc.EINTR)
            {
                continue;
            }

            if (error == Libc.EAGAIN && !_isAborted)
            {
                _mayHaveMore = false;
                Interlocked.Exchange(ref _receiver, isAwaited ? Waiting : Free);
                if (!isAwaited || ((Volatile.Read(ref _events) & Readable) == 0 && !_isAborted)
                    || Interlocked.CompareExchange(ref _receiver, Busy, Waiting) != Waiting)
                {
                    next = default;
                    return false;
                }

                continue;
            }

            _isInputOver = true;
            Owner?.NoteClosed();
            DeferredScheduler.Hold();
            _input.Writer.Complete(count == 0 ? null : CreateError(error));
            next = EndReceiving();
            return true;
        }
    }

    private DeferredScheduler.Continuation EndReceiving()
    {
        var next = DeferredScheduler.Release();
        if (Interlocked.CompareExchange(ref _receiver, Free, Busy) != Busy)
        {
            Interlocked.Exchange(ref _receiver, Waiting);
            ReceiveWhatIsThere();
        }

        return next;
    }

    // The receiver is waiting. What came before may have had its event already, also what did not fit into the last buffer.
    private void ReceiveWhatIsThere()
    {
        Watch(InputEvents);
        if ((_mayHaveMore || (Volatile.Read(ref _events) & (Readable | HungUp)) != 0 || _isAborted)
            && Interlocked.CompareExchange(ref _receiver, Busy, Waiting) == Waiting)
        {
            Receive(isAwaited: true, out var next);
            next.Queue();
        }
    }

    // Ends with the sender free, waiting for room, or busy for good when nothing can be sent any more.
    private DeferredScheduler.Continuation Send()
    {
        var next = default(DeferredScheduler.Continuation);
        DeferredScheduler.Hold();
        while (true)
        {
            _isSendRequested = false;
            var error = 0;
            var isOver = _isAborted;
            var isHalfClose = false;
            if (!isOver)
            {
                if (_output.Reader.TryRead(out var read))
                {
                    // The end of the output goes with its last bytes. Not when the connection is closed: unread input would take them along.
                    isHalfClose = read.IsCompleted && !_isClosing;
                    (var sent, error) = SendBuffer(read.Buffer, isHalfClose);
                    _output.Reader.AdvanceTo(read.Buffer.GetPosition(sent));
                    isOver = error is not (0 or Libc.EAGAIN) || (error == 0 && read.IsCompleted);
                    if (error == 0 && !isOver)
                    {
                        continue;
                    }
                }
                else if (_file is { } file)
                {
                    Interlocked.And(ref _events, ~Writable);
                    error = file.Continue(_descriptor);
                    isOver = error is not (0 or Libc.EAGAIN);
                    if (error == 0)
                    {
                        _file = null;
                        file.End();
                        continue;
                    }
                }
            }

            if (isOver)
            {
                if (error != 0)
                {
                    Owner?.NoteClosed();
                }

                return EndSending(isHalfClose && error == 0 && !_isAborted, next);
            }

            next = next.Or(DeferredScheduler.Release());
            if (error == Libc.EAGAIN)
            {
                Interlocked.Exchange(ref _sender, Waiting);
                Watch(InputEvents | Libc.EPOLLOUT);
                if ((Volatile.Read(ref _events) & Writable) == 0 && !_isAborted && _file is not { IsCancelled: true })
                {
                    break;
                }
            }
            else
            {
                // Before anybody else can become the sender, who would wait for room in vain.
                StopWatchingForRoom();
                Interlocked.Exchange(ref _sender, Free);
                // A flush that came in between has found the sender busy.
                if (!_isSendRequested)
                {
                    break;
                }
            }

            var expected = error == Libc.EAGAIN ? Waiting : Free;
            if (Interlocked.CompareExchange(ref _sender, Busy, expected) != expected)
            {
                break;
            }

            DeferredScheduler.Hold();
        }

        return next;
    }

    private (long Sent, int Error) SendBuffer(in ReadOnlySequence<byte> buffer, bool isMoreToCome)
    {
        var total = 0L;
        foreach (var segment in buffer)
        {
            var rest = segment.Span;
            while (!rest.IsEmpty)
            {
                Interlocked.And(ref _events, ~Writable);
                var count = Libc.Send(_descriptor, rest, isMoreToCome);
                if (count < 0)
                {
                    var error = Libc.LastError;
                    if (error == Libc.EINTR)
                    {
                        continue;
                    }

                    return (total, error);
                }

                total += count;
                rest = rest[count..];
            }
        }

        return (total, 0);
    }

    // Whoever writes learns it from the next flush. Behind the exchange the socket may be another connection's.
    private DeferredScheduler.Continuation EndSending(bool isHalfClose, DeferredScheduler.Continuation next)
    {
        if (isHalfClose)
        {
            // All was taken. The reader's end is left to the close: a flush that still waits for these bytes would take it for the peer's.
            Libc.ShutdownSending(_descriptor);
        }
        else
        {
            _output.Reader.Complete();
        }

        next = next.Or(DeferredScheduler.Release());
        var file = Interlocked.Exchange(ref _file, s_noFile);
        Interlocked.Exchange(ref _sent, s_over)?.TrySetResult();
        file?.End();
        return next;
    }

    private void GoOnSending()
    {
        if (Interlocked.CompareExchange(ref _sender, Busy, Waiting) == Waiting)
        {
            Send().Queue();
        }
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

    // Room in the peer's buffer is an event each time it reads, and only of interest while something waits for it.
    private void StopWatchingForRoom()
    {
        if ((_registered & Libc.EPOLLOUT) == 0)
        {
            return;
        }

        lock (_lifetime)
        {
            if (_descriptor >= 0 && !_isAborted && _loop.Control(Libc.EPOLL_CTL_MOD, _descriptor, InputEvents, this))
            {
                _registered = InputEvents;
            }
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

    private Exception CreateError(int error) =>
        (Exception?)_abortReason ?? new ConnectionResetException($"The connection was reset by its peer (errno {error}).");

    // A read may have been given up while the loop still waits for its bytes, or is just receiving them.
    private void TakeReceiver()
    {
        var spin = default(SpinWait);
        while (Interlocked.CompareExchange(ref _receiver, Busy, Free) != Free && Interlocked.CompareExchange(ref _receiver, Busy, Waiting) != Waiting)
        {
            spin.SpinOnce();
        }
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
