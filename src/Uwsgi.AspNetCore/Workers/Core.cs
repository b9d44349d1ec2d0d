using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Uwsgi.AspNetCore.Diagnostics;

namespace Uwsgi.AspNetCore.Workers;

/// <summary>The place of one request in the worker, and the counters of all that were in it.</summary>
/// <remarks>
/// Written by the request that is in it; read by others at any time. Who reads from outside compares <see cref="Sequence"/> before and after:
/// it is odd while a request is inside and changes with each one, so what was read belongs to one request or is thrown away.
/// The request's objects may be in use meanwhile, and reading them may fail; that is the reader's to catch.
/// </remarks>
internal sealed partial class Core(Worker worker, int id)
{
    private HttpCounters? _httpCounters;
    private int _sequence;
    private bool _hasNoApp;

    public int Id { get; } = id;

    /// <summary>Gets or sets the next core in the worker's stack of free ones: its number plus one, or 0.</summary>
    public int NextFree { get; set; }

    /// <summary>Gets a number that is odd while a request is inside.</summary>
    public int Sequence => Volatile.Read(ref _sequence);

    public bool IsBusy => (Sequence & 1) != 0;

    public long StartTimestamp { get; private set; }

    /// <summary>Gets the server's own features of the request, which middleware does not replace; null while the core is free.</summary>
    public IHttpRequestFeature? Request { get; private set; }

    public IHttpResponseFeature? Response { get; private set; }

    public IHttpConnectionFeature? Connection { get; private set; }

    public IHttpRequestIdentifierFeature? Identifier { get; private set; }

    /// <summary>Gets what the request has moved so far.</summary>
    public IRequestCounters? Counters { get; private set; }

    /// <summary>Gets the application that took the request; null while nobody has, and for static files.</summary>
    public AppCounters? App { get; private set; }

    /// <summary>Gets the number of the request among those of its application.</summary>
    public long AppRequest { get; private set; }

    /// <summary>Gets whether the request is answered with a static file.</summary>
    public bool IsStatic { get; private set; }

    /// <summary>Gets whether the web server was asked to send the file that answers the request.</summary>
    public bool IsOffloaded { get; private set; }

    public long Requests { get; private set; }

    public long StaticRequests { get; private set; }

    /// <summary>Gets the requests whose file the web server was asked to send.</summary>
    public long OffloadedRequests { get; private set; }

    public long ReadErrors { get; private set; }

    public long WriteErrors { get; private set; }

    public long Exceptions { get; private set; }

    public long BytesSent { get; private set; }

    /// <summary>Gets the time spent in requests, static files excluded, in ticks of the worker's clock.</summary>
    public long RunningTicks { get; private set; }

    /// <summary>Gets the core a request is in; null where nothing watches requests.</summary>
    public static Core? Of(HttpContext context) => context.Features.Get<IHarakiriFeature>() as Core;

    public void Begin(HttpContext context, long timestamp)
    {
        var features = context.Features;
        StartTimestamp = timestamp;
        Request = features.GetRequiredFeature<IHttpRequestFeature>();
        Response = features.GetRequiredFeature<IHttpResponseFeature>();
        Connection = features.Get<IHttpConnectionFeature>();
        Identifier = features.Get<IHttpRequestIdentifierFeature>();
        Counters = Request as IRequestCounters ?? (_httpCounters = HttpCounters.Attach(features));
        features.Set<IHarakiriFeature>(this);
        Volatile.Write(ref _sequence, _sequence + 1);
        BeginHarakiri(features);
        context.Response.OnCompleted(
            static state =>
            {
                ((Core)state).Leave();
                return Task.CompletedTask;
            },
            this);
    }

    /// <summary>Counts the request for the application that takes it.</summary>
    public void SelectApp(AppCounters app)
    {
        App = app;
        AppRequest = app.CountRequest();
    }

    /// <summary>Counts the request for the application that takes it, and keeps the time limit of its mount.</summary>
    public void SelectApp(AppCounters app, TimeSpan? harakiri)
    {
        MountTimeout = harakiri;
        SelectApp(app);
    }

    /// <summary>Takes note whether the request is answered with a file, and by nobody else.</summary>
    public void NoteStatic(bool isStatic = true) => IsStatic = isStatic;

    /// <summary>Takes note that the web server was asked to send a file.</summary>
    public void NoteOffloaded()
    {
        IsOffloaded = true;
        OffloadedRequests++;
    }

    /// <summary>Takes note that the application failed.</summary>
    public void NoteException()
    {
        Exceptions++;
        (App ?? worker.DefaultApp).CountException();
    }

    /// <summary>Takes note that the request belongs to no application.</summary>
    public void NoteNoApp() => _hasNoApp = true;

    /// <summary>Completes what observers of the request's end want to see.</summary>
    public void Complete()
    {
        if (App is null && !IsStatic && !_hasNoApp)
        {
            SelectApp(worker.DefaultApp);
        }
    }

    public void End(long ticks)
    {
        Requests++;
        if (IsStatic)
        {
            StaticRequests++;
        }
        else
        {
            RunningTicks += ticks;
        }

        if (Counters is { } counters)
        {
            BytesSent += counters.HeadBytesSent + counters.BodyBytesSent;
            ReadErrors += counters.HasReadFailed ? 1 : 0;
            WriteErrors += counters.HasWriteFailed ? 1 : 0;
        }

        Volatile.Write(ref _sequence, _sequence + 1);
        EndHarakiri();
        EndRequestLog();
        _httpCounters?.Detach();
        _httpCounters = null;
        Request = null;
        Response = null;
        Connection = null;
        Identifier = null;
        Counters = null;
        App = null;
        AppRequest = 0;
        IsStatic = false;
        IsOffloaded = false;
        _hasNoApp = false;
    }

    private void Leave() => worker.Leave(this);
}
