using System.IO.Pipelines;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

namespace Uwsgi.AspNetCore.Http;

/// <remarks>The response's start: the callbacks in front of it, its head, and what that allows behind it.</remarks>
internal partial class GatewayRequest
{
    // RFC 9110 section 9.3.6: what follows a successful CONNECT is no body.
    private bool IsTunnel => HttpMethods.IsConnect(_method) && _statusCode is >= 200 and < 300;

    private ValueTask StartResponseAsync(int nextWrite = 0)
    {
        if (HasResponseStarted)
        {
            return default;
        }

        if (_onStarting is { Count: > 0 } callbacks)
        {
            return StartAfterCallbacksAsync(callbacks, nextWrite);
        }

        ThrowIfStartFailed();
        CommitHead(nextWrite);
        return default;
    }

    private async ValueTask StartAfterCallbacksAsync(Stack<KeyValuePair<Func<object, Task>, object>> callbacks, int nextWrite)
    {
        Interlocked.Increment(ref _pendingStarts);
        try
        {
            await FireOnStartingAsync(callbacks);
            _startError ??= _applicationError;
            ThrowIfStartFailed();
            CommitHead(nextWrite);
        }
        finally
        {
            Interlocked.Decrement(ref _pendingStarts);
        }
    }

    private void ThrowIfStartFailed()
    {
        if (_startError is { } error)
        {
            throw new ObjectDisposedException("The response cannot be started because an OnStarting callback has failed.", error);
        }
    }

    private async ValueTask<FlushResult> WriteBodyAfterStartAsync(ValueTask start, ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _pendingStarts);
        try
        {
            await start;
            return await (data.IsEmpty ? FlushBodyAsync(cancellationToken) : WriteBodyAsync(data, cancellationToken));
        }
        finally
        {
            Interlocked.Decrement(ref _pendingStarts);
        }
    }

    // Fixes status and headers and writes them, with whatever body was buffered behind them.
    private void CommitHead(int nextWrite = 0, bool isFinal = false)
    {
        lock (_outputLock)
        {
            if (HasResponseStarted)
            {
                return;
            }

            var headers = TakeOverReplacedHeaders();
            if (headers.ContainsKey(HeaderNames.TransferEncoding))
            {
                // No gateway protocol carries transfer codings: the framing would end up in the client's body.
                Log.TransferEncodingRemoved(_logger, Exchange.Connection.ConnectionId);
                headers.Remove(HeaderNames.TransferEncoding);
                headers.ContentLength = null;
            }

            ApplyBodyRule(headers, nextWrite);
            if (isFinal && headers.ContentLength is null && _bodyRule == BodyRule.Allowed && !IsTunnel)
            {
                headers.ContentLength = _buffer.Length;
            }
            else if (isFinal && !IsHead && headers.ContentLength is null && _statusCode == StatusCodes.Status205ResetContent)
            {
                headers.ContentLength = 0;
            }

            if (Settings.AddDateHeader && !headers.ContainsKey(HeaderNames.Date))
            {
                headers.SetUnchecked(HeaderNames.Date, HeaderUtilities.FormatDate(DateTimeOffset.UtcNow));
            }

            if (Settings.AddServerHeader && !headers.ContainsKey(HeaderNames.Server))
            {
                headers.SetUnchecked(HeaderNames.Server, "Uwsgi.AspNetCore");
            }

            _declaredLength = headers.ContentLength;
            _lease = Lease.None;
            HasResponseStarted = true;
            _responseHeaders.SetReadOnly();
            if (Exchange.IsAborted)
            {
                _buffer.Clear();
                return;
            }

            var isAuthorizer = Exchange.IsAuthorizer;
            (_headBytes, _headFields) = ResponseHeadWriter.Write(
                Exchange, Exchange.HasStatusLine, _statusCode, _reasonPhrase, headers, isAuthorizer);
            if (_bodyRule == BodyRule.Allowed)
            {
                _unflushedBytes += _buffer.Length;
                _buffer.DrainTo(Exchange);
            }
            else
            {
                _buffer.Clear();
            }
        }
    }

    // A collection that the application put in place of ours has checked nothing, and would stay writable.
    private ResponseHeaders TakeOverReplacedHeaders()
    {
        if (_replacedResponseHeaders is { } replaced)
        {
            _responseHeaders.Clear();
            foreach (var (name, value) in replaced)
            {
                _responseHeaders[name] = value;
            }

            _replacedResponseHeaders = null;
        }

        return _responseHeaders;
    }

    // RFC 9110 section 8.6: which responses have a body, and which may announce a length.
    private void ApplyBodyRule(ResponseHeaders headers, int nextWrite)
    {
        if (_statusCode < StatusCodes.Status200OK && !_isSwitching)
        {
            // nginx, Apache, HAProxy and Caddy lose the response behind an interim one.
            throw new InvalidOperationException(
                $"A response cannot have the status code {_statusCode}: a gateway takes one response, and 101 is for IHttpUpgradeFeature to send.");
        }

        var isBodiless = _statusCode is < 200 or StatusCodes.Status204NoContent or StatusCodes.Status205ResetContent or StatusCodes.Status304NotModified;
        _bodyRule = IsHead ? BodyRule.Discarded : isBodiless ? BodyRule.Forbidden : BodyRule.Allowed;
        if (isBodiless && _statusCode != StatusCodes.Status304NotModified && headers.ContentLength is { } length)
        {
            if (length > 0)
            {
                throw new InvalidOperationException($"A response with status code {_statusCode} cannot have a Content-Length of {length}.");
            }

            if (_statusCode != StatusCodes.Status205ResetContent)
            {
                headers.ContentLength = null;
            }
        }

        if (_bodyRule == BodyRule.Forbidden && _bodyBytes + nextWrite > 0)
        {
            ThrowBodyForbidden();
        }

        if (_bodyRule != BodyRule.Forbidden && headers.ContentLength is { } announced && _bodyBytes + nextWrite > announced)
        {
            ThrowTooManyBytes(_bodyBytes + nextWrite, announced);
        }
    }
}
