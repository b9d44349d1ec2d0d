using System.Runtime.ExceptionServices;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Options;
using Uwsgi.AspNetCore.Harakiri;
using Uwsgi.AspNetCore.Mounts;

namespace Uwsgi.AspNetCore.Workers;

/// <summary>The process in uWSGI's words: a worker, with one core for each request that is in it at the same time.</summary>
/// <remarks>
/// Cores are made as they are needed and never go away, so their number is the most requests that ever ran at once. Free ones form a
/// stack: the core with the warmest memory comes first, and the numbers in use stay small. Counters live in the cores, where they need no
/// locks, and are added up when somebody asks.
/// </remarks>
internal sealed class Worker
{
    private readonly Lock _growth = new();
    private readonly TimeProvider _time;
    private readonly IRequestObserver[] _observers;
    private Core[] _cores = [];
    private long _free;
    private long _averageTicks;

    public Worker(IOptions<UwsgiOptions> options, IEnumerable<IRequestObserver> observers, TimeProvider? time = null, IEnumerable<UwsgiApp>? apps = null)
    {
        _time = time ?? TimeProvider.System;
        StartedAt = _time.GetUtcNow();
        _observers = [.. observers.Where(static observer => observer.IsEnabled)];
        var mounts = options.Value.Mounts;
        AppCounters[] mounted = [.. mounts.Keys.Select(static (key, index) => new AppCounters(index, key))];
        DynamicApps = options.Value.DynamicApps ? [.. (apps ?? []).Select((app, index) => new AppCounters(mounted.Length + index, app.Name))] : [];
        DefaultApp = new AppCounters(mounted.Length + DynamicApps.Count, string.Empty);
        Apps = mounts.Count > 0 && options.Value.NoDefaultApp ? [.. mounted, .. DynamicApps] : [.. mounted, .. DynamicApps, DefaultApp];
    }

    public TimeProvider Time => _time;

    /// <summary>Gets or sets what watches the time limits of requests; null where nothing does.</summary>
    public HarakiriWatchdog? Watchdog { get; set; }

    /// <summary>Gets how many requests have come to their time limit.</summary>
    public long HarakiriCount
    {
        get
        {
            var count = 0L;
            foreach (var core in Cores)
            {
                count += core.Harakiris;
            }

            return count;
        }
    }

    /// <summary>Gets whether somebody wants to know about every request that has ended.</summary>
    public bool HasObservers => _observers.Length > 0;

    public DateTimeOffset StartedAt { get; }

    /// <summary>Gets the counters of the host's own pipeline.</summary>
    public AppCounters DefaultApp { get; }

    /// <summary>Gets the counters of the applications that the web server may name; empty unless <see cref="UwsgiOptions.DynamicApps"/> is on.</summary>
    public IReadOnlyList<AppCounters> DynamicApps { get; }

    /// <summary>Gets the counters of the mounts in their order, of the dynamic apps, and of the host's own pipeline if it can be reached.</summary>
    public IReadOnlyList<AppCounters> Apps { get; }

    /// <summary>Gets all cores, busy or not.</summary>
    public ReadOnlySpan<Core> Cores => Volatile.Read(ref _cores);

    /// <summary>Gets how many requests that were taken from the application are still running in it.</summary>
    public int StuckCount => Watchdog?.Stuck ?? 0;

    /// <summary>Gets uWSGI's average response time: after each request the mean of the old value and the request's own time.</summary>
    public TimeSpan AverageTime => _time.GetElapsedTime(0, Volatile.Read(ref _averageTicks));

    /// <summary>Puts a request into a free core.</summary>
    public Core Enter(HttpContext context)
    {
        var core = Rent();
        core.Begin(context, _time.GetTimestamp());
        return core;
    }

    /// <summary>Takes the request out of its core again.</summary>
    public void Leave(Core core)
    {
        var ticks = _time.GetTimestamp() - core.StartTimestamp;
        if (!core.IsStatic)
        {
            // As coarse as uWSGI's: two requests that end together may count as one.
            Volatile.Write(ref _averageTicks, (Volatile.Read(ref _averageTicks) + ticks) / 2);
        }

        core.Complete();
        ExceptionDispatchInfo? failure = null;
        foreach (var observer in _observers)
        {
            try
            {
                observer.RequestEnded(core, _time.GetElapsedTime(0, ticks));
            }
            catch (Exception error)
            {
                // A logger that throws keeps nobody else from counting the request, and the core is not lost.
                failure = ExceptionDispatchInfo.Capture(error);
            }
        }

        core.End(ticks);
        Return(core);
        failure?.Throw();
    }

    private Core Rent()
    {
        while (true)
        {
            var head = Volatile.Read(ref _free);
            if (head << 32 == 0)
            {
                return Add();
            }

            // The upper half counts the changes, so that a core which has come back meanwhile is not mistaken for the one that was seen.
            var core = _cores[(uint)head - 1];
            var next = (((head >>> 32) + 1) << 32) | (uint)core.NextFree;
            if (Interlocked.CompareExchange(ref _free, next, head) == head)
            {
                return core;
            }
        }
    }

    private void Return(Core core)
    {
        while (true)
        {
            var head = Volatile.Read(ref _free);
            core.NextFree = (int)head;
            var next = (((head >>> 32) + 1) << 32) | (uint)(core.Id + 1);
            if (Interlocked.CompareExchange(ref _free, next, head) == head)
            {
                return;
            }
        }
    }

    private Core Add()
    {
        lock (_growth)
        {
            var core = new Core(this, _cores.Length);
            Volatile.Write(ref _cores, [.. _cores, core]);
            return core;
        }
    }
}
