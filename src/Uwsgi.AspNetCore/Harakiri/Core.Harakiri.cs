using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Uwsgi.AspNetCore.Harakiri;

namespace Uwsgi.AspNetCore.Workers;

/// <remarks>
/// The time limit of the request. The first of these that was set counts: by code, by the endpoint, by the mount, by the options. The core is
/// the endpoint feature, too, so that an endpoint's limit holds as soon as it is chosen.
/// </remarks>
internal sealed partial class Core : IHarakiriFeature, IEndpointFeature
{
    private WatchState _watch;
    private IFeatureCollection? _features;
    private ITakeover? _takeover;
    private Endpoint? _endpoint;
    private IHarakiriMetadata? _endpointLimit;
    private TimeSpan? _codeTimeout;
    private bool _hasCodeTimeout;
    private TimeSpan? _timeout;
    private bool _isPrepared;
    private long _deadline;
    private long _harakiris;

    TimeSpan? IHarakiriFeature.Timeout
    {
        get => _timeout;
        set
        {
            if (value is { } timeout)
            {
                HarakiriLimits.ThrowIfInvalid(timeout, nameof(value));
            }

            if (!IsBusy)
            {
                throw new ObjectDisposedException(nameof(HttpContext), "The request is over.");
            }

            _codeTimeout = value;
            _hasCodeTimeout = true;
            Prepare();
            SetTimeout();
        }
    }

    TimeSpan IHarakiriFeature.Elapsed => worker.Time.GetElapsedTime(StartTimestamp);

    Endpoint? IEndpointFeature.Endpoint
    {
        get => _endpoint;
        set
        {
            // An error page that takes over, or no endpoint on the way to it, leaves the limit that the request has been running under.
            _endpoint = value;
            if (value?.Metadata.GetMetadata<IHarakiriMetadata>() is { } limit && !ReferenceEquals(limit, _endpointLimit))
            {
                _endpointLimit = limit;
                SetTimeout();
            }
        }
    }

    /// <summary>Gets or sets the time limit of the mount that took the request; null leaves that of the options.</summary>
    public TimeSpan? MountTimeout
    {
        get;
        set
        {
            if (field != value)
            {
                field = value;
                SetTimeout();
            }
        }
    }

    /// <summary>Gets the requests of this core that have come to their deadline.</summary>
    public long Harakiris => Volatile.Read(ref _harakiris);

    public HarakiriLifetime Lifetime { get; } = new();

    /// <summary>Gets the state for the watchdog, to be given back to <see cref="TryMark"/>.</summary>
    public long WatchValue => _watch.Value;

    /// <summary>Gets when the time is up, on the worker's clock; 0 for never.</summary>
    public long Deadline => Volatile.Read(ref _deadline);

    /// <summary>Gets or sets when the request was cancelled; the watchdog's own note.</summary>
    public long CancelledAt { get; set; }

    /// <summary>Gets whether the request's time is up.</summary>
    public bool IsOverdue => WatchState.Has(WatchValue, WatchFlags.Cancelled);

    /// <summary>Gets whether the request was taken from the application.</summary>
    public bool IsTaken => WatchState.Has(WatchValue, WatchFlags.Taken);

    /// <summary>Gets whether the request is one that lasts by its nature, and whose endpoint has no limit of its own.</summary>
    public bool IsExempt
    {
        get
        {
            if (_hasCodeTimeout || _endpointLimit is not null || Request is not { } request || Response is not { } response)
            {
                return false;
            }

            if (HttpMethods.IsConnect(request.Method))
            {
                return true;
            }

            return response.HasStarted
                && (response.StatusCode == StatusCodes.Status101SwitchingProtocols
                    || response.Headers.ContentType.ToString().StartsWith("text/event-stream", StringComparison.OrdinalIgnoreCase));
        }
    }

    /// <summary>Adds a flag if the state has not changed since it was looked at.</summary>
    public bool TryMark(long seen, WatchFlags flag) => _watch.TryMark(seen, flag);

    public void CountHarakiri() => Volatile.Write(ref _harakiris, _harakiris + 1);

    /// <summary>Makes what takes the request from the application; for the watchdog, before it marks the request as taken.</summary>
    public ITakeover PrepareTakeover() =>
        _takeover = Request as ITakeover ?? new HttpTakeover(
            _features!, Lifetime.Server, Request!, Response!, _httpCounters!, worker.Watchdog!.Side);

    /// <summary>Keeps the watchdog from answering because the application is about to. False when it is too late for that.</summary>
    public bool TryStart() => !WatchState.Has(WatchValue, WatchFlags.Inside) || _watch.TryStart();

    /// <summary>Describes the request for who may do something about it.</summary>
    public HarakiriContext Describe(HarakiriStage stage, int stuck)
    {
        var counters = Counters;
        return new HarakiriContext
        {
            Stage = stage,
            Method = Request!.Method,
            Target = Request.RawTarget,
            Mount = App?.MountPoint ?? string.Empty,
            RemoteAddress = Connection?.RemoteIpAddress,
            TraceIdentifier = Identifier?.TraceIdentifier ?? string.Empty,
            Elapsed = worker.Time.GetElapsedTime(StartTimestamp),
            Timeout = _timeout ?? TimeSpan.Zero,
            BytesReceived = counters?.BytesReceived ?? 0,
            BytesSent = (counters?.HeadBytesSent ?? 0) + (counters?.BodyBytesSent ?? 0),
            Stuck = stuck,
        };
    }

    private void BeginHarakiri(IFeatureCollection features)
    {
        _watch.Begin();
        _features = features;
        if (worker.Watchdog is { IsWatching: true })
        {
            Prepare();
            if (features.Get<IEndpointFeature>() is { Endpoint: { } endpoint })
            {
                ((IEndpointFeature)this).Endpoint = endpoint;
            }

            features.Set<IEndpointFeature>(this);
            SetTimeout();
        }
    }

    // Puts in place what it takes to end the request from outside.
    private void Prepare()
    {
        if (_isPrepared || _features is not { } features || worker.Watchdog is null)
        {
            return;
        }

        _isPrepared = true;
        Lifetime.Begin(features.GetRequiredFeature<IHttpRequestLifetimeFeature>(), WatchValue);
        features.Set<IHttpRequestLifetimeFeature>(Lifetime);
        if (Request is ITakeover)
        {
            return;
        }

        // Elsewhere it is found out here who answers.
        if (Response!.HasStarted)
        {
            _watch.TryStart();
        }
        else
        {
            Response.OnStarting(static core => ((Core)core).StartResponse(), this);
        }
    }

    private Task StartResponse()
    {
        if (!TryStart() && _takeover is not HttpTakeover { IsAnswering: true })
        {
            // From here on the server discards what the application writes.
            Lifetime.Server.Abort();
        }

        return Task.CompletedTask;
    }

    private void SetTimeout()
    {
        _timeout = _hasCodeTimeout ? _codeTimeout : _endpointLimit is { } endpoint ? endpoint.Timeout : MountTimeout ?? worker.Watchdog?.DefaultTimeout;
        if (worker.Watchdog is not { } watchdog || !_isPrepared || (_timeout is null && _deadline == 0))
        {
            return;
        }

        // With a fence, for Arm to rely on; and never 0, which means none.
        Interlocked.Exchange(ref _deadline, _timeout is { } timeout ? (StartTimestamp + watchdog.ToTicks(timeout)) | 1 : 0);
        if (_timeout is not null)
        {
            watchdog.Arm();
        }
    }

    private void EndHarakiri()
    {
        var flags = _watch.End();
        if ((flags & WatchFlags.Taken) != WatchFlags.None)
        {
            _takeover!.Forfeit();
            worker.Watchdog!.NoteReleased();
        }
        else if ((flags & WatchFlags.Cancelled) != WatchFlags.None)
        {
            worker.Watchdog!.ReportEnded(this);
        }

        if (_isPrepared)
        {
            Lifetime.End();
            _isPrepared = false;
        }

        _deadline = 0;
        _features = null;
        _takeover = null;
        _endpoint = null;
        _endpointLimit = null;
        _codeTimeout = null;
        _hasCodeTimeout = false;
        MountTimeout = null;
        _timeout = null;
    }
}
