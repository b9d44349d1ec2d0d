using System.Buffers;
using System.IO.Pipelines;
using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;

namespace Uwsgi.AspNetCore.Transport.Loop;

/// <summary>The threads of the lean transport, all waiting on one epoll instance, and the sockets they serve.</summary>
/// <remarks>
/// <code>
/// epoll ──► thread: one event ──► a listener: accept, and run the request to its end or first await; repeat until nobody waits
///   ▲         │                └► a socket: receive or send, and run what waited for it
///   └─────────┘                      (whatever awaits goes on where its awaiter puts it: mostly the thread pool)
/// monitor: looks every 4 ms while there is work: lets spare threads wait, or adds some, when too few are getting on; wakes another one for
///          connections that a stuck one has in front of it
/// </code>
/// <para>
/// Only so many threads wait as can be used: one as long as it keeps up, up to as many as there are processors when each of them has had one to itself
/// and was busy all the time, and others in the place of those that are stuck: blocked, or computing for 50 ms. A thread that comes back and finds enough
/// of them waiting is a spare one, and ends when it has not been needed for a while. More threads than that would share the work by taking turns, which
/// costs more than the work.
/// </para>
/// <para>
/// Everything is edge-triggered: an event goes to one thread, once, and what it leads to is that thread's. A listener's event stands for all
/// connections in its queue, which is why the monitor has an eye on threads that are accepting.
/// </para>
/// <para>
/// The descriptors of the loop itself stay open until the last thread and the last connection are gone: a number that is closed is another file's next.
/// </para>
/// </remarks>
internal sealed partial class EventLoop : IDisposable
{
    private const int MaxThreads = 1024;
    private const int MaxThreadsAtOnce = 64;
    private const int MaxKeptSockets = 1024;
    private const int LookMilliseconds = 4;

    // Looks with a thread to spare before the monitor sleeps until the next event.
    private const int QuietLooks = 25;

    // Looks for which a computing thread may take its time before it counts as stuck: 50 ms.
    private const int ComputingLooks = 12;

    // Looks with nobody waiting before another processor is used, and with somebody waiting before one is given up: 12 ms and 1 s.
    private const int SaturatedLooks = 3;
    private const int RelaxedLooks = 250;

    // Looks until accepting is tried again after the system had no descriptor or memory for it: 100 ms.
    private const int RetryLooks = 25;

    // The share of the time for which threads had a processor, from which on they could use another one.
    private const double BusyShare = 0.8;

    private static readonly TimeSpan s_spareTime = TimeSpan.FromSeconds(10);

    private const ulong WakeUp = ulong.MaxValue;
    private const ulong ListenerBit = 1UL << 63;

    private readonly ILogger _logger;
    private readonly SafeFileHandle _epoll = Libc.CreateEpoll();
    private readonly SafeFileHandle _wakeUp = Libc.CreateEvent();
    private readonly SafeFileHandle _dead = Libc.CreateEvent();
    private readonly int _epollDescriptor;
    private readonly int _wakeUpDescriptor;
    private readonly Lock _lock = new();
    private readonly Stack<LoopSocket> _free = new();
    private readonly Stack<(int Slot, uint Generation)> _freeSlots = new();
    private readonly AutoResetEvent _activity = new(initialState: false);
    private readonly SemaphoreSlim _spare = new(initialCount: 0);
    private volatile LoopThread[] _threads = [];
    private volatile LoopListener?[] _listeners = [];
    private volatile LoopSocket?[] _sockets = new LoopSocket?[64];
    private int _slots;
    private int _users;
    private int _waiting;
    private int _parked;
    private int _retryLooks;

    // How many threads may wait: the target, and more while threads get stuck one after the other.
    private volatile int _limit = 1;
    private bool _isMissingThreads;
    private volatile bool _isActive;
    private volatile bool _isStopping;

    /// <param name="pool">Where blocks for both directions come from.</param>
    /// <param name="maxWriteBuffer">How much may wait to be sent on a connection before its writer waits; zero is no limit.</param>
    /// <param name="logger">The log.</param>
    public EventLoop(MemoryPool<byte> pool, long maxWriteBuffer, ILogger logger)
    {
        MemoryPool = pool;
        InputOptions = new PipeOptions(
            pool, DeferredScheduler.Instance, PipeScheduler.Inline, pauseWriterThreshold: 0, resumeWriterThreshold: 0, useSynchronizationContext: false);
        OutputOptions = new PipeOptions(
            pool, PipeScheduler.Inline, DeferredScheduler.Instance, maxWriteBuffer, maxWriteBuffer / 2, useSynchronizationContext: false);
        _logger = logger;
        _epollDescriptor = (int)_epoll.DangerousGetHandle();
        _wakeUpDescriptor = (int)_wakeUp.DangerousGetHandle();
        DeadDescriptor = (int)_dead.DangerousGetHandle();
        _ = Libc.Control(_epollDescriptor, Libc.EPOLL_CTL_ADD, _wakeUpDescriptor, Libc.EPOLLIN, WakeUp);
        AddThreads(1);
        // The monitor, and whoever disposes.
        _users += 2;
        Start(Monitor, "uwsgi monitor");
    }

    public MemoryPool<byte> MemoryPool { get; }

    /// <summary>Gets the options of what was received: without a limit, because nothing is received that nobody reads.</summary>
    public PipeOptions InputOptions { get; }

    /// <summary>Gets the options of what is to be sent.</summary>
    public PipeOptions OutputOptions { get; }

    /// <summary>Gets a descriptor on which every operation of a socket fails: what an aborted connection's is replaced with.</summary>
    public int DeadDescriptor { get; }

    /// <summary>Gets how many threads there are.</summary>
    public int ThreadCount => _threads.Length;

    /// <summary>Gets the connections at this moment.</summary>
    public IEnumerable<LoopConnection> Connections
    {
        get
        {
            foreach (var socket in _sockets)
            {
                if (socket?.Owner is { } owner)
                {
                    yield return owner;
                }
            }
        }
    }

    /// <summary>Lets the threads accept from a socket that listens.</summary>
    public void Add(LoopListener listener, int descriptor)
    {
        lock (_lock)
        {
            _listeners = [.. _listeners, listener];
            if (Libc.Control(_epollDescriptor, Libc.EPOLL_CTL_ADD, descriptor, Libc.EPOLLIN | Libc.EPOLLET, ListenerBit | (uint)(_listeners.Length - 1)) < 0)
            {
                throw new IOException($"The system cannot watch another listening socket (errno {Libc.LastError}).");
            }
        }
    }

    /// <summary>Reports the connections that still wait at a listener once more.</summary>
    public void Rearm(LoopListener listener, int descriptor) => Libc.Control(
        _epollDescriptor, Libc.EPOLL_CTL_MOD, descriptor, Libc.EPOLLIN | Libc.EPOLLET, ListenerBit | (uint)Array.IndexOf(_listeners, listener));

    /// <summary>Ends the listening; called before its descriptor is closed.</summary>
    public void Remove(LoopListener listener, int descriptor)
    {
        lock (_lock)
        {
            _ = Libc.Control(_epollDescriptor, Libc.EPOLL_CTL_DEL, descriptor, 0, 0);
            // Events carry places in the list, so it keeps its length.
            LoopListener?[] left = [.. _listeners];
            left[Array.IndexOf(left, listener)] = null;
            _listeners = left;
        }
    }

    /// <summary>Lets all listeners accept again after a moment.</summary>
    public void RetryAccepting()
    {
        Interlocked.CompareExchange(ref _retryLooks, RetryLooks, 0);
        Activate();
    }

    public LoopSocket Rent()
    {
        lock (_lock)
        {
            _users++;
            if (_free.TryPop(out var free))
            {
                return free;
            }

            if (!_freeSlots.TryPop(out var place))
            {
                place = (_slots++, 0);
                if (place.Slot == _sockets.Length)
                {
                    var larger = new LoopSocket?[place.Slot * 2];
                    _sockets.CopyTo(larger, 0);
                    _sockets = larger;
                }
            }

            var socket = new LoopSocket(this, place.Slot, place.Generation);
            Volatile.Write(ref _sockets[place.Slot], socket);
            return socket;
        }
    }

    public void Return(LoopSocket socket)
    {
        lock (_lock)
        {
            if (_free.Count < MaxKeptSockets)
            {
                _free.Push(socket);
            }
            else
            {
                Volatile.Write(ref _sockets[socket.Slot], null);
                // Goes on counting: an event of an earlier connection may still be on its way.
                _freeSlots.Push((socket.Slot, socket.Generation));
            }

            _users--;
        }

        CloseIfUnused();
    }

    /// <summary>Adds or changes what is watched of a socket. False when the system has no room for it.</summary>
    public bool Control(int operation, int descriptor, uint events, LoopSocket socket) => Libc.Control(
        _epollDescriptor, operation, descriptor, events, (((ulong)socket.Generation << 32) & ~ListenerBit) | (uint)socket.Slot) >= 0;

    /// <summary>Ends the threads. Those that are inside application code end behind it.</summary>
    public void Dispose()
    {
        if (_isStopping)
        {
            return;
        }

        _isStopping = true;
        _activity.Set();
        _spare.Release(MaxThreads);
        // Nobody takes this one, so that every thread sees it.
        Libc.Signal(_wakeUpDescriptor);
        Leave();
    }

    private static void Start(ThreadStart body, string name) => new Thread(body) { IsBackground = true, Name = name }.UnsafeStart();

    private void AddThreads(int count)
    {
        lock (_lock)
        {
            count = Math.Min(count, MaxThreads - _threads.Length);
            for (var i = 0; i < count; i++)
            {
                var thread = new LoopThread();
                try
                {
                    Start(() => Run(thread), "uwsgi loop");
                }
                catch (Exception error) when (error is OutOfMemoryException or ThreadStartException && _threads.Length > 0)
                {
                    // The system has no room for another one; those there are go on, and the monitor asks again.
                    NoteMissingThread(error);
                    return;
                }

                _threads = [.. _threads, thread];
                _users++;
            }
        }
    }

    private void NoteMissingThread(Exception error)
    {
        if (!_isMissingThreads)
        {
            _isMissingThreads = true;
            LoopLog.ThreadMissing(_logger, _threads.Length, error);
        }
    }

    private void Run(LoopThread thread)
    {
        Span<byte> one = stackalloc byte[Libc.EventSize];
        thread.Begin();
        while (!_isStopping)
        {
            if (!TryBeginWaiting())
            {
                if (!TryPark(thread))
                {
                    break;
                }

                continue;
            }

            var count = Libc.Wait(_epollDescriptor, one);
            Interlocked.Decrement(ref _waiting);
            if (count > 0)
            {
                thread.Enter();
                Activate();
                Dispatch(thread, Libc.ReadEvent(one));
                thread.Leave();
            }
        }

        Leave();
    }

    // Counts only who does wait: two that turned each other away would leave nobody.
    private bool TryBeginWaiting()
    {
        while (true)
        {
            var waiting = Volatile.Read(ref _waiting);
            if (waiting >= _limit)
            {
                return false;
            }

            if (Interlocked.CompareExchange(ref _waiting, waiting + 1, waiting) == waiting)
            {
                return true;
            }
        }
    }

    // Waits until threads are wanted; false when that takes too long.
    private bool TryPark(LoopThread thread)
    {
        lock (_lock)
        {
            _parked++;
        }

        if (_isStopping || _spare.Wait(s_spareTime))
        {
            return true;
        }

        lock (_lock)
        {
            // Wanted at the last moment.
            if (_spare.Wait(0))
            {
                return true;
            }

            _parked--;
            _threads = [.. _threads.Where(other => other != thread)];
            return false;
        }
    }

    private void Leave()
    {
        lock (_lock)
        {
            _users--;
        }

        CloseIfUnused();
    }

    private void CloseIfUnused()
    {
        if (!_isStopping)
        {
            return;
        }

        lock (_lock)
        {
            if (_users > 0)
            {
                return;
            }
        }

        _epoll.Dispose();
        _wakeUp.Dispose();
        _dead.Dispose();
        _activity.Dispose();
        _spare.Dispose();
    }

    private void Dispatch(LoopThread thread, (uint Events, ulong Data) one)
    {
        try
        {
            if (one.Data == WakeUp)
            {
                if (!_isStopping)
                {
                    Libc.TakeSignal(_wakeUpDescriptor);
                    AcceptFromAll(thread);
                }
            }
            else if ((one.Data & ListenerBit) != 0)
            {
                _listeners[(int)(uint)one.Data]?.Accept(thread);
            }
            else if (Volatile.Read(ref _sockets[(int)(uint)one.Data]) is { Generation: var generation } socket
                && (generation & int.MaxValue) == one.Data >> 32)
            {
                socket.OnEvent(generation, one.Events);
            }
        }
        catch (Exception error)
        {
            // The thread serves everybody; whose fault it was has lost a connection at most.
            DeferredScheduler.Release().Queue();
            LoopLog.LoopThreadFailed(_logger, error);
        }
    }

    private void AcceptFromAll(LoopThread thread)
    {
        foreach (var listener in _listeners)
        {
            listener?.Accept(thread);
        }
    }

    private void Activate()
    {
        if (!_isActive)
        {
            _isActive = true;
            _activity.Set();
        }
    }
}
