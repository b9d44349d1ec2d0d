using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Uwsgi.AspNetCore.Diagnostics;
using Uwsgi.AspNetCore.Workers;

namespace Uwsgi.AspNetCore.Harakiri;

/// <summary>Stops the host when the process has reached a limit of its life, for a supervisor to start it again.</summary>
internal sealed partial class WorkerRecycler : IRequestObserver
{
    private const long Megabyte = 1024 * 1024;
    private const double Jitter = 0.1;

    private readonly ProcessControl _process;
    private readonly IHostApplicationLifetime _lifetime;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly long? _maxRequests;
    private readonly TimeSpan? _maxLifetime;
    private readonly long? _maxBytes;
    private readonly long _started;
    private readonly long _interval;
    private long _requests;
    private long _nextCheck;
    private int _isRecycling;

    public WorkerRecycler(
        IOptions<UwsgiOptions> options, ProcessControl process, IHostApplicationLifetime lifetime, ILoggerFactory loggerFactory, TimeProvider? time = null, Random? random = null)
    {
        _process = process;
        _lifetime = lifetime;
        _time = time ?? TimeProvider.System;
        _logger = loggerFactory.CreateLogger("Uwsgi.AspNetCore");
        random ??= Random.Shared;
        var value = options.Value;
        _maxRequests = value.MaxRequests is { } requests ? Spread(requests) : null;
        _maxLifetime = value.MaxWorkerLifetime is { } lifetimeLimit ? lifetimeLimit * (1 + (random.NextDouble() * Jitter)) : null;
        _maxBytes = value.ReloadOnRss is { } megabytes ? Spread(megabytes * Megabyte) : null;
        _started = _time.GetTimestamp();
        _interval = _time.TimestampFrequency;

        long Spread(long limit) => limit + (long)(limit * Jitter * random.NextDouble());
    }

    public bool IsEnabled => _maxRequests is not null || NeedsSweeps;

    /// <summary>Gets whether a limit can be reached while no request ends.</summary>
    public bool NeedsSweeps => _maxLifetime is not null || _maxBytes is not null;

    public void RequestEnded(Core core, TimeSpan elapsed)
    {
        if (_maxRequests is { } limit && Interlocked.Increment(ref _requests) is var requests && requests >= limit)
        {
            Recycle($"it has served {requests} requests (option MaxRequests)");
        }

        Check();
    }

    /// <summary>Looks at the limits that do not depend on requests, at most once a second.</summary>
    public void Check()
    {
        if (!NeedsSweeps || _isRecycling != 0)
        {
            return;
        }

        var now = _time.GetTimestamp();
        var next = Volatile.Read(ref _nextCheck);
        if (now < next || Interlocked.CompareExchange(ref _nextCheck, now + _interval, next) != next)
        {
            return;
        }

        if (_maxLifetime is { } lifetime && _time.GetElapsedTime(_started, now) is var age && age >= lifetime)
        {
            Recycle($"it has been running for {(long)age.TotalSeconds} s (option MaxWorkerLifetime)");
        }
        else if (_maxBytes is { } bytes && _process.ResidentBytes is var resident && resident >= bytes)
        {
            Recycle($"it occupies {resident / Megabyte} MB of memory (option ReloadOnRss)");
        }
    }

    // On a thread of its own: callers are a request's end, which must not wait for the stop it causes, and the watchdog.
    private void Recycle(string reason)
    {
        if (Interlocked.Exchange(ref _isRecycling, 1) != 0)
        {
            return;
        }

        _process.SetExitCode(UwsgiExitCodes.Recycle);
        new Thread(() =>
        {
            Log.Recycling(_logger, reason, UwsgiExitCodes.Recycle);
            _lifetime.StopApplication();
        })
        {
            IsBackground = true,
            Name = "uwsgi-recycle",
        }.UnsafeStart();
    }

    private static partial class Log
    {
        [LoggerMessage(EventIds.Recycling, LogLevel.Information, "The process is to be started again: {Reason}. The host finishes its requests and stops with exit code {ExitCode}.", EventName = nameof(Recycling))]
        public static partial void Recycling(ILogger logger, string reason, int exitCode);
    }
}
