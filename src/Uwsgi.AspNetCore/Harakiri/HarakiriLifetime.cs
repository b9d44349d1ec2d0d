using Microsoft.AspNetCore.Http.Features;

namespace Uwsgi.AspNetCore.Harakiri;

/// <summary>
/// <c>RequestAborted</c> with a second reason to fire: the server's own token would take the connection with it, and so the answer.
/// </summary>
/// <remarks>Nothing of the application runs under the lock.</remarks>
internal sealed class HarakiriLifetime : IHttpRequestLifetimeFeature
{
    private readonly Lock _lock = new();
    private IHttpRequestLifetimeFeature? _server;
    private CancellationTokenSource? _source;
    private CancellationTokenRegistration _registration;
    private CancellationToken? _replaced;
    private long _request;
    private bool _isHandedOut;
    private bool _isCancelled;

    CancellationToken IHttpRequestLifetimeFeature.RequestAborted
    {
        get => _replaced ?? GetToken();
        set => _replaced = value;
    }

    /// <summary>Gets the server's own feature.</summary>
    public IHttpRequestLifetimeFeature Server => _server ?? throw new ObjectDisposedException(nameof(Microsoft.AspNetCore.Http.HttpContext), "The request is over.");

    public void Abort() => Server.Abort();

    public void Begin(IHttpRequestLifetimeFeature server, long request)
    {
        lock (_lock)
        {
            _server = server;
            _request = request;
        }
    }

    /// <summary>Marks a request's token as cancelled.</summary>
    /// <returns>What to cancel, which runs the application's callbacks; null when nobody has the token, or the request is over.</returns>
    public CancellationTokenSource? Cancel(long request)
    {
        lock (_lock)
        {
            if (!WatchState.IsSameRequest(_request, request) || _server is null)
            {
                return null;
            }

            _isCancelled = true;
            return _isHandedOut ? _source : null;
        }
    }

    public void End()
    {
        lock (_lock)
        {
            if (_isHandedOut)
            {
                // Not Dispose, which would wait for the application's callbacks. Who has been called may still be at it.
                var wasRegistered = _registration != default;
                if ((wasRegistered && !_registration.Unregister()) || _isCancelled || !_source!.TryReset())
                {
                    _source = null;
                }
            }

            _server = null;
            _registration = default;
            _replaced = null;
            _isHandedOut = false;
            _isCancelled = false;
        }
    }

    private CancellationToken GetToken()
    {
        lock (_lock)
        {
            if (_isHandedOut)
            {
                return _source!.Token;
            }

            if (_isCancelled)
            {
                return new CancellationToken(canceled: true);
            }

            // Runs right here when the client has gone already; nobody has the token yet, so no callback of the application does.
            var source = _source ??= new CancellationTokenSource();
            _registration = Server.RequestAborted.UnsafeRegister(static source => ((CancellationTokenSource)source!).Cancel(), source);
            _isHandedOut = true;
            return source.Token;
        }
    }
}
