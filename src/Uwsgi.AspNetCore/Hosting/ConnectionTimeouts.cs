using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Uwsgi.AspNetCore.Hosting;

/// <summary>The time limits of one exchange or connection: one wait for its reads, one for its writes.</summary>
internal sealed class ConnectionTimeouts
{
    private readonly TimeoutClock _clock;
    private readonly TimedWait _read;
    private readonly Action<ConnectionAbortedException> _abort;
    private TimedWait? _write;

    /// <param name="clock">The clock that watches the waits.</param>
    /// <param name="cancelRead">Makes a pending read return; called when its time is over.</param>
    /// <param name="abort">Ends what a write takes too long for.</param>
    public ConnectionTimeouts(TimeoutClock clock, Action cancelRead, Action<ConnectionAbortedException> abort)
    {
        _clock = clock;
        _abort = abort;
        _read = new TimedWait(clock, cancelRead);
    }

    /// <summary>Gets whether the last read was cancelled because its time was over.</summary>
    public bool IsReadExpired => _read.IsExpired;

    /// <summary>Starts to watch a read that is pending; its pipe sees a cancelled read when the time is over.</summary>
    public void StartRead(TimeSpan timeout) => _read.Start(timeout);

    public void StopRead(long bytes)
    {
        _read.CountBytes(bytes);
        _read.Stop();
    }

    public void SetReadRate(MinDataRate? rate) => _read.SetRate(rate?.BytesPerSecond ?? 0, rate?.GracePeriod ?? default);

    /// <summary>Starts to watch a flush that is pending; the exchange is aborted when the peer takes the bytes too slowly.</summary>
    public void StartWrite(MinDataRate rate, long bytes)
    {
        var budget = TimeSpan.FromSeconds(Math.Min(bytes / rate.BytesPerSecond, 86_400));
        _write ??= new TimedWait(_clock, AbortWrite);
        _write.Start(budget > rate.GracePeriod ? budget : rate.GracePeriod);
    }

    public void StopWrite() => _write?.Stop();

    // Aborting may run the transport's own callbacks, which must not happen on the clock's thread.
    private void AbortWrite() => ThreadPool.UnsafeQueueUserWorkItem(
        static abort => abort(new ConnectionAbortedException("The response was not taken at the minimum data rate.")),
        _abort,
        preferLocal: false);
}
