namespace Uwsgi.AspNetCore.Testing;

/// <summary>
/// A clock that moves only when a test says so. Timers run on the thread that calls <see cref="Advance"/>, in the order in
/// which they are due, each seeing the clock at its own due time.
/// </summary>
public sealed class ManualTimeProvider : TimeProvider
{
    private readonly Lock _lock = new();
    private readonly List<ManualTimer> _timers = [];
    private readonly List<(int Count, TaskCompletionSource Reached)> _waiters = [];
    private readonly DateTimeOffset _start;
    private TimeSpan _elapsed;
    private long _sequence;

    public ManualTimeProvider(DateTimeOffset? start = null)
    {
        _start = start ?? new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);
    }

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    /// <summary>Gets how many timers are armed.</summary>
    public int ArmedTimers
    {
        get
        {
            lock (_lock)
            {
                return _timers.Count;
            }
        }
    }

    public override DateTimeOffset GetUtcNow()
    {
        lock (_lock)
        {
            return _start + _elapsed;
        }
    }

    public override long GetTimestamp()
    {
        lock (_lock)
        {
            return _elapsed.Ticks;
        }
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        ArgumentNullException.ThrowIfNull(callback);

        var timer = new ManualTimer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    /// <summary>Moves the clock forward and runs every timer that falls due on the way.</summary>
    public void Advance(TimeSpan by)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(by, TimeSpan.Zero);

        TimeSpan target;
        lock (_lock)
        {
            target = _elapsed + by;
        }

        while (TakeDue(target) is { } timer)
            timer.Fire();

        lock (_lock)
        {
            if (target > _elapsed)
                _elapsed = target;
        }
    }

    /// <summary>
    /// Moves the clock past the end of a wait that the server may just be starting anew: one that starts with its time over has a timer of its own, which
    /// is due a second later.
    /// </summary>
    public async Task AdvancePastAsync(TimeSpan by, Task end)
    {
        Advance(by);
        await Task.WhenAny(end, WaitForArmedTimersAsync());
        Advance(TimeSpan.FromSeconds(1));
    }

    /// <summary>Waits, with the shared time-out, until at least <paramref name="count"/> timers are armed.</summary>
    public async Task WaitForArmedTimersAsync(int count = 1)
    {
        Task reached;
        lock (_lock)
        {
            if (_timers.Count >= count)
                return;

            var waiter = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiters.Add((count, waiter));
            reached = waiter.Task;
        }

        await reached.WithTimeoutAsync();
    }

    private ManualTimer? TakeDue(TimeSpan target)
    {
        lock (_lock)
        {
            ManualTimer? next = null;
            foreach (var timer in _timers)
            {
                if (timer.Due <= target && (next is null || timer.Due < next.Due || (timer.Due == next.Due && timer.Order < next.Order)))
                    next = timer;
            }

            if (next is null)
                return null;

            if (next.Due > _elapsed)
                _elapsed = next.Due;
            if (next.Period is { } period)
                (next.Due, next.Order) = (next.Due + period, _sequence++);
            else
                _timers.Remove(next);
            return next;
        }
    }

    private void Arm(ManualTimer timer, TimeSpan dueTime, TimeSpan? period)
    {
        lock (_lock)
        {
            if (!_timers.Contains(timer))
                _timers.Add(timer);
            (timer.Due, timer.Period, timer.Order) = (_elapsed + dueTime, period, _sequence++);

            for (var i = _waiters.Count - 1; i >= 0; i--)
            {
                if (_waiters[i].Count > _timers.Count)
                    continue;

                _waiters[i].Reached.TrySetResult();
                _waiters.RemoveAt(i);
            }
        }
    }

    private void Disarm(ManualTimer timer)
    {
        lock (_lock)
        {
            _timers.Remove(timer);
        }
    }

    private sealed class ManualTimer(ManualTimeProvider clock, TimerCallback callback, object? state) : ITimer
    {
        private volatile bool _disposed;

        public TimeSpan Due { get; set; }

        public TimeSpan? Period { get; set; }

        public long Order { get; set; }

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(dueTime, Timeout.InfiniteTimeSpan);
            ArgumentOutOfRangeException.ThrowIfLessThan(period, Timeout.InfiniteTimeSpan);
            if (_disposed)
                return false;

            // A period of zero means "once", as with the system's timers.
            TimeSpan? repeat = period > TimeSpan.Zero ? period : null;
            if (dueTime == Timeout.InfiniteTimeSpan)
            {
                clock.Disarm(this);
            }
            else if (dueTime == TimeSpan.Zero)
            {
                // Due at once: on another thread, so that the caller may hold a lock the callback wants.
                if (repeat is { } first)
                    clock.Arm(this, first, repeat);
                else
                    clock.Disarm(this);
                ThreadPool.UnsafeQueueUserWorkItem(static timer => timer.Fire(), this, preferLocal: false);
            }
            else
            {
                clock.Arm(this, dueTime, repeat);
            }

            return true;
        }

        public void Fire()
        {
            if (!_disposed)
                callback(state);
        }

        public void Dispose()
        {
            _disposed = true;
            clock.Disarm(this);
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return default;
        }
    }
}
