using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Uwsgi.AspNetCore.Http;
using Uwsgi.AspNetCore.Protocols;
using Uwsgi.AspNetCore.Protocols.FastCgi;

namespace Uwsgi.AspNetCore.Hosting;

/// <summary>A FastCGI connection: any number of requests, one after another or at once, kept open while the web server wants it.</summary>
/// <remarks>
/// One task, <see cref="RunAsync"/>, reads records and alone advances the input. Requests run inline on it when they are the only one
/// (web servers that do not multiplex use id 1), else on the thread pool. Who writes to the connection's output holds
/// <see cref="Turn"/>. <c>_lock</c> guards the table of requests, which nothing outside the connection can reach.
/// </remarks>
internal sealed class FastCgiConnection
{
    // One request may keep this much of its STDIN waiting before its connection is read no further.
    private const int StdinBound = 128 * 1024;

    private readonly GatewayApplication _application;
    private readonly PipeReader _input;
    private readonly ConnectionTimeouts _timeouts;
    private readonly Lock _lock = new();
    private readonly Dictionary<ushort, FastCgiExchange> _requests = [];
    private readonly List<FastCgiExchange> _ready = [];
    private readonly BodyBuffer _control = new();
    private readonly TaskCompletionSource _allDone = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private FastCgiExchange? _spare;
    private FastCgiRecord? _record;
    private int _contentLeft;
    private int _paddingLeft;
    private bool _isContentStarted;
    private ushort _drainedId;
    private long _drainedBytes;
    private long _drainStarted;
    private FastCgiExchange? _blocked;
    private ValueTask<FlushResult> _blockedFlush;
    private int _running;
    private bool _isReading = true;
    private bool _hasServed;
    private volatile bool _isClosing;
    private volatile bool _isAborted;

    public FastCgiConnection(ConnectionContext connection, GatewayServices services, GatewayApplication application)
    {
        Connection = connection;
        Services = services;
        _application = application;
        _input = connection.Transport.Input;
        _timeouts = ConnectionTimeouts.Of(connection, services.Clock);
        var pool = connection.Features.Get<IMemoryPoolFeature>()?.MemoryPool;
        StdinOptions = new PipeOptions(pool, pauseWriterThreshold: StdinBound, resumeWriterThreshold: StdinBound / 2, useSynchronizationContext: false);
    }

    public ConnectionContext Connection { get; }

    public GatewayServices Services { get; }

    /// <summary>Gets the right to write to the connection's output; it passes from request to request in order.</summary>
    public SemaphoreSlim Turn { get; } = new(1, 1);

    public PipeOptions StdinOptions { get; }

    private GatewaySettings Settings => Services.Settings;

    public async Task RunAsync()
    {
        var lifetime = Connection.Features.Get<IConnectionLifetimeNotificationFeature>();
        using var closeRequest = lifetime?.ConnectionClosedRequested.UnsafeRegister(
            static connection => ((FastCgiConnection)connection!).RequestClose(), this) ?? default;
        try
        {
            await ReadAsync();
        }
        catch (GatewayProtocolException broken)
        {
            // The framing cannot be trusted any more, so no answer would reach its request.
            Services.Metrics.Rejected(broken.Reason);
            Log.RequestRejected(Services.Logger, Connection.ConnectionId, broken.Reason, broken.Message);
            _isAborted = true;
            Connection.Abort(new ConnectionAbortedException(broken.Message, broken));
        }
        catch (Exception gone) when (ConnectionLoss.Is(gone))
        {
            _isAborted = true;
            Log.ConnectionReset(Services.Logger, Connection.ConnectionId, gone);
        }

        await EndAllAsync();
    }

    /// <summary>Takes a request off the table: its END_REQUEST is about to be written, and its id is free.</summary>
    /// <returns>False when somebody else has ended it, so that its END_REQUEST is written once.</returns>
    public bool TryEndRequest(FastCgiExchange exchange)
    {
        lock (_lock)
        {
            if (exchange.HasEnded)
            {
                return false;
            }

            exchange.MarkEnded();
            if (_requests.TryGetValue(exchange.RequestId, out var active) && ReferenceEquals(active, exchange))
            {
                _requests.Remove(exchange.RequestId);
                if (!exchange.KeepsConnection && exchange is { IsStdinEnded: false, Role: FastCgiRole.Responder })
                {
                    // Closing on unread input could cost the web server the response, so its rest is read first.
                    _drainedId = exchange.RequestId;
                    _drainStarted = Services.Clock.Timestamp;
                }
            }

            return true;
        }
    }

    /// <summary>Ends a request that cannot be answered properly any more.</summary>
    public void AbortRequest(FastCgiExchange exchange, ConnectionAbortedException reason)
    {
        exchange.EndInput(reason);
        if (exchange.HasEnded)
        {
            // The web server knows; what is on the connection now are other requests.
            return;
        }

        bool isAlone;
        lock (_lock)
        {
            isAlone = _requests.Count == 1 && _requests.ContainsKey(exchange.RequestId);
        }

        if (isAlone)
        {
            // Without END_REQUEST the web server knows that the response is incomplete.
            _isAborted = true;
            Connection.Abort(reason);
            return;
        }

        // Others are on the connection: only a status can tell, and it is all that FastCGI offers here. ProcessAsync sends it.
    }

    private async Task ReadAsync()
    {
        while (!_isAborted)
        {
            var read = await ReadInputAsync();
            var buffer = read.Buffer;
            var examined = read.Buffer.End;
            var isAllTaken = false;
            try
            {
                isAllTaken = Parse(ref buffer);
                if (!isAllTaken)
                {
                    examined = buffer.Start;
                }
            }
            finally
            {
                _input.AdvanceTo(buffer.Start, examined);
            }

            var isIdleTooLong = read.IsCanceled && _timeouts.IsReadExpired && !ExpireHalfOpen();
            if (_control.Length > 0)
            {
                await SendControlAsync();
            }

            Dispatch();
            if (_blocked is not null)
            {
                await WaitForReaderAsync();
            }

            if (isIdleTooLong || MayClose() || (read.IsCompleted && isAllTaken))
            {
                return;
            }
        }
    }

    private async ValueTask<ReadResult> ReadInputAsync()
    {
        if (_input.TryRead(out var read))
        {
            return read;
        }

        if (GetReadTimeout() is not { } timeout)
        {
            return await _input.ReadAsync();
        }

        _timeouts.StartRead(timeout);
        try
        {
            return await _input.ReadAsync();
        }
        finally
        {
            _timeouts.StopRead();
        }
    }

    // A half-open request bounds the wait, then the idle connection; while requests run there is nothing to wait for in time.
    private TimeSpan? GetReadTimeout()
    {
        lock (_lock)
        {
            if (_drainedId != 0 && _running == 0)
            {
                return Settings.DrainTimeout - Services.Clock.GetElapsed(_drainStarted, Services.Clock.Timestamp);
            }

            if (_requests.Count == 0 && _running == 0)
            {
                return _hasServed ? Settings.KeepAliveTimeout : Settings.RequestHeadersTimeout;
            }

            TimeSpan? shortest = null;
            foreach (var exchange in _requests.Values)
            {
                if (!exchange.AreParamsComplete)
                {
                    var left = Settings.RequestHeadersTimeout - Services.Clock.GetElapsed(exchange.Started, Services.Clock.Timestamp);
                    shortest = shortest is { } earlier && earlier < left ? earlier : left;
                }
            }

            return shortest;
        }
    }

    // False means that the connection itself has been idle for too long.
    private bool ExpireHalfOpen()
    {
        FastCgiExchange[] expired;
        lock (_lock)
        {
            if (_requests.Count == 0 && _running == 0)
            {
                return false;
            }

            expired = [.. _requests.Values.Where(exchange => !exchange.AreParamsComplete
                && Services.Clock.GetElapsed(exchange.Started, Services.Clock.Timestamp) >= Settings.RequestHeadersTimeout)];
        }

        foreach (var exchange in expired)
        {
            Reject(exchange, new GatewayProtocolException(
                GatewayRejection.HeadTimeout,
                $"The parameters did not arrive within {Settings.RequestHeadersTimeout.TotalSeconds} s (option Limits:RequestHeadersTimeout)."));
        }

        return true;
    }

    private void RequestClose()
    {
        _isClosing = true;
        _input.CancelPendingRead();
    }

    private bool MayClose()
    {
        lock (_lock)
        {
            return _isClosing && _requests.Count == 0 && _running == 0 && _drainedId == 0;
        }
    }

    // True when everything complete was taken, false when a reader has to catch up first.
    private bool Parse(ref ReadOnlySequence<byte> buffer)
    {
        while (true)
        {
            if (_record is null)
            {
                if (!FastCgiRecord.TryRead(ref buffer, out var header))
                {
                    return true;
                }

                _record = header;
                _contentLeft = header.ContentLength;
                _paddingLeft = header.PaddingLength;
                _isContentStarted = false;
                Check(header);
            }

            if (!TakeContent(_record.Value, ref buffer))
            {
                return _blocked is null;
            }

            var padding = (int)Math.Min(_paddingLeft, buffer.Length);
            buffer = buffer.Slice(padding);
            _paddingLeft -= padding;
            if (_paddingLeft > 0)
            {
                return true;
            }

            _record = null;
        }
    }

    private static void Check(in FastCgiRecord record)
    {
        var isManagementType = record.Type is FastCgiRecordType.GetValues or FastCgiRecordType.GetValuesResult or FastCgiRecordType.UnknownType;
        var isApplicationType = record.Type is >= FastCgiRecordType.BeginRequest and <= FastCgiRecordType.Data;
        if ((record.IsManagement && isApplicationType) || (!record.IsManagement && isManagementType))
        {
            throw new GatewayProtocolException(
                GatewayRejection.MalformedRecord, $"A record of type {record.Type} cannot have the request id {record.RequestId}.");
        }

        if (record.Type == FastCgiRecordType.BeginRequest && record.ContentLength != 8)
        {
            throw new GatewayProtocolException(
                GatewayRejection.MalformedRecord, $"A BEGIN_REQUEST has {record.ContentLength} bytes instead of 8.");
        }
    }

    // Takes what is there of a record's content; true when all of it was.
    private bool TakeContent(in FastCgiRecord record, ref ReadOnlySequence<byte> buffer)
    {
        switch (record.Type)
        {
            case FastCgiRecordType.BeginRequest or FastCgiRecordType.GetValues when buffer.Length < _contentLeft:
                return false;
            case FastCgiRecordType.BeginRequest:
                Begin(record.RequestId, buffer.Slice(0, _contentLeft));
                break;
            case FastCgiRecordType.GetValues:
                FastCgiPairs.WriteValues(
                    _control, buffer.Slice(0, _contentLeft).ToArray(), Settings.MaxRequestsPerConnection, Settings.MultiplexFastCgi);
                break;
            case FastCgiRecordType.Params or FastCgiRecordType.Stdin when Find(record.RequestId) is { } exchange:
                var isStdin = record.Type == FastCgiRecordType.Stdin;
                if (record.ContentLength == 0)
                {
                    EndStream(exchange, isStdin);
                    return true;
                }

                var part = buffer.Slice(0, Math.Min(buffer.Length, _contentLeft));
                var isTaken = isStdin ? AddStdin(exchange, part) : AddParams(exchange, part);
                buffer = buffer.Slice(part.Length);
                _contentLeft -= (int)part.Length;
                return _contentLeft == 0 && isTaken;
            case FastCgiRecordType.AbortRequest when !_isContentStarted:
                AbortByPeer(record.RequestId);
                break;
            case var unknown when record.IsManagement && unknown is not (FastCgiRecordType.GetValuesResult or FastCgiRecordType.UnknownType)
                && !_isContentStarted:
                FastCgiRecord.WriteUnknownType(_control, unknown);
                break;
        }

        // Everything else belongs to a request that is over or never was: it is read past.
        _isContentStarted = true;
        var skipped = (int)Math.Min(buffer.Length, _contentLeft);
        if (record.Type is FastCgiRecordType.Params or FastCgiRecordType.Stdin && record.RequestId == _drainedId)
        {
            NoteDrained(skipped, isEnd: record.Type == FastCgiRecordType.Stdin && record.ContentLength == 0);
        }

        buffer = buffer.Slice(skipped);
        _contentLeft -= skipped;
        return _contentLeft == 0;
    }

    private void NoteDrained(int bytes, bool isEnd)
    {
        lock (_lock)
        {
            _drainedBytes += bytes;
            if (isEnd || _drainedBytes > Settings.MaxDrainBytes)
            {
                _drainedId = 0;
            }
        }
    }

    private FastCgiExchange? Find(ushort requestId)
    {
        lock (_lock)
        {
            return _requests.GetValueOrDefault(requestId);
        }
    }

    private void Begin(ushort requestId, in ReadOnlySequence<byte> content)
    {
        Span<byte> body = stackalloc byte[8];
        content.CopyTo(body);
        var role = (FastCgiRole)BinaryPrimitives.ReadUInt16BigEndian(body);
        var keepsConnection = (body[2] & 1) != 0;
        lock (_lock)
        {
            if (_requests.ContainsKey(requestId))
            {
                throw new GatewayProtocolException(
                    GatewayRejection.MalformedRecord, $"A BEGIN_REQUEST names {requestId}, the id of a request that is not over.");
            }

            if (GetRefusal(role) is { } refusal)
            {
                FastCgiRecord.WriteEndRequest(_control, requestId, 0, refusal);
                var reason = refusal == FastCgiProtocolStatus.UnknownRole ? GatewayRejection.UnknownRole : GatewayRejection.RequestLimit;
                Services.Metrics.Rejected(reason);
                Log.RequestRejected(Services.Logger, Connection.ConnectionId, reason, $"The request {requestId} with role {(int)role} was answered {refusal}.");
                if (!keepsConnection && _requests.Count == 0)
                {
                    // Its parameters and its STDIN are on their way; closing on them could cost the web server the answer.
                    _isClosing = true;
                    _drainedId = requestId;
                    _drainStarted = Services.Clock.Timestamp;
                }

                return;
            }

            var exchange = _spare ?? new FastCgiExchange(this);
            _spare = null;
            exchange.Begin(requestId, role, keepsConnection, Services.Clock.Timestamp);
            exchange.Request ??= _application.Rent();
            _requests.Add(requestId, exchange);
        }
    }

    private FastCgiProtocolStatus? GetRefusal(FastCgiRole role)
    {
        if (role is not (FastCgiRole.Responder or FastCgiRole.Authorizer))
        {
            return FastCgiProtocolStatus.UnknownRole;
        }

        if (_requests.Count > 0 && !Settings.MultiplexFastCgi)
        {
            return FastCgiProtocolStatus.CantMpxConn;
        }

        // Requests that END_REQUEST has freed may still be running; they count as long as they do.
        var halfOpen = _requests.Values.Count(static exchange => !exchange.AreParamsComplete);
        return _isClosing || _running + _ready.Count + halfOpen >= Settings.MaxRequestsPerConnection || halfOpen >= Settings.MaxHalfOpenRequests
            ? FastCgiProtocolStatus.Overloaded
            : null;
    }

    private void EndStream(FastCgiExchange exchange, bool isStdin)
    {
        if (isStdin)
        {
            lock (_lock)
            {
                exchange.EndInput();
                if (exchange.RequestId == _drainedId && exchange.HasEnded)
                {
                    _drainedId = 0;
                }
            }

            return;
        }

        if (!exchange.AreParamsComplete)
        {
            exchange.AreParamsComplete = true;
            _ready.Add(exchange);
        }
    }

    private bool AddParams(FastCgiExchange exchange, in ReadOnlySequence<byte> part)
    {
        if (exchange.AreParamsComplete)
        {
            throw new GatewayProtocolException(GatewayRejection.MalformedRecord, "PARAMS go on behind their end.");
        }

        if (exchange.Request!.Variables.Length + part.Length > Settings.BufferSize)
        {
            Reject(exchange, new GatewayProtocolException(
                GatewayRejection.BlockTooLarge, $"The parameters are larger than {Settings.BufferSize} bytes (option BufferSize)."));
            return true;
        }

        exchange.Request.Variables.Append(part);
        return true;
    }

    private bool AddStdin(FastCgiExchange exchange, in ReadOnlySequence<byte> part)
    {
        if (!exchange.AreParamsComplete)
        {
            throw new GatewayProtocolException(GatewayRejection.MalformedRecord, "STDIN begins before the end of PARAMS.");
        }

        var flush = exchange.AddInput(part);
        if (flush.IsCompletedSuccessfully)
        {
            flush.GetAwaiter().GetResult();
            return true;
        }

        _blocked = exchange;
        _blockedFlush = flush;
        return false;
    }

    // The application is behind with a body. FastCGI has no flow control of its own: either the whole connection waits, or, when
    // that has gone on for too long for the other requests on it, this one is given up.
    private async ValueTask WaitForReaderAsync()
    {
        var exchange = _blocked!;
        _blocked = null;
        bool isAlone;
        lock (_lock)
        {
            isAlone = _requests.Count <= 1;
        }

        var flush = _blockedFlush.AsTask();
        if (isAlone)
        {
            await flush;
            return;
        }

        using var bound = new CancellationTokenSource(Settings.DrainTimeout, Services.Clock.Time);
        try
        {
            await flush.WaitAsync(bound.Token);
        }
        catch (OperationCanceledException)
        {
            Log.SlowReaderAborted(Services.Logger, Connection.ConnectionId, exchange.RequestId);
            // The application may be looking at what it has read, so the input is released only when it is through.
            exchange.AbortByPeer();
            await SendEndAsync(exchange, 1, FastCgiProtocolStatus.Overloaded);
        }
    }

    private void AbortByPeer(ushort requestId)
    {
        if (Find(requestId) is not { } exchange)
        {
            return;
        }

        exchange.AbortByPeer();
        if (TryEndRequest(exchange))
        {
            FastCgiRecord.WriteEndRequest(_control, requestId, 0, FastCgiProtocolStatus.RequestComplete);
            Forget(exchange);
        }
    }

    // Answers a request that never reaches the application, from the read loop.
    private void Reject(FastCgiExchange exchange, GatewayProtocolException rejected)
    {
        NoteRejection(rejected);
        if (TryEndRequest(exchange))
        {
            WriteRejection(_control, exchange, rejected);
            Forget(exchange);
        }
    }

    // Lets go of a request that the read loop has answered; if it runs, ProcessAsync sees to the rest.
    private void Forget(FastCgiExchange exchange)
    {
        _ready.Remove(exchange);
        if (!exchange.KeepsConnection)
        {
            _isClosing = true;
        }

        if (!exchange.IsDispatched)
        {
            Recycle(exchange, reuse: true);
        }
    }

    private void NoteRejection(GatewayProtocolException rejected)
    {
        Services.Metrics.Rejected(rejected.Reason);
        Log.RequestRejected(Services.Logger, Connection.ConnectionId, rejected.Reason, rejected.Message);
    }

    private static void WriteRejection(IBufferWriter<byte> output, FastCgiExchange exchange, GatewayProtocolException rejected)
    {
        var head = new ArrayBufferWriter<byte>(64);
        ResponseHeadWriter.WriteEmpty(head, hasStatusLine: false, rejected.StatusCode == 0 ? 400 : rejected.StatusCode);
        FastCgiRecord.WriteStream(output, FastCgiRecordType.Stdout, exchange.RequestId, head.WrittenSpan);
        FastCgiRecord.WriteHeader(output, FastCgiRecordType.Stdout, exchange.RequestId, 0);
        FastCgiRecord.WriteEndRequest(output, exchange.RequestId, 0, FastCgiProtocolStatus.RequestComplete);
    }

    // Inline where nothing can come of it: the only request, its body complete. Otherwise the loop must go on reading meanwhile.
    private void Dispatch()
    {
        foreach (var exchange in _ready)
        {
            exchange.IsDispatched = true;
            lock (_lock)
            {
                _running++;
            }

            if (exchange.RequestId == 1 && exchange.IsStdinEnded && _ready.Count == 1 && _running == 1)
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
                _isClosing = true;
            }

            await SendAsync(exchange, output => WriteRejection(output, exchange, rejected));
        }
        catch (Exception broken)
        {
            Log.ConnectionFailed(Services.Logger, Connection.ConnectionId, broken);
            _isAborted = true;
            Connection.Abort(new ConnectionAbortedException("The gateway connection failed.", broken));
        }
        finally
        {
            if (!exchange.HasEnded)
            {
                // Aborted while others are on the connection: without END_REQUEST its id would stay taken at the web server.
                await SendEndAsync(exchange, applicationStatus: 1, FastCgiProtocolStatus.RequestComplete);
                TryEndRequest(exchange);
            }

            exchange.ReleaseInput();
            Finish(exchange, reuse);
        }
    }

    private void Finish(FastCgiExchange exchange, bool reuse)
    {
        var keeps = exchange.KeepsConnection;
        Recycle(exchange, reuse);
        bool isLast;
        lock (_lock)
        {
            _hasServed = true;
            if (!keeps)
            {
                _isClosing = true;
            }

            isLast = --_running == 0;
            if (isLast && !_isReading)
            {
                _allDone.TrySetResult();
            }
        }

        if (isLast && _isClosing)
        {
            // The read loop waits for input; let it see that it may close.
            _input.CancelPendingRead();
        }
    }

    // Keeps one request object on the connection: requests that follow one another need no other, and no new facades.
    private void Recycle(FastCgiExchange exchange, bool reuse)
    {
        exchange.ReleaseInput();
        var request = exchange.Request!;
        if (reuse && Settings.PoolRequests)
        {
            request.Reset();
            lock (_lock)
            {
                if (_spare is null && _isReading)
                {
                    _spare = exchange;
                    return;
                }
            }
        }

        exchange.Request = null;
        _application.Return(request, reuse);
    }

    private async ValueTask SendControlAsync()
    {
        await Turn.WaitAsync();
        try
        {
            _control.DrainTo(Connection.Transport.Output);
            await Connection.Transport.Output.FlushAsync();
        }
        finally
        {
            Turn.Release();
        }
    }

    private Task SendEndAsync(FastCgiExchange exchange, uint applicationStatus, FastCgiProtocolStatus status) =>
        SendAsync(exchange, output => FastCgiRecord.WriteEndRequest(output, exchange.RequestId, applicationStatus, status));

    // Writes a request's last records, if they were not written yet.
    private async Task SendAsync(FastCgiExchange exchange, Action<IBufferWriter<byte>> write)
    {
        await Turn.WaitAsync();
        try
        {
            if (!_isAborted && TryEndRequest(exchange))
            {
                write(Connection.Transport.Output);
                await Connection.Transport.Output.FlushAsync();
            }
        }
        catch (Exception gone) when (gone is IOException or ObjectDisposedException)
        {
            Log.ConnectionReset(Services.Logger, Connection.ConnectionId, gone);
        }
        finally
        {
            Turn.Release();
        }
    }

    // Nothing is read any more: bodies end where they are, requests that never started are dropped, the others are waited for.
    private async ValueTask EndAllAsync()
    {
        FastCgiExchange[] left;
        lock (_lock)
        {
            _isReading = false;
            left = [.. _requests.Values];
            if (_running == 0)
            {
                _allDone.TrySetResult();
            }
        }

        foreach (var exchange in left)
        {
            exchange.EndInput(new ConnectionResetException("The web server closed the connection."));
            if (!exchange.IsDispatched)
            {
                TryEndRequest(exchange);
                Recycle(exchange, reuse: true);
            }
        }

        await _allDone.Task;
        if (_spare is { Request: { } spare })
        {
            _application.Return(spare, reuse: true);
        }

        _control.Clear();
        Turn.Dispose();
    }
}
