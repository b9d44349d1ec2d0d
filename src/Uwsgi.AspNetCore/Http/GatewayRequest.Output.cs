using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace Uwsgi.AspNetCore.Http;

/// <remarks>
/// Output side. Stream and pipe writer are two doors to the same buffer. Until the head is fixed, and while an earlier flush is
/// pending, bytes are kept in <see cref="_buffer"/>; otherwise they are written straight into the exchange. Everything that
/// touches the exchange's output happens under <see cref="_outputLock"/>, so un-awaited writes cannot corrupt it.
/// </remarks>
internal partial class GatewayRequest : IHttpResponseBodyFeature, IHttpMinResponseDataRateFeature
{
    private readonly Lock _outputLock = new();
    private readonly BodyBuffer _buffer = new();
    private ResponseStream? _responseStream;
    private ResponsePipeWriter? _responseWriter;
    private Task<FlushResult>? _pendingFlush;
    private Lease _lease;
    private int _leaseSize;
    private BodyRule _bodyRule;
    private long? _declaredLength;
    private long _bodyBytes;
    private int _headBytes;
    private int _headFields;
    private long _unflushedBytes;
    private bool _isWriterCompleted;
    private bool _isResponseFinished;
    private bool _hasLoggedDiscard;
    private Exception? _startError;

    // What still waits for callbacks will write into this object, whoever it serves by then.
    private int _pendingStarts;
    private Overridable<MinDataRate?> _minResponseRate;

    private enum Lease
    {
        None,
        Buffer,
        Exchange,
        Discard,
    }

    private enum BodyRule
    {
        Allowed,
        Discarded,
        Forbidden,
    }

    Stream IHttpResponseBodyFeature.Stream => ResponseStream;

    PipeWriter IHttpResponseBodyFeature.Writer => _responseWriter ??= new ResponsePipeWriter(this);

    MinDataRate? IHttpMinResponseDataRateFeature.MinDataRate
    {
        get => _minResponseRate.IsSet ? _minResponseRate.Value : Settings.MinResponseDataRate;
        set => _minResponseRate.Set(value);
    }

    internal long UnflushedBytes
    {
        get
        {
            lock (_outputLock)
            {
                return _buffer.Length + _unflushedBytes;
            }
        }
    }

    private ResponseStream ResponseStream => _responseStream ??= new ResponseStream(this);

    private IHeaderDictionary EffectiveResponseHeaders => _replacedResponseHeaders ?? _responseHeaders;

    // The exchange may have ended its output with the last announced byte.
    private bool IsBodyComplete => _declaredLength == _bodyBytes;

    private bool IsHead => ReferenceEquals(_method, HttpMethods.Head) || HttpMethods.IsHead(_method);

    void IHttpResponseBodyFeature.DisableBuffering()
    {
        // nginx buffers responses unless told not to; it does not pass the header on to the client.
        if (!HasResponseStarted && Settings.SendAccelBuffering && !EffectiveResponseHeaders.ContainsKey("X-Accel-Buffering"))
        {
            EffectiveResponseHeaders["X-Accel-Buffering"] = "no";
        }
    }

    Task IHttpResponseBodyFeature.StartAsync(CancellationToken cancellationToken)
    {
        if (HasResponseStarted)
        {
            return Task.CompletedTask;
        }

        return cancellationToken.IsCancellationRequested ? Task.FromCanceled(cancellationToken) : StartResponseAsync().AsTask();
    }

    Task IHttpResponseBodyFeature.CompleteAsync() => CompleteResponseAsync();

    internal Memory<byte> GetBodyMemory(int sizeHint)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(sizeHint);
        lock (_outputLock)
        {
            ThrowIfWriterCompleted();
            Memory<byte> memory;
            if (HasResponseStarted && _bodyRule != BodyRule.Allowed)
            {
                _lease = Lease.Discard;
                memory = _buffer.GetMemory(sizeHint);
            }
            else if (HasResponseStarted && _pendingFlush is null && _buffer.Length == 0 && !IsBodyComplete && !Exchange.IsAborted)
            {
                _lease = Lease.Exchange;
                memory = Exchange.GetMemory(sizeHint);
            }
            else
            {
                _lease = Lease.Buffer;
                memory = _buffer.GetMemory(sizeHint);
            }

            _leaseSize = memory.Length;
            return memory;
        }
    }

    internal void AdvanceBody(int count)
    {
        lock (_outputLock)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(count);
            if (_lease == Lease.None)
            {
                throw new InvalidOperationException("There is no memory to advance in: call GetMemory or GetSpan first, and again after a flush.");
            }

            ArgumentOutOfRangeException.ThrowIfGreaterThan(count, _leaseSize);
            ThrowIfWriterCompleted();
            if (!TryAccount(count))
            {
                return;
            }

            _leaseSize -= count;
            if (_lease == Lease.Exchange)
            {
                Exchange.Advance(count);
                _unflushedBytes += count;
            }
            else if (_lease == Lease.Buffer)
            {
                _buffer.Advance(count);
            }
        }
    }

    internal ValueTask<FlushResult> WriteBodyAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<FlushResult>(cancellationToken);
        }

        ThrowIfWriterCompleted();
        if (!HasResponseStarted)
        {
            var start = StartResponseAsync(data.Length);
            if (!start.IsCompletedSuccessfully)
            {
                return WriteBodyAfterStartAsync(start, data, cancellationToken);
            }

            start.GetAwaiter().GetResult();
        }

        lock (_outputLock)
        {
            ThrowIfWriterCompleted();
            if (TryAccount(data.Length))
            {
                WriteRaw(data.Span);
            }

            return FlushLocked(cancellationToken);
        }
    }

    internal ValueTask<FlushResult> FlushBodyAsync(CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<FlushResult>(cancellationToken);
        }

        if (!HasResponseStarted)
        {
            var start = StartResponseAsync();
            if (!start.IsCompletedSuccessfully)
            {
                return WriteBodyAfterStartAsync(start, default, cancellationToken);
            }

            start.GetAwaiter().GetResult();
        }

        lock (_outputLock)
        {
            return FlushLocked(cancellationToken);
        }
    }

    /// <summary>Writes into the tunnel that an upgraded connection is.</summary>
    internal ValueTask<FlushResult> WriteUpgradedAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
    {
        lock (_outputLock)
        {
            ObjectDisposedException.ThrowIf(_exchange is null || _isResponseFinished, this);
            WriteRaw(data.Span);
            return FlushLocked(cancellationToken);
        }
    }

    internal void CompleteWriter(Exception? error)
    {
        if (error is not null)
        {
            ReportApplicationError(error);
        }

        lock (_outputLock)
        {
            _isWriterCompleted = true;
        }
    }

    internal Task CompleteWriterAsync(Exception? error)
    {
        if (error is null)
        {
            return CompleteResponseAsync();
        }

        CompleteWriter(error);
        return Task.CompletedTask;
    }

    // Counts bytes against the rules; false means that they are accepted but not sent.
    private bool TryAccount(long count)
    {
        if (count == 0)
        {
            return true;
        }

        if (HasResponseStarted && _bodyRule == BodyRule.Forbidden)
        {
            ThrowBodyForbidden();
        }

        var announced = HasResponseStarted ? _declaredLength : EffectiveResponseHeaders.ContentLength;
        if (announced is { } length && _bodyBytes + count > length)
        {
            ThrowTooManyBytes(_bodyBytes + count, length);
        }

        _bodyBytes += count;
        if (IsHead)
        {
            LogDiscard(count);
            return false;
        }

        return true;
    }

    private void LogDiscard(long count)
    {
        if (!_hasLoggedDiscard)
        {
            _hasLoggedDiscard = true;
            Log.HeadBodyDiscarded(_logger, Exchange.Connection.ConnectionId, count);
        }
    }

    private void WriteRaw(ReadOnlySpan<byte> data)
    {
        if (_pendingFlush is not null)
        {
            _buffer.Write(data);
        }
        else if (!data.IsEmpty && !Exchange.IsAborted)
        {
            _buffer.DrainTo(Exchange);
            Exchange.Write(data);
            _unflushedBytes += data.Length;
        }
    }

    private ValueTask<FlushResult> FlushLocked(CancellationToken cancellationToken)
    {
        _lease = Lease.None;
        NoteLastByte();
        if (_pendingFlush is { } pending)
        {
            return new ValueTask<FlushResult>(pending);
        }

        if (Exchange.IsAborted)
        {
            _buffer.Clear();
            return new ValueTask<FlushResult>(new FlushResult(isCanceled: false, isCompleted: true));
        }

        _unflushedBytes += _buffer.Length;
        _buffer.DrainTo(Exchange);
        return Follow(Exchange.FlushAsync(cancellationToken), cancellationToken);
    }

    private void NoteLastByte()
    {
        if (IsBodyComplete)
        {
            // The peer may close as soon as it has the announced bytes, while the application is still busy with something else.
            BlockAbort();
            if (HasResponseStarted && _pendingFlush is null)
            {
                Exchange.NoteLastByte(IsRequestRead);
            }
        }
    }

    // While it is pending, what is written is buffered.
    private ValueTask<FlushResult> Follow(ValueTask<FlushResult> flush, CancellationToken cancellationToken)
    {
        if (flush.IsCompletedSuccessfully)
        {
            _unflushedBytes = 0;
            return new ValueTask<FlushResult>(NoteFlush(flush.Result));
        }

        var task = FlushSlowAsync(flush, cancellationToken);
        if (!task.IsCompleted)
        {
            _pendingFlush = task;
        }

        return new ValueTask<FlushResult>(task);
    }

    // The peer takes less than we have. What is written meanwhile is buffered and goes out behind.
    private async Task<FlushResult> FlushSlowAsync(ValueTask<FlushResult> flush, CancellationToken cancellationToken)
    {
        var rate = ((IHttpMinResponseDataRateFeature)this).MinDataRate;
        while (true)
        {
            FlushResult result;
            if (rate is not null)
            {
                Exchange.Timeouts.StartWrite(rate, _unflushedBytes);
            }

            try
            {
                result = await flush;
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                // What was handed over cannot be taken back, so the response would have a hole.
                Abort(new ConnectionAbortedException("A write was cancelled while its bytes were on their way."));
                EndPendingFlush();
                throw;
            }
            catch (Exception error) when (error is IOException or ObjectDisposedException)
            {
                // The peer is gone; as on Kestrel, writing to nobody is no error.
                var gone = NoteFlush(new FlushResult(isCanceled: false, isCompleted: true));
                EndPendingFlush();
                return gone;
            }
            finally
            {
                if (rate is not null)
                {
                    Exchange.Timeouts.StopWrite();
                }
            }

            lock (_outputLock)
            {
                _unflushedBytes = 0;
                if (_buffer.Length == 0 || result.IsCompleted || Exchange.IsAborted)
                {
                    _buffer.Clear();
                    _pendingFlush = null;
                    return NoteFlush(result);
                }

                _unflushedBytes = _buffer.Length;
                _buffer.DrainTo(Exchange);
                flush = Exchange.FlushAsync(cancellationToken);
            }
        }
    }

    private void EndPendingFlush()
    {
        lock (_outputLock)
        {
            _buffer.Clear();
            _pendingFlush = null;
        }
    }

    private FlushResult NoteFlush(FlushResult result)
    {
        if (result.IsCompleted)
        {
            CancelAbortToken();
        }

        return result;
    }

    private void ReplaceResponseBody(Stream body) => Set<IHttpResponseBodyFeature>(
        ReferenceEquals(body, _responseStream) ? this : new StreamResponseBodyFeature(body, this));

    private void ThrowIfWriterCompleted()
    {
        ObjectDisposedException.ThrowIf(_exchange is null, typeof(HttpResponse));
        if (_isWriterCompleted || IsUpgraded)
        {
            throw new InvalidOperationException(IsUpgraded
                ? "The response body cannot be written because the connection was upgraded."
                : "Writing is not allowed after the response was completed.");
        }
    }

    private void ThrowBodyForbidden() =>
        throw new InvalidOperationException($"A response with status code {_statusCode} cannot have a body.");

    private static void ThrowTooManyBytes(long written, long announced) =>
        throw new InvalidOperationException($"Response Content-Length mismatch: too many bytes written ({written} of {announced}).");

    private void ResetOutput()
    {
        _responseStream?.Close();
        _responseWriter?.Close();
        _buffer.Clear();
        _pendingFlush = null;
        _lease = Lease.None;
        _leaseSize = 0;
        _bodyRule = BodyRule.Allowed;
        _declaredLength = null;
        _bodyBytes = 0;
        _headBytes = 0;
        _headFields = 0;
        _unflushedBytes = 0;
        _isWriterCompleted = false;
        _isResponseFinished = false;
        _hasLoggedDiscard = false;
        _startError = null;
        _minResponseRate = default;
    }
}
