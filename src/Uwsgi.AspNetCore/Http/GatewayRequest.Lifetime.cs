using System.Diagnostics.CodeAnalysis;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;

namespace Uwsgi.AspNetCore.Http;

internal partial class GatewayRequest : IHttpRequestLifetimeFeature
{
    private readonly Lock _abortLock = new();
    private CancellationTokenSource? _abortSource;
    private CancellationToken? _replacedToken;
    private CancellationTokenRegistration _closedRegistration;
    private bool _isTokenHandedOut;
    private bool _isAborted;
    private bool _isAbortBlocked;
    private bool _isConnectionLost;

    CancellationToken IHttpRequestLifetimeFeature.RequestAborted
    {
        get => _replacedToken ?? GetAbortToken();
        set => _replacedToken = value;
    }

    /// <summary>Gets whether the request was cut off: by the peer as far as is known, by the application or by a stopping server.</summary>
    public bool IsAborted => _isAborted || ((_isConnectionLost || Exchange.IsAborted) && !_isAbortBlocked);

    /// <summary>Finds out whether the connection has ended, be it before or after the response was complete.</summary>
    public bool IsConnectionLost
    {
        get
        {
            WatchConnection();
            return _isConnectionLost || _isAborted || Exchange.IsAborted;
        }
    }

    /// <summary>Gets whether the object may serve another request.</summary>
    public bool CanBeReused =>
        !_isTaken && !_isAborted && Volatile.Read(ref _pendingStarts) == 0 && !IsUpgraded && _applicationError is null && _pendingFlush is null && _bodyReader?.IsWaiting != true;

    void IHttpRequestLifetimeFeature.Abort()
    {
        Log.ApplicationAborted(_logger, Exchange.Connection.ConnectionId, ((IHttpRequestIdentifierFeature)this).TraceIdentifier);
        Abort(new ConnectionAbortedException("The connection was aborted by the application."));
    }

    /// <summary>Watches from now on for the peer's going, because the application takes its time.</summary>
    public void WatchConnection() => Exchange.Watch();

    /// <summary>Ends the request and its exchange at once.</summary>
    public void Abort(ConnectionAbortedException reason)
    {
        Exchange.Abort(reason);
        CancelAbortToken();
    }

    /// <summary>Tells the application that the peer has given the request up.</summary>
    public void CancelByPeer() => CancelAbortToken();

    /// <summary>Takes note that a read has failed, which may be before the connection itself is known to have ended.</summary>
    public void NoteConnectionLost()
    {
        _isConnectionLost = true;
        CancelAbortToken();
    }

    /// <summary>From here on nothing that happens to the connection is the application's business any more.</summary>
    private void BlockAbort()
    {
        lock (_abortLock)
        {
            _isAbortBlocked = true;
        }
    }

    private CancellationToken GetAbortToken()
    {
        CancellationTokenSource source;
        var closed = Exchange.Closed;
        lock (_abortLock)
        {
            if (_isTokenHandedOut)
            {
                return _abortSource!.Token;
            }

            if (IsAborted)
            {
                return new CancellationToken(canceled: true);
            }

            // The source may be an earlier request's; that request's registration is gone.
            source = _abortSource ??= new CancellationTokenSource();
            _isTokenHandedOut = true;
        }

        // Outside the lock: the callback runs right here when the peer goes at this moment.
        _closedRegistration = closed.UnsafeRegister(static request => ((GatewayRequest)request!).CancelAbortToken(), this);
        return source.Token;
    }

    private void CancelAbortToken()
    {
        CancellationTokenSource? source;
        lock (_abortLock)
        {
            if (_isAborted || _isAbortBlocked)
            {
                return;
            }

            _isAborted = true;
            source = _abortSource;
        }

        if (source is not null)
        {
            // Callbacks are the application's code: never inline, never on a thread that holds a lock of ours.
            ThreadPool.UnsafeQueueUserWorkItem(Cancel, source, preferLocal: false);
        }
    }

    [SuppressMessage("Design", "CA1031", Justification = "A callback's failure is logged; there is nobody to pass it to.")]
    private void Cancel(CancellationTokenSource source)
    {
        try
        {
            source.Cancel();
        }
        catch (Exception error)
        {
            Log.AbortCallbackFailed(_logger, error);
        }
    }

    private void ResetLifetime()
    {
        // Dispose waits for a callback that is running, so that none can reach the next request.
        _closedRegistration.Dispose();
        _closedRegistration = default;
        // A cancellation may still be on its way through the thread pool.
        if (_isAborted || _abortSource?.TryReset() == false)
        {
            _abortSource = null;
        }

        _replacedToken = null;
        _isTokenHandedOut = false;
        _isAborted = false;
        _isAbortBlocked = false;
        _isConnectionLost = false;
    }
}
