using Microsoft.AspNetCore.Http;
using Uwsgi.AspNetCore.Workers;

namespace Uwsgi.AspNetCore.Stats;

/// <summary>What looking at the statistics costs, so that the page does not show its own questions as the application's load.</summary>
internal sealed class OwnRequests(Worker worker)
{
    private readonly long[] _byApp = new long[worker.DefaultApp.Id + 1];
    private long _count;
    private long _ticks;
    private long _bytes;

    public long Count => Volatile.Read(ref _count);

    public TimeSpan RunningTime => worker.Time.GetElapsedTime(0, Volatile.Read(ref _ticks));

    public long BytesSent => Volatile.Read(ref _bytes);

    public long CountFor(AppCounters app) => Volatile.Read(ref _byApp[app.Id]);

    /// <summary>Counts a request once its response is complete, while it is still in its core: callbacks run in reverse order.</summary>
    public void Note(HttpContext context)
    {
        if (Core.Of(context) is { } core)
        {
            // A mount counts its requests when they begin, the host's own pipeline when they end.
            var mount = core.App;
            if (mount is not null)
            {
                Interlocked.Increment(ref _byApp[mount.Id]);
            }

            context.Response.OnCompleted(() =>
            {
                Add(core, hasMount: mount is not null);
                return Task.CompletedTask;
            });
        }
    }

    private void Add(Core core, bool hasMount)
    {
        Interlocked.Increment(ref _count);
        if (!hasMount)
        {
            Interlocked.Increment(ref _byApp[(core.App ?? worker.DefaultApp).Id]);
        }

        Interlocked.Add(ref _ticks, worker.Time.GetTimestamp() - core.StartTimestamp);
        if (core.Counters is { } counters)
        {
            Interlocked.Add(ref _bytes, counters.HeadBytesSent + counters.BodyBytesSent);
        }
    }
}
