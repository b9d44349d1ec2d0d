using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Uwsgi.AspNetCore.Workers;

namespace Uwsgi.AspNetCore.Harakiri;

/// <summary>Looks at all requests a few times a second, and ends those that take too long.</summary>
/// <remarks>
/// It has a thread of its own, since the thread pool may be what hangs, and nothing on it may block: what runs code of the application, or
/// might wait for it, goes to <see cref="SideThreads"/>. The thread starts with the first deadline and sleeps while there is none.
/// </remarks>
internal sealed partial class HarakiriWatchdog : IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan SlowInterval = TimeSpan.FromSeconds(1);

    // How long an answer, or what was sent of a response, has to leave before its connection is closed behind it; more where the thread pool, on
    // which transports send, does not get to it.
    private static readonly TimeSpan Lingering = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan StarvedLingering = TimeSpan.FromSeconds(5);

    private const int SweepsBeforeSleep = 8;

    private readonly Worker _worker;
    private readonly UwsgiOptions _options;
    private readonly WorkerRecycler _recycler;
    private readonly ProcessControl _process;
    private readonly IHostApplicationLifetime _lifetime;
    private readonly TimeSpan _shutdownTimeout;
    private readonly ILogger _logger;
    private readonly HarakiriMetrics _metrics;
    private readonly SideThreads _side = new();
    private readonly AutoResetEvent _wake = new(false);
    private readonly Lock _startLock = new();
    private readonly List<(Action Close, long Since, PoolProbe Probe)> _closing = [];
    private readonly long _grace;
    private readonly long _lingering;
    private readonly long _starvedLingering;
    private Thread? _thread;
    private int _isAsleep = 1;
    private int _stuck;
    private volatile bool _isDisposed;

    public HarakiriWatchdog(
        Worker worker,
        IOptions<UwsgiOptions> options,
        IOptions<HostOptions> host,
        WorkerRecycler recycler,
        ProcessControl process,
        IHostApplicationLifetime lifetime,
        IMeterFactory meterFactory,
        ILoggerFactory loggerFactory)
    {
        _worker = worker;
        _options = options.Value;
        _recycler = recycler;
        _process = process;
        _lifetime = lifetime;
        _shutdownTimeout = host.Value.ShutdownTimeout;
        _logger = loggerFactory.CreateLogger("Uwsgi.AspNetCore.Requests");
        _metrics = new HarakiriMetrics(meterFactory, () => Stuck);
        _grace = ToTicks(_options.HarakiriGrace);
        _lingering = ToTicks(Lingering);
        _starvedLingering = ToTicks(StarvedLingering);
        worker.Watchdog = this;
    }

    /// <summary>Gets or sets whether requests are prepared from their start: an option, a mount or an endpoint has a time limit.</summary>
    public bool IsWatching { get; set; }

    /// <summary>Gets or sets whether the thread is started by the first deadline; tests sweep themselves.</summary>
    public bool HasThread { get; set; } = true;

    /// <summary>Gets or sets what tells that somebody is debugging, which takes its time.</summary>
    public Func<bool> IsDebugging { get; set; } = static () => Debugger.IsAttached;

    public TimeSpan? DefaultTimeout => _options.Harakiri;

    /// <summary>Gets how many requests were taken from the application and still run in it.</summary>
    public int Stuck => Volatile.Read(ref _stuck);

    /// <summary>Gets what runs code that may block.</summary>
    public SideThreads Side => _side;

    public long ToTicks(TimeSpan time) => (long)(time.TotalSeconds * _worker.Time.TimestampFrequency);

    /// <summary>Sees to it that somebody looks at a deadline that was just set.</summary>
    public void Arm()
    {
        // The deadline was written with a full fence, and the watchdog looks once more behind this flag before it sleeps.
        if (Volatile.Read(ref _isAsleep) != 0)
        {
            Wake();
        }
    }

    /// <summary>Starts the thread without a deadline, for the limits of the process.</summary>
    public void Wake()
    {
        if (!HasThread || Interlocked.Exchange(ref _isAsleep, 0) == 0)
        {
            return;
        }

        lock (_startLock)
        {
            if (_isDisposed)
            {
                return;
            }

            if (_thread is null)
            {
                _thread = new Thread(Run) { IsBackground = true, Name = "uwsgi-harakiri" };
                _thread.UnsafeStart();
            }
            else
            {
                _wake.Set();
            }
        }
    }

    /// <summary>Takes note that a request which was taken has ended after all.</summary>
    public void NoteReleased() => Interlocked.Decrement(ref _stuck);

    /// <summary>Reports a request that was cancelled, and ended within its grace.</summary>
    public void ReportEnded(Core core)
    {
        if (Describe(core, HarakiriStage.Cancelled) is { } context)
        {
            LogHarakiri(core.Id, context);
        }
    }

    /// <summary>Looks at every request once. One thread at a time.</summary>
    /// <returns>Whether there is anything to look at again.</returns>
    public bool Sweep()
    {
        var now = _worker.Time.GetTimestamp();
        var hasWork = false;
        var busy = 0;
        if (!IsDebugging())
        {
            foreach (var core in _worker.Cores)
            {
                busy += core.IsBusy ? 1 : 0;
                try
                {
                    hasWork |= Look(core, now);
                }
                catch (Exception error)
                {
                    // One request that cannot be ended must not keep the others from it.
                    ReportFailure(error);
                }
            }
        }

        CloseLingering(now);
        CheckStuck(now);
        CheckStopping(now, busy);
        _recycler.Check();
        _side.Start();
        return hasWork || Stuck > 0 || _closing.Count > 0 || _exitAt != 0;
    }

    public void Dispose()
    {
        lock (_startLock)
        {
            _isDisposed = true;
        }

        _wake.Set();
    }

    private bool Look(Core core, long now)
    {
        var seen = core.WatchValue;
        if (!WatchState.Has(seen, WatchFlags.Inside) || WatchState.Has(seen, WatchFlags.Taken))
        {
            return false;
        }

        var deadline = core.Deadline;
        if (WatchState.Has(seen, WatchFlags.Cancelled))
        {
            // The limit may have been lifted meanwhile: an endpoint chosen late, or code that needs longer.
            if (deadline != 0 && deadline <= now && now - core.CancelledAt >= _grace)
            {
                Take(core, seen, now);
            }

            return true;
        }

        if (deadline != 0 && deadline <= now && !IsExempt(core))
        {
            Cancel(core, seen, now);
        }

        return deadline != 0;
    }

    private static bool IsExempt(Core core) => Try(() => core.IsExempt ? null : core) is null;

    private void Cancel(Core core, long seen, long now)
    {
        var context = Describe(core, HarakiriStage.Cancelled);
        core.CancelledAt = now;
        if (!core.TryMark(seen, WatchFlags.Cancelled))
        {
            return;
        }

        core.CountHarakiri();
        if (core.Lifetime.Cancel(seen) is { } source)
        {
            _side.Add(() => CancelToken(source));
        }

        if (context is not null)
        {
            _side.Add(() =>
            {
                _metrics.Count(HarakiriStage.Cancelled);
                Log.HarakiriCancelled(
                    _logger, PrintableText.Of(context.Method), PrintableText.Of(context.Target), (long)context.Timeout.TotalMilliseconds, PrintableText.Of(context.TraceIdentifier));
                Call(context);
            });
        }
    }

    private void Take(Core core, long seen, long now)
    {
        var context = Describe(core, HarakiriStage.Taken, Stuck + 1);
        if (Try(core.PrepareTakeover) is not { } takeover || !core.TryMark(seen, WatchFlags.Taken))
        {
            return;
        }

        var stuck = Interlocked.Increment(ref _stuck);
        if (takeover.Take(WatchState.Has(seen, WatchFlags.Started)) is { } close)
        {
            // Behind whatever the transport has to do for the bytes that were written so far.
            _closing.Add((close, now, PoolProbe.Start()));
        }

        if (context is null)
        {
            return;
        }

        _side.Add(() =>
        {
            _metrics.Count(HarakiriStage.Taken);
            LogHarakiri(core.Id, context);
            Call(context);
        });
        if (stuck > _options.HarakiriMaxStuck && !_hasCrossed && Describe(core, HarakiriStage.Stuck, stuck) is { } last)
        {
            _side.Add(() =>
            {
                _metrics.Count(HarakiriStage.Stuck);
                Call(last);
            });
        }
    }

    private void CloseLingering(long now)
    {
        for (var i = _closing.Count - 1; i >= 0; i--)
        {
            var (close, since, probe) = _closing[i];
            if (now - since >= (probe.HasRun ? _lingering : _starvedLingering))
            {
                _closing.RemoveAt(i);
                try
                {
                    close();
                }
                catch (Exception error)
                {
                    ReportFailure(error);
                }
            }
        }
    }

    [SuppressMessage("Design", "CA1031", Justification = "The watchdog must go on, whatever happens in a sweep.")]
    private void Run()
    {
        var quiet = 0;
        while (true)
        {
            var hasWork = true;
            try
            {
                hasWork = Sweep();
            }
            catch (Exception error)
            {
                ReportFailure(error);
            }

            // A host that is gone has no requests; a process that was told to end still has to.
            if (_isDisposed && _exitAt == 0)
            {
                return;
            }

            quiet = hasWork ? 0 : quiet + 1;
            if (quiet < SweepsBeforeSleep)
            {
                _wake.WaitOne(Interval);
                continue;
            }

            Interlocked.Exchange(ref _isAsleep, 1);
            if (HasDeadline())
            {
                Volatile.Write(ref _isAsleep, 0);
            }
            else
            {
                _wake.WaitOne(_recycler.NeedsSweeps ? SlowInterval : Timeout.InfiniteTimeSpan);
                Volatile.Write(ref _isAsleep, 0);
            }
        }
    }

    private void ReportFailure(Exception error) => _side.Add(() => Log.SweepFailed(_logger, error));

    private bool HasDeadline()
    {
        foreach (var core in _worker.Cores)
        {
            if (core.Deadline != 0)
            {
                return true;
            }
        }

        return false;
    }

    private HarakiriContext? Describe(Core core, HarakiriStage stage, int? stuck = null) => Try(() => core.Describe(stage, stuck ?? Stuck));

    // Null when the request ends while it is looked at: its objects are nobody's, or another's, by then. What is found out is used only if the
    // state has not changed meanwhile.
    [SuppressMessage("Design", "CA1031", Justification = "A request that ends meanwhile fails in any way.")]
    private static T? Try<T>(Func<T?> look)
        where T : class
    {
        try
        {
            return look();
        }
        catch (Exception)
        {
            return null;
        }
    }

    private void LogHarakiri(int core, HarakiriContext context) => Log.Harakiri(
        _logger,
        Environment.ProcessId,
        core,
        context.Stage,
        context.RemoteAddress,
        PrintableText.Of(context.Method),
        PrintableText.Of(context.Target),
        context.Mount,
        (long)context.Elapsed.TotalMilliseconds,
        (long)context.Timeout.TotalMilliseconds,
        PrintableText.Of(context.TraceIdentifier),
        context.BytesReceived,
        context.BytesSent,
        context.Stuck);

    [SuppressMessage("Design", "CA1031", Justification = "A callback's failure is logged; there is nobody to pass it to.")]
    private void Call(HarakiriContext context)
    {
        try
        {
            _options.OnHarakiri?.Invoke(context);
        }
        catch (Exception error)
        {
            Log.HarakiriCallbackFailed(_logger, error);
        }
    }

    [SuppressMessage("Design", "CA1031", Justification = "A callback's failure is logged; there is nobody to pass it to.")]
    private void CancelToken(CancellationTokenSource source)
    {
        try
        {
            source.Cancel();
        }
        catch (Exception error)
        {
            Log.CancellationCallbackFailed(_logger, error);
        }
    }
}
