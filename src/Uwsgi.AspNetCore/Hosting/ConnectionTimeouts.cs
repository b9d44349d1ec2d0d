using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Uwsgi.AspNetCore.Hosting;

/// <summary>The time limits of one connection: one wait for its reads, one for its writes.</summary>
internal sealed class ConnectionTimeouts
{
    private readonly ConnectionContext _connection;
    private readonly TimedWait _read;
    private readonly TimedWait _write;

    public ConnectionTimeouts(TimeoutClock clock, ConnectionContext connection)
    {
        _connection = connection;
        _read = new TimedWait(clock, CancelRead);
        _write = new TimedWait(clock, AbortWrite);
    }

    /// <summary>Gets whether a pending read was cancelled because its time was over.</summary>
    public bool IsReadExpired => _read.IsExpired;

    /// <summary>Starts to watch a read that is pending; its pipe sees a cancelled read when the time is over.</summary>
    public void StartRead(TimeSpan timeout) => _read.Start(timeout);

    public void StopRead() => _read.Stop();

    /// <summary>Counts bytes of a body towards its rate, however little they had to be waited for.</summary>
    public void CountRead(long bytes) => _read.CountBytes(bytes);

    public void SetReadRate(MinDataRate? rate) => _read.SetRate(rate?.BytesPerSecond ?? 0, rate?.GracePeriod ?? default);

    /// <summary>Starts to watch a flush that is pending; the connection is aborted when the peer takes the bytes too slowly.</summary>
    public void StartWrite(MinDataRate rate, long bytes)
    {
        var budget = TimeSpan.FromSeconds(Math.Min(bytes / rate.BytesPerSecond, 86_400));
        _write.Start(budget > rate.GracePeriod ? budget : rate.GracePeriod);
    }

    public void StopWrite() => _write.Stop();

    private void CancelRead() => _connection.Transport.Input.CancelPendingRead();

    // Aborting may run the transport's own callbacks, which must not happen under the clock's lock.
    private void AbortWrite() => ThreadPool.UnsafeQueueUserWorkItem(
        static connection => connection.Abort(new ConnectionAbortedException("The response was not taken at the minimum data rate.")),
        _connection,
        preferLocal: false);
}
