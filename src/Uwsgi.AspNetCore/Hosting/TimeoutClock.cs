using System.Diagnostics;

namespace Uwsgi.AspNetCore.Hosting;

/// <summary>One timer for all gateway connections of a host: a tick a second over the waits that are pending right now.</summary>
/// <remarks>A request whose reads and writes complete at once never gets here, so it pays for no timer.</remarks>
internal sealed class TimeoutClock : IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly TimeProvider _time;
    private readonly Lock _lock = new();
    private ITimer? _timer;
    private TimedWait? _head;
    private bool _isDisposed;

    public TimeoutClock(TimeProvider time) => _time = time;

    public TimeProvider Time => _time;

    /// <summary>Gets the current time on the clock that measures the waits.</summary>
    public long Timestamp => _time.GetTimestamp();

    public TimeSpan GetElapsed(long since, long now) => _time.GetElapsedTime(since, now);

    public void Add(TimedWait wait)
    {
        lock (_lock)
        {
            if (_isDisposed)
            {
                return;
            }

            // An application can abandon a read that is still waiting; the wait serves whoever reads now.
            wait.Unlink(ref _head);
            wait.Link(ref _head);
            _timer ??= _time.CreateTimer(static state => ((TimeoutClock)state!).Tick(), this, Interval, Interval);
        }
    }

    public void Remove(TimedWait wait)
    {
        lock (_lock)
        {
            wait.Unlink(ref _head);
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _isDisposed = true;
            _timer?.Dispose();
            _timer = null;
        }
    }

    private void Tick()
    {
        List<TimedWait>? expired = null;
        lock (_lock)
        {
            if (!Debugger.IsAttached)
            {
                var now = Timestamp;
                for (var wait = _head; wait is not null; wait = wait.Next)
                {
                    if (wait.HasExpired(now))
                    {
                        (expired ??= []).Add(wait);
                    }
                }
            }

            if (_head is null)
            {
                _timer?.Dispose();
                _timer = null;
            }
        }

        // What expires may continue the connection right here, so not under the lock.
        expired?.ForEach(static wait => wait.Expire());
    }
}
