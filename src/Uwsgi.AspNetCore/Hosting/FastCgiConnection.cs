using System.Buffers;
using System.Buffers.Binary;
using System.Diagnostics;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Uwsgi.AspNetCore.Harakiri;
using Uwsgi.AspNetCore.Http;
using Uwsgi.AspNetCore.Protocols;
using Uwsgi.AspNetCore.Protocols.FastCgi;

namespace Uwsgi.AspNetCore.Hosting;

/// <summary>A FastCGI connection: any number of requests, one after another or at once, kept open while the web server wants it.</summary>
/// <remarks>
/// One task, <see cref="RunAsync"/>, reads records and alone advances the input. Requests run inline on it when they are the only one
/// (web servers that do not multiplex use id 1), else on the thread pool. <see cref="Output"/> and
/// <see cref="Requests"/> are all that the loop and the requests share.
/// </remarks>
internal sealed class FastCgiConnection
{
    // One request may keep this much of its STDIN waiting before its connection is read no further.
    private const int StdinBound = 128 * 1024;

    // For answers to a web server that has no request running, and so no reason not to read.
    private static readonly MinDataRate ControlRate = new(bytesPerSecond: 240, gracePeriod: TimeSpan.FromSeconds(5));

    private readonly GatewayApplication _application;
    private readonly PipeReader _input;
    private readonly ConnectionTimeouts _timeouts;
    private readonly FastCgiRecordReader _records = new();
    private readonly List<FastCgiExchange> _ready = [];
    private readonly BodyBuffer _control = new();
    private FastCgiExchange? _blocked;
    private ValueTask<FlushResult> _blockedFlush;
    private PipeOptions? _stdinOptions;
    private bool _isReadTimed;
    private bool _isOver;
    private int _isUncounted;
    private volatile bool _isAborted;

    public FastCgiConnection(ConnectionContext connection, GatewayServices services, GatewayApplication application, TimeSpan waited)
    {
        Connection = connection;
        Services = services;
        _application = application;
        _input = connection.Transport.Input;
        _timeouts = ConnectionTimeouts.Of(connection, services.Clock);
        Output = new FastCgiOutput(connection.Transport.Output, _timeouts);
        Requests = new FastCgiRequestTable(services.Settings, services.Clock, waited);
    }

    public ConnectionContext Connection { get; }

    public GatewayServices Services { get; }

    public FastCgiRequestTable Requests { get; }

    public FastCgiOutput Output { get; }

    public PipeOptions StdinOptions => _stdinOptions ??= new PipeOptions(
        Connection.Features.Get<IMemoryPoolFeature>()?.MemoryPool,
        pauseWriterThreshold: StdinBound, resumeWriterThreshold: StdinBound / 2, useSynchronizationContext: false);

    private GatewaySettings Settings => Services.Settings;

    // Looked at behind every read, since records that lead nowhere could arrive without a pause.
    private bool IsTimeOver => Requests.GetReadTimeout() == TimeSpan.Zero && !Debugger.IsAttached;

    /// <summary>Serves a connection that has been counted, to its end.</summary>
    public async Task RunAsync()
    {
        // All in one method: an idle connection waits in here, and every method on its stack would cost it an object.
        try
        {
            var lifetime = Connection.Features.Get<IConnectionLifetimeNotificationFeature>();
            using var closeRequest = lifetime?.ConnectionClosedRequested.UnsafeRegister(
                static connection => ((FastCgiConnection)connection!).RequestClose(), this) ?? default;
            try
            {
                while (!_isAborted && !_isOver)
                {
                    if (!_input.TryRead(out var read))
                    {
                        StartReadTime(Requests.StartWaiting());
                        try
                        {
                            read = await _input.ReadAsync();
                        }
                        finally
                        {
                            StopReadTime();
                        }
                    }

                    var isInputOver = Take(read.Buffer) && read.IsCompleted;
                    if (IsTimeOver && !RejectExpired())
                    {
                        break;
                    }

                    if (_control.Length > 0)
                    {
                        await SendControlAsync();
                    }

                    Dispatch();
                    if (_blocked is not null)
                    {
                        await WaitForReaderAsync();
                    }

                    if (Requests.MayClose || isInputOver)
                    {
                        break;
                    }
                }
            }
            catch (GatewayProtocolException broken)
            {
                // The framing cannot be trusted any more, so no answer would reach its request.
                NoteRejection(broken);
                Abort(new ConnectionAbortedException(broken.Message, broken));
            }
            catch (Exception gone) when (ConnectionLoss.Is(gone))
            {
                _isAborted = true;
                Log.ConnectionReset(Services.Logger, Connection.ConnectionId, gone);
            }
            finally
            {
                await EndAllAsync();
            }
        }
        catch (Exception broken)
        {
            Log.ConnectionFailed(Services.Logger, Connection.ConnectionId, broken);
            Abort(new ConnectionAbortedException("The gateway connection failed.", broken));
        }
        finally
        {
            Uncount();
        }
    }

    /// <summary>Ends a request that cannot be answered properly any more.</summary>
    public void AbortRequest(FastCgiExchange exchange, ConnectionAbortedException reason)
    {
        exchange.EndInput(reason);
        if (exchange.HasEnded || !Requests.TryCloseWith(exchange))
        {
            // Others are on the connection: only a status can tell, and it is all that FastCGI offers here. ProcessAsync sends it.
            return;
        }

        // A reset is what every web server takes for a response that is cut off. But it can overtake what was sent already, and on a kept
        // connection nginx then repeats the request, as if it had met a connection that was just being closed. There a record that
        // breaks the protocol does the same and stays in line; HAProxy passes over it, and minds that END_REQUEST is missing.
        _isAborted = true;
        if (exchange.KeepsConnection && Output.TryClose(FastCgiRecord.Broken))
        {
            _input.CancelPendingRead();
        }
        else
        {
            Connection.Abort(reason);
        }
    }

    /// <summary>Answers a request whose application hangs.</summary>
    public Action? Answer(FastCgiExchange exchange, ReadOnlySpan<byte> response)
    {
        var reason = new ConnectionAbortedException("The request took too long.");
        if (!Requests.TryTakeAlone(exchange))
        {
            // Others are on the connection, or may be: it lives on, and the request's id is free behind the answer.
            exchange.EndInput(reason);
            _ = SendTakenAsync(exchange, response.ToArray());
            return null;
        }

        var records = new ArrayBufferWriter<byte>(response.Length + (4 * FastCgiRecord.HeaderSize));
        WriteResponse(records, exchange, response);
        if (!Output.TryClose(records.WrittenSpan, DirectSocket.Of(Connection.Features)))
        {
            Abort(reason);
        }

        return () => Abort(reason);
    }

    /// <summary>Cuts off the response of a request whose application hangs.</summary>
    public Action? Cut(FastCgiExchange exchange, ConnectionAbortedException reason)
    {
        exchange.EndInput(reason);
        if (!exchange.HasEnded && Requests.TryCloseWith(exchange))
        {
            // As AbortRequest, but nothing is reset before what was sent has had its time, and there is no waiting for the application.
            _isAborted = true;
            if (exchange.KeepsConnection && Output.TryClose(FastCgiRecord.Broken))
            {
                _input.CancelPendingRead();
            }
            else
            {
                exchange.Break = reason;
            }

            return () => Abort(reason);
        }

        _ = EndFailedAsync(exchange).AsTask();
        return null;
    }

    /// <summary>Closes the sending side behind a request when nothing can follow: nginx waits for that, not for END_REQUEST.</summary>
    public void CloseOutput(FastCgiExchange exchange)
    {
        if (Requests.TryCloseWith(exchange))
        {
            Output.TryClose([]);
        }
    }

    /// <summary>Takes the connection out of the counts of open connections: it has become a tunnel.</summary>
    public void ReleaseConnection()
    {
        Uncount();
        Connection.Features.Get<IDecrementConcurrentConnectionCountFeature>()?.ReleaseConnection();
    }

    /// <summary>Ends the connection at once.</summary>
    public void Abort(ConnectionAbortedException reason)
    {
        _isAborted = true;
        Connection.Abort(reason);
    }

    private void Uncount()
    {
        // Requests of one connection may be upgraded at the same time.
        if (Interlocked.Exchange(ref _isUncounted, 1) == 0)
        {
            Services.Connections.Remove();
        }
    }

    private void RequestClose()
    {
        Requests.IsClosing = true;
        _input.CancelPendingRead();
    }

    private void StartReadTime(TimeSpan? timeout)
    {
        _isReadTimed = timeout is not null;
        if (timeout is { } limit)
        {
            _timeouts.StartRead(limit);
        }
    }

    private void StopReadTime()
    {
        if (_isReadTimed)
        {
            _timeouts.StopRead();
        }
    }

    // Advances in any case. True when everything complete was taken, false when a reader has to catch up first.
    private bool Take(ReadOnlySequence<byte> buffer)
    {
        var examined = buffer.End;
        try
        {
            while (_blocked is null && !_isOver && _records.TryRead(ref buffer, out var part))
            {
                Take(part);
            }

            if (_blocked is not null)
            {
                examined = buffer.Start;
            }
        }
        finally
        {
            _input.AdvanceTo(buffer.Start, examined);
        }

        return _blocked is null;
    }

    private void Take(in FastCgiRecordPart part)
    {
        var (record, content, isFirst) = part;
        switch (record.Type)
        {
            case FastCgiRecordType.BeginRequest:
                Begin(record.RequestId, content);
                break;
            case FastCgiRecordType.AbortRequest when Requests.Find(record.RequestId) is { } exchange:
                AbortByPeer(exchange);
                break;
            case FastCgiRecordType.Params when Requests.Find(record.RequestId) is { } exchange:
                TakeParams(exchange, content, isEnd: record.ContentLength == 0);
                break;
            case FastCgiRecordType.Stdin when Requests.Find(record.RequestId) is { } exchange:
                TakeStdin(exchange, content, isEnd: record.ContentLength == 0);
                break;
            case FastCgiRecordType.Params or FastCgiRecordType.Stdin or FastCgiRecordType.AbortRequest:
                var isLast = record is { Type: FastCgiRecordType.Stdin, ContentLength: 0 } or { Type: FastCgiRecordType.AbortRequest };
                Requests.NoteDrained(record.RequestId, (int)content.Length, isLast);
                break;
            case FastCgiRecordType.GetValues:
                FastCgiPairs.WriteValues(_control, content.ToArray(), Settings.MaxRequestsPerConnection, Settings.MultiplexFastCgi);
                break;
            case FastCgiRecordType.GetValuesResult or FastCgiRecordType.UnknownType:
                break;
            case var unknown when record.IsManagement && isFirst:
                FastCgiRecord.WriteUnknownType(_control, unknown);
                break;
        }

        // Everything else belongs to a request that is over or never was, or is no business of an application's: it is read past.
    }

    private void Begin(ushort requestId, in ReadOnlySequence<byte> content)
    {
        Span<byte> body = stackalloc byte[(int)content.Length];
        content.CopyTo(body);
        var role = (FastCgiRole)BinaryPrimitives.ReadUInt16BigEndian(body);
        var keepsConnection = (body[2] & 1) != 0;
        if (Requests.Find(requestId) is not null)
        {
            throw new GatewayProtocolException(
                GatewayRejection.MalformedRecord, $"A BEGIN_REQUEST names {requestId}, the id of a request that is not over.");
        }

        if (Requests.MayClose)
        {
            // Nobody but us has closed yet. Without any answer the web server may send the request somewhere else.
            _isOver = true;
        }
        else if (Requests.TryAdd(requestId, role, keepsConnection, this, out var refusal) is { } exchange)
        {
            exchange.Request = _application.Rent();
        }
        else
        {
            FastCgiRecord.WriteEndRequest(_control, requestId, 0, refusal);
            NoteRejection(new GatewayProtocolException(
                refusal == FastCgiProtocolStatus.UnknownRole ? GatewayRejection.UnknownRole : GatewayRejection.RequestLimit,
                $"The request {requestId} with role {(int)role} was answered {refusal}."));
            if (!keepsConnection)
            {
                Requests.CloseBehind(requestId);
            }
        }
    }

    private void TakeParams(FastCgiExchange exchange, in ReadOnlySequence<byte> content, bool isEnd)
    {
        if (exchange.AreParamsComplete)
        {
            throw new GatewayProtocolException(GatewayRejection.MalformedRecord, "PARAMS go on behind their end.");
        }

        if (isEnd)
        {
            Requests.NoteParamsComplete(exchange);
            _ready.Add(exchange);
        }
        else if (exchange.Request!.Variables.Length + content.Length > Settings.BufferSize)
        {
            Reject(exchange, new GatewayProtocolException(
                GatewayRejection.BlockTooLarge, $"The parameters are larger than {Settings.BufferSize} bytes (option BufferSize)."));
        }
        else
        {
            exchange.Request.Variables.Append(content);
        }
    }

    private void TakeStdin(FastCgiExchange exchange, in ReadOnlySequence<byte> content, bool isEnd)
    {
        if (!exchange.AreParamsComplete)
        {
            throw new GatewayProtocolException(GatewayRejection.MalformedRecord, "STDIN begins before the end of PARAMS.");
        }

        if (isEnd)
        {
            exchange.EndInput();
            return;
        }

        var flush = exchange.AddInput(content);
        if (flush.IsCompletedSuccessfully)
        {
            flush.GetAwaiter().GetResult();
            return;
        }

        _blocked = exchange;
        _blockedFlush = flush;
    }

    // The application is behind with a body. FastCGI has no flow control of its own: either the whole connection waits, or, when
    // that has gone on for too long for the other requests on it, this one is given up.
    private async ValueTask WaitForReaderAsync()
    {
        var exchange = _blocked!;
        _blocked = null;
        var flush = _blockedFlush.AsTask();
        if (!Requests.MayHoldUpOthers(exchange))
        {
            await flush;
            return;
        }

        var started = Services.Clock.Timestamp;
        var left = Settings.StalledBodyTimeout - exchange.Stalled;
        try
        {
            await flush.WaitAsync(left > TimeSpan.Zero ? left : TimeSpan.Zero, Services.Clock.Time);
            exchange.Stalled += Services.Clock.GetElapsed(started, Services.Clock.Timestamp);
        }
        catch (TimeoutException)
        {
            Log.SlowReaderAborted(Services.Logger, Connection.ConnectionId, exchange.RequestId, Settings.StalledBodyTimeout.TotalSeconds);

            // The application may be looking at what it has read, so the input is released only when it is through.
            if (Requests.TryAbort(exchange, hasMoreInput: true))
            {
                await SendOverloadedAsync(exchange);
                Forget(exchange);
            }
        }
    }

    private void AbortByPeer(FastCgiExchange exchange)
    {
        if (Requests.TryAbort(exchange, hasMoreInput: false))
        {
            FastCgiRecord.WriteEndRequest(_control, exchange.RequestId, 0, FastCgiProtocolStatus.RequestComplete);
            Forget(exchange);
        }
    }

    // True when half-open requests were too slow, false when the connection itself has been idle for too long.
    private bool RejectExpired()
    {
        if (Requests.FindExpired() is not { } expired)
        {
            return false;
        }

        foreach (var exchange in expired)
        {
            Reject(exchange, new GatewayProtocolException(
                GatewayRejection.HeadTimeout,
                $"The parameters did not arrive within {Settings.RequestHeadersTimeout.TotalSeconds} s (option Limits:RequestHeadersTimeout)."));
        }

        return true;
    }

    // Answers a request that never reaches the application, from the read loop.
    private void Reject(FastCgiExchange exchange, GatewayProtocolException rejected)
    {
        NoteRejection(rejected);
        if (Requests.TryEnd(exchange))
        {
            WriteRejection(_control, exchange, rejected);
            Forget(exchange);
        }
    }

    // Lets go of a request that the read loop has answered; if it runs, ProcessAsync sees to the rest.
    private void Forget(FastCgiExchange exchange)
    {
        _ready.Remove(exchange);
        if (!exchange.IsDispatched)
        {
            Finish(exchange, reuse: true);
        }
        else if (!exchange.KeepsConnection)
        {
            Requests.IsClosing = true;
        }
    }

    private void NoteRejection(GatewayProtocolException rejected)
    {
        Services.Metrics.Rejected(rejected.Reason);
        Log.RequestRejected(Services.Logger, Connection.ConnectionId, rejected.Reason, rejected.Message);
    }

    private static void WriteRejection(IBufferWriter<byte> output, FastCgiExchange exchange, GatewayProtocolException rejected) =>
        WriteAnswer(output, exchange, rejected.StatusCode == 0 ? StatusCodes.Status400BadRequest : rejected.StatusCode);

    private static void WriteAnswer(IBufferWriter<byte> output, FastCgiExchange exchange, int status)
    {
        var head = new ArrayBufferWriter<byte>(64);
        ResponseHeadWriter.WriteEmpty(head, hasStatusLine: false, status);
        WriteResponse(output, exchange, head.WrittenSpan);
    }

    private static void WriteResponse(IBufferWriter<byte> output, FastCgiExchange exchange, ReadOnlySpan<byte> response)
    {
        FastCgiRecord.WriteStream(output, FastCgiRecordType.Stdout, exchange.RequestId, response);
        FastCgiRecord.WriteHeader(output, FastCgiRecordType.Stdout, exchange.RequestId, 0);
        FastCgiRecord.WriteEndRequest(output, exchange.RequestId, 0, FastCgiProtocolStatus.RequestComplete);
    }

    // Inline where nothing waits for it: the only request, its body complete. Otherwise the loop must go on reading meanwhile.
    private void Dispatch()
    {
        foreach (var exchange in _ready)
        {
            exchange.IsDispatched = true;
            if (Requests.MayRunInline(exchange))
            {
                _ = ProcessAsync(exchange);
            }
            else
            {
                ThreadPool.UnsafeQueueUserWorkItem(
                    static state => _ = state.Connection.ProcessAsync(state.Exchange), (Connection: this, Exchange: exchange), preferLocal: false);
            }
        }

        _ready.Clear();
    }

    private async Task ProcessAsync(FastCgiExchange exchange)
    {
        var request = exchange.Request!;
        var reuse = false;
        try
        {
            FastCgiPairs.DecodeBlock(request.Variables);
            request.Begin(exchange);
            await _application.ProcessAsync(request);
            if (request.IsUpgraded)
            {
                exchange.EndResponse();
                await exchange.FlushAsync(CancellationToken.None);
            }

            reuse = request.CanBeReused && exchange.HasEnded;
        }
        catch (GatewayProtocolException rejected)
        {
            NoteRejection(rejected);
            if (rejected.Reason is GatewayRejection.MalformedBlock or GatewayRejection.EmptyName)
            {
                // A peer that gets this wrong may get the next record wrong as well.
                Requests.IsClosing = true;
            }

            await SendRejectionAsync(exchange, rejected);
        }
        catch (Exception broken)
        {
            Log.ConnectionFailed(Services.Logger, Connection.ConnectionId, broken);
            Abort(new ConnectionAbortedException("The gateway connection failed.", broken));
        }
        finally
        {
            if (!exchange.HasEnded)
            {
                // Aborted while others are on the connection: without END_REQUEST its id would stay taken at the web server.
                await EndFailedAsync(exchange);
            }

            Finish(exchange, reuse);
        }
    }

    // On its own, so that a request which is not rejected pays for no closure.
    private ValueTask SendRejectionAsync(FastCgiExchange exchange, GatewayProtocolException rejected) =>
        SendLastAsync(exchange, output => WriteRejection(output, exchange, rejected));

    private async ValueTask EndFailedAsync(FastCgiExchange exchange)
    {
        try
        {
            await SendLastAsync(exchange, write: null);
        }
        catch (Exception broken)
        {
            Log.ConnectionFailed(Services.Logger, Connection.ConnectionId, broken);
            Abort(new ConnectionAbortedException("The gateway connection failed.", broken));
        }
        finally
        {
            Requests.TryEnd(exchange);
        }
    }

    private void Finish(FastCgiExchange exchange, bool reuse)
    {
        // The object goes back at once, since the next request may be long in coming, or come on another connection first.
        var request = exchange.Request!;
        exchange.Request = null;
        exchange.ReleaseInput();
        _application.Return(request, reuse, exchange.Facades);
        if (Requests.Finish(exchange, reuse && Settings.PoolRequests))
        {
            // The read loop may be waiting for input; let it see that it may close.
            _input.CancelPendingRead();
        }
    }

    private async ValueTask SendControlAsync()
    {
        await Output.WaitAsync();
        try
        {
            if (Output.IsClosed)
            {
                _control.Clear();
                return;
            }

            var length = _control.Length;
            _control.DrainTo(Output.Writer);
            await Output.FlushAsync(GetRate(isAlone: Requests.GetReadTimeout() is not null), length);
        }
        finally
        {
            Output.Release();
        }
    }

    private async Task SendTakenAsync(FastCgiExchange exchange, byte[] response)
    {
        try
        {
            await SendLastAsync(exchange, output => WriteResponse(output, exchange, response));
        }
        catch (Exception broken)
        {
            Log.ConnectionFailed(Services.Logger, Connection.ConnectionId, broken);
            Abort(new ConnectionAbortedException("The gateway connection failed.", broken));
        }
    }

    // Writes a request's last records, if they were not written yet: the answer to one that was rejected, or the mere end of one that failed.
    private async ValueTask SendLastAsync(FastCgiExchange exchange, Action<IBufferWriter<byte>>? write)
    {
        await Output.WaitAsync();
        try
        {
            var isAlone = Requests.IsAlone(exchange);
            if (_isAborted || Output.IsClosed || !Requests.TryEnd(exchange))
            {
                return;
            }

            if (write is not null)
            {
                write(Output.Writer);
            }
            else
            {
                FastCgiRecord.WriteEndRequest(Output.Writer, exchange.RequestId, applicationStatus: 1, FastCgiProtocolStatus.RequestComplete);
            }

            await Output.FlushAsync(GetRate(isAlone), FastCgiRecord.HeaderSize);
        }
        catch (Exception gone) when (gone is IOException or ObjectDisposedException)
        {
            Log.ConnectionReset(Services.Logger, Connection.ConnectionId, gone);
        }
        finally
        {
            Output.Release();
        }
    }

    // No web server makes an answer of a mere OVERLOADED, and HAProxy waits on; so it stays for a response that is under way.
    private async ValueTask SendOverloadedAsync(FastCgiExchange exchange)
    {
        await Output.WaitAsync();
        try
        {
            if (_isAborted || Output.IsClosed)
            {
                return;
            }

            if (exchange.HasOutput)
            {
                FastCgiRecord.WriteEndRequest(Output.Writer, exchange.RequestId, applicationStatus: 1, FastCgiProtocolStatus.Overloaded);
            }
            else
            {
                WriteAnswer(Output.Writer, exchange, StatusCodes.Status503ServiceUnavailable);
            }

            await Output.FlushAsync(GetRate(isAlone: false), FastCgiRecord.HeaderSize);
        }
        finally
        {
            Output.Release();
        }
    }

    // A web server that waits for nothing else has no reason not to read; one that passes a long response on to a slow client has.
    private MinDataRate? GetRate(bool isAlone) => Settings.MinResponseDataRate ?? (isAlone ? ControlRate : null);

    // Nothing is read any more: bodies end where they are, requests that never started are dropped, the others are waited for.
    private async ValueTask EndAllAsync()
    {
        // Both are IOExceptions, so both tell a body's reader that the connection is lost; the second is what Kestrel's readers get.
        Exception reason = _isAborted
            ? new ConnectionResetException("The connection to the web server is lost.")
            : new Microsoft.AspNetCore.Http.BadHttpRequestException("Unexpected end of request content.", StatusCodes.Status400BadRequest);
        foreach (var exchange in Requests.Seal(_isAborted))
        {
            exchange.EndInput(reason);
            if (!exchange.IsDispatched && Requests.TryEnd(exchange))
            {
                Finish(exchange, reuse: true);
            }
        }

        await Requests.WaitForAllAsync();
        _control.Clear();
    }
}
