using System.Buffers;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Uwsgi.AspNetCore.Harakiri;
using Uwsgi.AspNetCore.Http;
using Uwsgi.AspNetCore.Protocols;
using Uwsgi.AspNetCore.Protocols.FastCgi;
using Uwsgi.AspNetCore.Transport;

namespace Uwsgi.AspNetCore.Hosting;

/// <remarks>What is sent, or done to the connection, in the place of a response that the application has not given.</remarks>
internal sealed partial class FastCgiConnection
{
    // For answers to a web server that has no request running, and so no reason not to read.
    private static readonly MinDataRate ControlRate = new(bytesPerSecond: 240, gracePeriod: TimeSpan.FromSeconds(5));

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

    /// <summary>Gets whether input can be received behind the end of the output.</summary>
    public bool CanHalfClose => Output.Writer is ILastFlushWriter;

    /// <summary>Closes the sending side behind a request when nothing can follow: nginx waits for that, not for END_REQUEST.</summary>
    public void CloseOutput(FastCgiExchange exchange)
    {
        if (Requests.TryCloseWith(exchange))
        {
            Output.TryClose([]);
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
        FastCgiRecord.WriteEndOfResponse(output, exchange.RequestId);
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
            if (!exchange.KeepsConnection && CanHalfClose && Requests.TryCloseWith(exchange))
            {
                Output.Close();
            }
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
}
