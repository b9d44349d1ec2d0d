using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Uwsgi.AspNetCore.Hosting;

namespace Uwsgi.AspNetCore.Http;

/// <summary>The request body: a window of CONTENT_LENGTH bytes on the exchange's input, or all of it when the length is unknown.</summary>
/// <remarks>The only place that advances the input while a request runs. What lies behind the window is never touched.</remarks>
internal sealed class RequestBodyReader : PipeReader
{
    private GatewayRequest? _request;
    private GatewayExchange? _exchange;
    private long? _announced;
    private long _remaining;
    private long _counted;
    private ReadOnlySequence<byte> _current;
    private bool _endsWithInput;
    private bool _isInputEnded;
    private bool _hasInput;
    private bool _isReading;
    private bool _isCompleted;
    private bool _isClosed;
    private bool _isCancelRequested;
    private Exception? _failure;

    public bool HasStarted { get; private set; }

    public long BytesRead { get; private set; }

    /// <summary>Gets whether every byte of the body has been consumed.</summary>
    public bool IsAtEnd => _remaining == 0;

    /// <summary>Gets whether a read is waiting for input; an application may have abandoned it.</summary>
    public bool IsWaiting { get; private set; }

    public override bool TryRead(out ReadResult result)
    {
        BeginRead();
        if (TryGetEnd(out result))
        {
            return true;
        }

        return TryReadInput(out var read) && TryDeliver(read, out result);
    }

    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        BeginRead();
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<ReadResult>(cancellationToken);
        }

        if (TryGetEnd(out var result) || (TryReadInput(out var read) && TryDeliver(read, out result)))
        {
            return new ValueTask<ReadResult>(result);
        }

        return ReadSlowAsync(cancellationToken);
    }

    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        if (!_isReading)
        {
            throw new InvalidOperationException("There is no read to advance from.");
        }

        _isReading = false;
        if (!_hasInput)
        {
            return;
        }

        // With the whole rest at hand there is nothing to wait for, whatever the caller has looked at.
        _hasInput = false;
        var isWhole = _announced is not null && _current.Length == _remaining && (!_endsWithInput || _isInputEnded);
        var count = _current.Slice(0, consumed).Length;
        BytesRead += count;
        _counted -= count;
        if (_announced is not null)
        {
            _remaining -= count;
        }

        _current = default;
        Input.AdvanceTo(consumed, isWhole ? consumed : examined);
    }

    public override void CancelPendingRead()
    {
        Volatile.Write(ref _isCancelRequested, true);
        Input.CancelPendingRead();
    }

    public override void Complete(Exception? exception = null)
    {
        if (_isReading)
        {
            AdvanceTo(_current.Start, _current.Start);
        }

        _isCompleted = true;
    }

    public void Open(GatewayRequest request, GatewayExchange exchange, long? contentLength)
    {
        _request = request;
        _exchange = exchange;
        _announced = contentLength;
        _remaining = contentLength ?? -1;
        _endsWithInput = exchange.InputEndsBody && contentLength > 0;
        _isInputEnded = false;
        _hasInput = false;
        _counted = 0;
        _isClosed = false;
        _isCompleted = false;
        _isReading = false;
        _isCancelRequested = false;
        _failure = null;
        HasStarted = false;
        BytesRead = 0;
    }

    /// <summary>Ends the application's reading; only draining is possible afterwards.</summary>
    public void Close() => _isClosed = true;

    public void Detach()
    {
        _request = null;
        _exchange = null;
        _current = default;
    }

    /// <summary>Reads and discards the rest, within limits.</summary>
    public async ValueTask<bool> DrainAsync(long maxBytes, TimeSpan timeout)
    {
        if (_isReading)
        {
            AdvanceTo(_current.Start, _current.Start);
        }

        if (_remaining == 0)
        {
            return true;
        }

        if (_failure is BadHttpRequestException { StatusCode: not StatusCodes.Status413PayloadTooLarge } || timeout <= TimeSpan.Zero)
        {
            return false;
        }

        var exchange = _exchange!;
        exchange.Timeouts.SetReadRate(null);
        exchange.Timeouts.StartRead(timeout);
        try
        {
            for (var drained = 0L; drained <= maxBytes;)
            {
                var read = await exchange.Input.ReadAsync();
                var available = _remaining >= 0 && read.Buffer.Length > _remaining ? read.Buffer.Slice(0, _remaining) : read.Buffer;
                drained += available.Length;
                if (_remaining >= 0)
                {
                    _remaining -= available.Length;
                }

                exchange.Input.AdvanceTo(available.End);
                if (_remaining == 0 || (read.IsCompleted && exchange.InputEndsBody))
                {
                    return true;
                }

                if (read.IsCompleted || exchange.Timeouts.IsReadExpired)
                {
                    return false;
                }
            }

            return false;
        }
        catch (Exception error) when (ConnectionLoss.Is(error) || error is OperationCanceledException or InvalidOperationException)
        {
            // The peer closed without waiting, and there is nobody left to drain for; or the application has left a read pending.
            return false;
        }
        finally
        {
            exchange.Timeouts.StopRead();
        }
    }

    private PipeReader Input => _exchange?.Input ?? throw CreateRequestOver();

    private GatewayRequest Request => _request ?? throw CreateRequestOver();

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<ReadResult> ReadSlowAsync(CancellationToken cancellationToken)
    {
        var exchange = _exchange!;
        while (true)
        {
            ReadResult read;
            exchange.Timeouts.SetReadRate(((IHttpMinRequestBodyDataRateFeature)Request).MinDataRate);
            exchange.Timeouts.StartRead(exchange.Settings.RequestBodyTimeout);
            IsWaiting = true;
            try
            {
                read = await exchange.Input.ReadAsync(cancellationToken);
            }
            catch (Exception lost) when (ConnectionLoss.Is(lost))
            {
                _request?.NoteConnectionLost();
                throw;
            }
            finally
            {
                exchange.Timeouts.StopRead();
                IsWaiting = false;
            }

            if (TryDeliver(read, out var result))
            {
                return result;
            }
        }
    }

    private bool TryReadInput(out ReadResult read)
    {
        try
        {
            return Input.TryRead(out read);
        }
        catch (Exception lost) when (ConnectionLoss.Is(lost))
        {
            _request?.NoteConnectionLost();
            throw;
        }
    }

    // Cuts what was read to the body's extent; false means that there is nothing to deliver yet.
    private bool TryDeliver(ReadResult read, out ReadResult result)
    {
        var buffer = read.Buffer;
        var isEnd = false;
        if (_announced is not null)
        {
            if (_endsWithInput && buffer.Length > _remaining)
            {
                Input.AdvanceTo(buffer.Start, buffer.End);
                Fail(new BadHttpRequestException("The request body is longer than CONTENT_LENGTH says.", StatusCodes.Status400BadRequest), gone: false);
            }
            else if (buffer.Length >= _remaining)
            {
                // Where the input has an end of its own the body is whole only with it: more could follow, and would be an error.
                buffer = buffer.Slice(0, _remaining);
                isEnd = !_endsWithInput || read.IsCompleted;
                _isInputEnded |= isEnd;
            }
            else if (read.IsCompleted)
            {
                Input.AdvanceTo(buffer.Start, buffer.End);
                Fail(
                    new BadHttpRequestException("Unexpected end of request content.", StatusCodes.Status400BadRequest),
                    gone: !_exchange!.InputEndsBody);
            }
        }
        else
        {
            isEnd = read.IsCompleted;
            CheckSize(BytesRead + buffer.Length, buffer);
        }

        _exchange!.Timeouts.CountRead(buffer.Length - _counted);
        _counted = buffer.Length;

        var isCanceled = false;
        if (read.IsCanceled)
        {
            if (_exchange.Timeouts.IsReadExpired)
            {
                Input.AdvanceTo(buffer.Start, buffer.End);
                Fail(new BadHttpRequestException("Reading the request body timed out due to data arriving too slowly.", StatusCodes.Status408RequestTimeout), gone: false);
            }

            isCanceled = Interlocked.Exchange(ref _isCancelRequested, false);
        }

        if (!isCanceled && !isEnd && buffer.IsEmpty)
        {
            // Nothing new: cancelled by the server, to look after something else, or all that is missing is the input's end.
            Input.AdvanceTo(buffer.Start, buffer.End);
            result = default;
            return false;
        }

        _current = buffer;
        _hasInput = true;
        _isReading = true;
        result = new ReadResult(buffer, isCanceled, isEnd);
        return true;
    }

    private bool TryGetEnd(out ReadResult result)
    {
        if (_remaining == 0 && (!_endsWithInput || _isInputEnded))
        {
            _isReading = true;
            _current = default;
            result = new ReadResult(default, isCanceled: false, isCompleted: true);
            return true;
        }

        result = default;
        return false;
    }

    private void BeginRead()
    {
        ObjectDisposedException.ThrowIf(_isClosed || _exchange is null, typeof(HttpRequest));
        if (_isCompleted)
        {
            throw new InvalidOperationException("Reading is not allowed after the reader was completed.");
        }

        if (_isReading)
        {
            throw new InvalidOperationException("Reading is already in progress; call AdvanceTo first.");
        }

        if (_failure is { } failure)
        {
            throw failure;
        }

        if (!HasStarted)
        {
            if (_announced is { } length)
            {
                CheckSize(length, default);
            }

            HasStarted = true;
        }
    }

    private void CheckSize(long size, in ReadOnlySequence<byte> pending)
    {
        if (((IHttpMaxRequestBodySizeFeature)Request).MaxRequestBodySize is not { } limit || size <= limit)
        {
            return;
        }

        if (!pending.IsEmpty)
        {
            Input.AdvanceTo(pending.Start, pending.End);
        }

        Fail(
            new BadHttpRequestException($"Request body too large. The max request body size is {limit} bytes.", StatusCodes.Status413PayloadTooLarge),
            gone: false);
    }

    // Every later read fails in the same way.
    private void Fail(BadHttpRequestException failure, bool gone)
    {
        _failure = failure;
        if (gone)
        {
            _request?.Abort(new ConnectionAbortedException("The web server closed the connection before the request body was complete."));
        }

        throw failure;
    }

    private static ObjectDisposedException CreateRequestOver() => new(nameof(HttpRequest), "The request is over.");
}
