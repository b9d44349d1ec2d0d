namespace Uwsgi.AspNetCore.Workers;

/// <summary>The counters of all cores, added up.</summary>
internal sealed record WorkerTotals(
    int Cores,
    int BusyCores,
    long Requests,
    long StaticRequests,
    long OffloadedRequests,
    long Exceptions,
    long BytesSent,
    TimeSpan RunningTime)
{
    public static WorkerTotals Of(Worker worker)
    {
        var cores = worker.Cores;
        var (busy, requests, files, offloaded, exceptions, bytes, ticks) = (0, 0L, 0L, 0L, 0L, 0L, 0L);
        foreach (var core in cores)
        {
            busy += core.IsBusy ? 1 : 0;
            requests += core.Requests;
            files += core.StaticRequests;
            offloaded += core.OffloadedRequests;
            exceptions += core.Exceptions;
            bytes += core.BytesSent;
            ticks += core.RunningTicks;
        }

        return new(cores.Length, busy, requests, files, offloaded, exceptions, bytes, worker.Time.GetElapsedTime(0, ticks));
    }
}
