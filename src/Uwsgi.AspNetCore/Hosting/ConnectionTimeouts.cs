using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Uwsgi.AspNetCore.Hosting;

/// <summary>The time limits of one exchange or connection: one wait for its reads, one for its writes.</summary>
/// <remarks>The waits are made when one is first needed: a request whose reads and writes complete at once has none.</remarks>
/// <param name="clock">The clock that watches the waits.</param>
/// <param name="target">What the two callbacks act on.</param>
/// <param name="cancelRead">Makes a pending read return; called when its time is over.</param>
/// <param name="abort">Ends what a write takes too long for.</param>
internal sealed class ConnectionTimeouts(
    TimeoutClock clock, object target, Action<object> cancelRead, Action<object, ConnectionAbortedException> abort)
{
    private TimedWait? _read;
    private TimedWait? _write;
    private long _bytesBeforeWaits;

    /// <summary>Gets whether the last read was cancelled because its time was over.</summary>
    public bool IsReadExpired => _read?.IsExpired == true;

    /// <summary>
    /// Gets whether the target may serve another connection: none of its waits has run out, so that nothing of the clock's is on its way to it.
    /// </summary>
    public bool CanBeReused => _write is null && _read?.HasEverExpired != true;

    private TimedWait Reads
    {
        get
        {
            if (_read is null)
            {
                _read = new TimedWait(clock, this, isRead: true);
                _read.CountBytes(_bytesBeforeWaits);
            }

            return _read;
        }
    }

    /// <summary>Gets the time limits of a whole connection.</summary>
    public static ConnectionTimeouts Of(ConnectionContext connection, TimeoutClock clock) => new(
        clock,
        connection,
        static target => ((ConnectionContext)target).Transport.Input.CancelPendingRead(),
        static (target, reason) => ((ConnectionContext)target).Abort(reason));

    /// <summary>Starts to watch a read that is pending; its pipe sees a cancelled read when the time is over.</summary>
    public void StartRead(TimeSpan timeout) => Reads.Start(timeout);

    public void StopRead() => _read?.Stop();

    /// <summary>Counts bytes of a body towards its rate, however little they had to be waited for.</summary>
    public void CountRead(long bytes)
    {
        if (_read is null)
        {
            _bytesBeforeWaits += bytes;
        }
        else
        {
            _read.CountBytes(bytes);
        }
    }

    public void SetReadRate(MinDataRate? rate)
    {
        if (rate is not null || _read is not null)
        {
            Reads.SetRate(rate?.BytesPerSecond ?? 0, rate?.GracePeriod ?? default);
        }
    }

    /// <summary>Starts to watch a flush that is pending; the exchange is aborted when the peer takes the bytes too slowly.</summary>
    public void StartWrite(MinDataRate rate, long bytes)
    {
        var budget = TimeSpan.FromSeconds(Math.Min(bytes / rate.BytesPerSecond, 86_400));
        _write ??= new TimedWait(clock, this, isRead: false);
        _write.Start(budget > rate.GracePeriod ? budget : rate.GracePeriod);
    }

    public void StopWrite() => _write?.StopInTime();

    /// <summary>Forgets what was measured, for the next exchange on the same connection.</summary>
    public void Reset()
    {
        _bytesBeforeWaits = 0;
        _read?.Reset();
        _write?.Reset();
    }

    /// <summary>Acts on a wait whose time is over; called on the clock's thread.</summary>
    internal void Expire(bool isRead)
    {
        if (isRead)
        {
            cancelRead(target);
            return;
        }

        // Aborting may run the transport's own callbacks, for which the other connections' clock must not wait.
        ThreadPool.UnsafeQueueUserWorkItem(
            static waiting => waiting.AbortWrite(), this, preferLocal: false);
    }

    private void AbortWrite()
    {
        // The write may have come to its end meanwhile, and what is written now may be another request's.
        if (_write?.IsExpired == true)
        {
            abort(target, new ConnectionAbortedException("The response was not taken at the minimum data rate."));
        }
    }
}
