using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Uwsgi.AspNetCore.Http;
using Uwsgi.AspNetCore.Protocols;
using Uwsgi.AspNetCore.Protocols.Uwsgi;

namespace Uwsgi.AspNetCore.Hosting;

/// <summary>
/// A connection that carries one request: read the head, run the application, finish the response, drain the body, close.
/// </summary>
/// <remarks>
/// The input is advanced here until the request has begun, then by the request's body only. Returning closes the connection: the
/// transport sends what is left of the output first.
/// </remarks>
/// <param name="connection">The connection.</param>
/// <param name="head">The protocol's way to find and decode a head.</param>
/// <param name="services">What the connections share.</param>
/// <param name="waited">How much of the time for the head is over already.</param>
internal sealed class SingleRequestConnection(ConnectionContext connection, HeadReader head, GatewayServices services, TimeSpan waited)
{
    private readonly ConnectionTimeouts _timeouts = ConnectionTimeouts.Of(connection, services.Clock);
    private readonly PipeReader _input = connection.Transport.Input;
    private bool _isWithoutBody;

    private GatewaySettings Settings => services.Settings;

    public async Task RunAsync(GatewayApplication application)
    {
        try
        {
            try
            {
                await ServeAsync(application);
            }
            catch (GatewayProtocolException rejected)
            {
                await RejectAsync(rejected);
            }
        }
        catch (Exception gone) when (ConnectionLoss.Is(gone))
        {
            Log.ConnectionReset(services.Logger, connection.ConnectionId, gone);
        }
    }

    private async ValueTask ServeAsync(GatewayApplication application)
    {
        var scan = await ReadHeadAsync();
        switch (scan.Status)
        {
            case HeadScanStatus.Complete:
                await ProcessAsync(application, scan);
                break;
            case HeadScanStatus.Ping:
                await AnswerPingAsync();
                break;
        }
    }

    // Leaves the head unconsumed in the input. NeedMore means that the peer, or the server, ended the connection before it was complete.
    private async ValueTask<HeadScan> ReadHeadAsync()
    {
        if (_input.TryRead(out var read))
        {
            var isEmpty = read.Buffer.IsEmpty;
            var scan = Scan(read.Buffer);
            if (scan.Status != HeadScanStatus.NeedMore)
            {
                return scan;
            }

            if (read.IsCompleted)
            {
                return EndOfInput(isEmpty);
            }
        }

        return await ReadHeadSlowAsync();
    }

    private async ValueTask<HeadScan> ReadHeadSlowAsync()
    {
        var lifetime = connection.Features.Get<IConnectionLifetimeNotificationFeature>();
        using var closeRequest = lifetime?.ConnectionClosedRequested.UnsafeRegister(
            static input => ((PipeReader)input!).CancelPendingRead(), _input) ?? default;
        _timeouts.StartRead(Settings.RequestHeadersTimeout - waited);
        try
        {
            while (true)
            {
                var read = await _input.ReadAsync();
                var isEmpty = read.Buffer.IsEmpty;
                var scan = Scan(read.Buffer);
                if (scan.Status != HeadScanStatus.NeedMore)
                {
                    return scan;
                }

                if (_timeouts.IsReadExpired)
                {
                    // Somebody who never spoke is not answered either.
                    return !isEmpty
                        ? throw new GatewayProtocolException(
                            GatewayRejection.HeadTimeout,
                            $"The head did not arrive within {Settings.RequestHeadersTimeout.TotalSeconds} s (option Limits:RequestHeadersTimeout).")
                        : NoteSilence();
                }

                // A stopping server takes no new request, but finishes one that has begun to arrive.
                if (read.IsCompleted || (isEmpty && lifetime?.ConnectionClosedRequested.IsCancellationRequested == true))
                {
                    return EndOfInput(isEmpty);
                }
            }
        }
        finally
        {
            _timeouts.StopRead();
        }
    }

    // Advances in any case: past nothing when the head is complete, past all that was seen when it is not or never will be.
    private HeadScan Scan(in ReadOnlySequence<byte> buffer)
    {
        var examined = buffer.End;
        try
        {
            var scan = head.Scan(buffer, Settings);
            if (scan.Status != HeadScanStatus.NeedMore)
            {
                examined = buffer.Start;
            }

            return scan;
        }
        finally
        {
            _input.AdvanceTo(buffer.Start, examined);
        }
    }

    private HeadScan NoteSilence()
    {
        services.Metrics.Rejected(GatewayRejection.HeadTimeout);
        return new HeadScan(HeadScanStatus.NeedMore);
    }

    private HeadScan EndOfInput(bool isEmpty)
    {
        if (!isEmpty)
        {
            services.Metrics.Rejected(GatewayRejection.UnexpectedEnd);
            Log.RequestRejected(services.Logger, connection.ConnectionId, GatewayRejection.UnexpectedEnd, "The peer closed in the middle of a head.");
        }

        return new HeadScan(HeadScanStatus.NeedMore);
    }

    private async Task ProcessAsync(GatewayApplication application, HeadScan scan)
    {
        var request = application.Rent();
        var reuse = false;
        try
        {
            _input.TryRead(out var read);
            var block = read.Buffer.Slice(scan.BlockStart, scan.BlockLength);
            request.Variables.Load(block);
            _input.AdvanceTo(read.Buffer.GetPosition(scan.TrailerLength, block.End));
            head.Decode(request.Variables);
            _isWithoutBody = request.Variables[KnownVariable.ContentLength] is [] or [(byte)'0'];
            request.Begin(new SingleRequestExchange(connection, Settings, head, scan, _timeouts));

            await application.ProcessAsync(request);
            if (!request.IsAborted && !await request.DrainAsync())
            {
                Log.BodyNotDrained(services.Logger, connection.ConnectionId);
            }

            reuse = request.CanBeReused;
        }
        finally
        {
            application.Return(request, reuse);
        }
    }

    private async ValueTask AnswerPingAsync()
    {
        services.Metrics.Pinged();
        Log.Ping(services.Logger, connection.ConnectionId);
        connection.Transport.Output.Write(UwsgiPacket.Pong);
        await connection.Transport.Output.FlushAsync();
    }

    private async ValueTask RejectAsync(GatewayProtocolException rejected)
    {
        services.Metrics.Rejected(rejected.Reason);
        if (rejected.Reason is GatewayRejection.HttpOnGatewayPort or GatewayRejection.TlsOnGatewayPort)
        {
            Log.WrongProtocol(services.Logger, connection.ConnectionId, rejected.Message);
        }
        else
        {
            Log.RequestRejected(services.Logger, connection.ConnectionId, rejected.Reason, rejected.Message);
        }

        if (rejected.StatusCode != 0)
        {
            ResponseHeadWriter.WriteEmpty(connection.Transport.Output, head.HasStatusLine, rejected.StatusCode);
            await connection.Transport.Output.FlushAsync();
            // A length that is refused says nothing about what follows: nginx, not buffering, announces what it has read, nothing at first.
            if ((!_isWithoutBody || rejected.Reason == GatewayRejection.InvalidContentLength) && rejected.Reason != GatewayRejection.HeadTimeout)
            {
                await DiscardInputAsync();
            }
        }
    }

    // The answer would be lost if the connection was closed with unread input; the peer's own close ends the wait.
    private async ValueTask DiscardInputAsync()
    {
        if (Settings.DrainTimeout <= TimeSpan.Zero)
        {
            return;
        }

        _timeouts.StartRead(Settings.DrainTimeout);
        try
        {
            for (var discarded = 0L; discarded <= Settings.MaxDrainBytes && !_timeouts.IsReadExpired;)
            {
                var read = await _input.ReadAsync();
                discarded += read.Buffer.Length;
                _input.AdvanceTo(read.Buffer.End);
                if (read.IsCompleted)
                {
                    return;
                }
            }
        }
        finally
        {
            _timeouts.StopRead();
        }
    }
}
