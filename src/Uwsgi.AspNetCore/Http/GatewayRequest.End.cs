using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

namespace Uwsgi.AspNetCore.Http;

/// <remarks>The response's end: what the application has left out, or an error in its place, and the end of the output.</remarks>
internal partial class GatewayRequest
{
    private bool IsRequestRead => _bodyReader is null ? _contentLength == 0 : _bodyReader.IsAtEnd;

    /// <summary>Sends what the application has left to be sent: the whole response, its end, or an error in its place.</summary>
    public async ValueTask FinishResponseAsync()
    {
        if (_isResponseFinished || IsUpgraded)
        {
            _isResponseFinished = true;
            return;
        }

        if (!HasResponseStarted && _applicationError is null && _onStarting is { Count: > 0 } callbacks)
        {
            await FireOnStartingAsync(callbacks);
        }

        if (IsAborted)
        {
            if (!HasResponseStarted)
            {
                _statusCode = (_applicationError as Microsoft.AspNetCore.Http.BadHttpRequestException)?.StatusCode
                    ?? (_isTaken ? StatusCodes.Status504GatewayTimeout : StatusCodes.Status499ClientClosedRequest);
            }

            return;
        }

        if (_applicationError is null && GetMissingBytes() is var missing and > 0)
        {
            ReportApplicationError(new InvalidOperationException(
                $"Response Content-Length mismatch: too few bytes written ({_declaredLength ?? EffectiveResponseHeaders.ContentLength} announced, {missing} missing)."));
        }

        if (_applicationError is { } error)
        {
            if (HasResponseStarted)
            {
                // Nothing else can tell the web server that the rest of the response is missing.
                Exchange.Abort(new ConnectionAbortedException("The application failed after the response had started.", error));
                return;
            }

            PrepareErrorResponse(error);
        }

        if (!HasResponseStarted)
        {
            try
            {
                CommitHead(isFinal: true);
            }
            catch (InvalidOperationException invalid)
            {
                ReportApplicationError(invalid);
                PrepareErrorResponse(invalid);
                CommitHead(isFinal: true);
            }
        }

        await EndResponseAsync(mayTakeLonger: _onCompleted is { Count: > 0 });
    }

    private async Task CompleteResponseAsync()
    {
        if (_isResponseFinished)
        {
            return;
        }

        if (!HasResponseStarted && _onStarting is { Count: > 0 } callbacks)
        {
            await FireOnStartingAsync(callbacks);
            _startError ??= _applicationError;
            ThrowIfStartFailed();
        }

        if (GetMissingBytes() is var missing and > 0)
        {
            throw new InvalidOperationException($"Response Content-Length mismatch: too few bytes written ({missing} missing).");
        }

        if (!HasResponseStarted)
        {
            CommitHead(isFinal: true);
        }

        await EndResponseAsync(mayTakeLonger: true);
    }

    // What may take longer is the application, or its callbacks, or the rest of the request: they need not hold up a web server that waits for the
    // connection's end. nginx sends no more of a request's body once the response has begun.
    private async ValueTask EndResponseAsync(bool mayTakeLonger)
    {
        Task? pending;
        lock (_outputLock)
        {
            _isWriterCompleted = true;
            pending = _pendingFlush;
        }

        if (pending is not null)
        {
            // A cancelled write has aborted the exchange, and its caller was told.
            await pending.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        ValueTask<FlushResult> flush;
        lock (_outputLock)
        {
            if (_isResponseFinished)
            {
                return;
            }

            _isResponseFinished = true;
            _lease = Lease.None;
            BlockAbort();
            if (Exchange.IsAborted)
            {
                return;
            }

            _buffer.DrainTo(Exchange);
            Exchange.EndResponse();
            flush = FlushLocked(CancellationToken.None);
        }

        await flush;
        var isRequestRead = IsRequestRead;
        if (mayTakeLonger || !isRequestRead)
        {
            Exchange.CloseOutput(_declaredLength is not null, isRequestRead);
        }
    }

    private long GetMissingBytes()
    {
        if (IsHead || _statusCode == StatusCodes.Status304NotModified || EffectiveResponseHeaders.ContainsKey(HeaderNames.TransferEncoding))
        {
            return 0;
        }

        return (HasResponseStarted ? _declaredLength : EffectiveResponseHeaders.ContentLength) is { } announced ? announced - _bodyBytes : 0;
    }

    private void PrepareErrorResponse(Exception error)
    {
        _buffer.Clear();
        _bodyBytes = 0;
        SetErrorResponse(error is Microsoft.AspNetCore.Http.BadHttpRequestException bad ? bad.StatusCode : StatusCodes.Status500InternalServerError);
    }
}
