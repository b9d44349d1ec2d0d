namespace Uwsgi.AspNetCore.Hosting;

/// <summary>A wait of one connection that the clock watches while it is pending: a deadline, a data rate, or both.</summary>
/// <remarks>Start and Stop are called by the one task that waits; the clock asks HasExpired under its own lock.</remarks>
internal sealed class TimedWait(TimeoutClock clock, ConnectionTimeouts owner, bool isRead)
{
    private TimedWait? _previous;
    private TimeSpan _timeout;
    private long _started;
    private double _bytesPerSecond;
    private TimeSpan _grace;
    private TimeSpan _measured;
    private long _bytes;

    public TimedWait? Next { get; private set; }

    public bool IsLinked { get; private set; }

    /// <summary>Gets whether the wait has run out of time; it stays so until the next one starts.</summary>
    public bool IsExpired { get; private set; }

    /// <summary>Gets whether any wait has run out of time, so that the clock may still be about to act on it.</summary>
    public bool HasEverExpired { get; private set; }

    /// <summary>Sets the rate that pending waits together must keep from now on; zero for none.</summary>
    public void SetRate(double bytesPerSecond, TimeSpan grace)
    {
        _bytesPerSecond = bytesPerSecond;
        _grace = grace;
    }

    /// <summary>Counts bytes towards the rate.</summary>
    public void CountBytes(long bytes) => _bytes += bytes;

    public void Start(TimeSpan timeout)
    {
        IsExpired = false;
        _timeout = timeout;
        _started = clock.Timestamp;
        clock.Add(this);
    }

    public void Stop()
    {
        clock.Remove(this);
        if (_bytesPerSecond > 0)
        {
            _measured += clock.GetElapsed(_started, clock.Timestamp);
        }
    }

    /// <summary>Stops, and with that is in time: what the clock has seen and not acted on yet does not count.</summary>
    public void StopInTime()
    {
        Stop();
        IsExpired = false;
    }

    /// <summary>Forgets rate, bytes and time.</summary>
    public void Reset()
    {
        IsExpired = false;
        _bytesPerSecond = 0;
        _grace = default;
        _measured = default;
        _bytes = 0;
    }

    /// <summary>Tells, once, that the time is over.</summary>
    internal bool HasExpired(long now)
    {
        if (IsExpired)
        {
            return false;
        }

        var elapsed = clock.GetElapsed(_started, now);
        var measured = _measured + elapsed;
        IsExpired = elapsed >= _timeout
            || (_bytesPerSecond > 0 && measured > _grace && _bytes < _bytesPerSecond * measured.TotalSeconds);
        HasEverExpired |= IsExpired;
        return IsExpired;
    }

    internal void Expire() => owner.Expire(isRead);

    internal void Link(ref TimedWait? head)
    {
        Next = head;
        if (head is not null)
        {
            head._previous = this;
        }

        head = this;
        IsLinked = true;
    }

    internal void Unlink(ref TimedWait? head)
    {
        if (!IsLinked)
        {
            return;
        }

        if (_previous is null)
        {
            head = Next;
        }
        else
        {
            _previous.Next = Next;
        }

        if (Next is not null)
        {
            Next._previous = _previous;
        }

        Next = null;
        _previous = null;
        IsLinked = false;
    }
}
