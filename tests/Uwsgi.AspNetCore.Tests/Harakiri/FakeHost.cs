using System.Diagnostics.Metrics;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Uwsgi.AspNetCore.Harakiri;
using Uwsgi.AspNetCore.Testing;
using Uwsgi.AspNetCore.Workers;

namespace Uwsgi.AspNetCore.Tests.Harakiri;

/// <summary>A watchdog without a thread, on a clock that a test moves, and the process it may stop.</summary>
internal sealed class FakeHost : ProcessControl, IHostApplicationLifetime, IDisposable
{
    private readonly TaskCompletionSource _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();

    public FakeHost(UwsgiOptions options, Random? random = null)
    {
        var wrapped = Options.Create(options);
        Recycler = new WorkerRecycler(wrapped, this, this, Logs.CreateFactory(), Time, random);
        Worker = new Worker(wrapped, [Recycler], Time);
        Watchdog = new HarakiriWatchdog(
            Worker, wrapped, Options.Create(new HostOptions { ShutdownTimeout = TimeSpan.FromSeconds(30) }), Recycler, this, this,
            _services.GetRequiredService<IMeterFactory>(), Logs.CreateFactory())
        {
            HasThread = false,
            IsWatching = true,
            IsDebugging = static () => false,
        };
    }

    public ManualTimeProvider Time { get; } = new();

    public LogSink Logs { get; } = new();

    public WorkerRecycler Recycler { get; }

    public Worker Worker { get; }

    public HarakiriWatchdog Watchdog { get; }

    public int? ExitCode { get; private set; }

    public int? ForcedExit { get; private set; }

    public long Resident { get; set; }

    public Task Stopped => _stopped.Task;

    public override long ResidentBytes => Resident;

    public CancellationToken ApplicationStarted => default;

    public CancellationToken ApplicationStopping => default;

    public CancellationToken ApplicationStopped => default;

    public override void SetExitCode(int code) => ExitCode = code;

    public override void Exit(int code) => ForcedExit = code;

    public void StopApplication() => _stopped.TrySetResult();

    public Core Enter(FakeRequest request)
    {
        var context = new DefaultHttpContext();
        context.Features.Set<IHttpRequestFeature>(request);
        context.Features.Set<IHttpRequestLifetimeFeature>(new HttpRequestLifetimeFeature());
        return Worker.Enter(context);
    }

    public void SweepAfter(double seconds)
    {
        Time.Advance(TimeSpan.FromSeconds(seconds));
        Watchdog.Sweep();
    }

    public void Dispose()
    {
        Watchdog.Dispose();
        _services.Dispose();
    }
}

/// <summary>A request that notes what the watchdog does to it.</summary>
internal sealed class FakeRequest : HttpRequestFeature, ITakeover
{
    public int Taken { get; private set; }

    public int Closed { get; private set; }

    public int Forfeited { get; private set; }

    public Action? Take(bool isStarted)
    {
        Taken++;
        return () => Closed++;
    }

    public void Forfeit() => Forfeited++;
}
