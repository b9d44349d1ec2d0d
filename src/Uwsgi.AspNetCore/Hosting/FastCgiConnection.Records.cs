using System.Buffers;
using System.Buffers.Binary;
using Uwsgi.AspNetCore.Protocols;
using Uwsgi.AspNetCore.Protocols.FastCgi;

namespace Uwsgi.AspNetCore.Hosting;

/// <remarks>What the records do that arrive; all of it on the read loop.</remarks>
internal sealed partial class FastCgiConnection
{
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
}
