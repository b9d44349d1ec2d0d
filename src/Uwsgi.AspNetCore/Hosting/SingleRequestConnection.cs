using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
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
/// The object serves one connection after another; it goes back to its pool when nothing of the last one can reach it any more. The input is
/// advanced here until the request has begun, then by the request's body only. Returning closes the connection: the transport sends what is
/// left of the output first.
/// </remarks>
internal sealed partial class SingleRequestConnection : GatewayExchange
{
    private readonly GatewayServices _services;
    private readonly GatewaySettings _settings;
    private readonly GatewayApplication _application;
    private readonly Pool<SingleRequestConnection> _pool;
    private readonly ConnectionTimeouts _timeouts;
    private ConnectionContext _connection = null!;
    private PipeReader _input = null!;
    private PipeWriter _output = null!;
    private HeadReader _head = null!;
    private HeadScan _scan;
    private TimeSpan _waited;
    private GatewayRequest? _request;
    private bool _isWithoutBody;
    private bool _isUncounted;

    /// <param name="services">What the connections share.</param>
    /// <param name="application">Where requests go.</param>
    /// <param name="pool">Where the object goes when it can serve another connection.</param>
    public SingleRequestConnection(GatewayServices services, GatewayApplication application, Pool<SingleRequestConnection> pool)
    {
        _services = services;
        _settings = services.Settings;
        _application = application;
        _pool = pool;
        _timeouts = new ConnectionTimeouts(
            services.Clock,
            this,
            static target => ((SingleRequestConnection)target)._input.CancelPendingRead(),
            static (target, reason) => ((SingleRequestConnection)target)._connection.Abort(reason));
    }

    /// <summary>Serves a connection that has been counted, to its end.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="head">The protocol's way to find and decode a head.</param>
    /// <param name="waited">How much of the time for the head is over already.</param>
    public async Task RunAsync(ConnectionContext connection, HeadReader head, TimeSpan waited)
    {
        Attach(connection, head, waited);
        var reuse = false;
        try
        {
            try
            {
                _scan = await ReadHeadAsync();
                switch (_scan.Status)
                {
                    case HeadScanStatus.Complete:
                        var request = _request!;
                        BeginRequest(request);
                        await _application.ProcessAsync(request);
                        if (!request.IsAborted && !await request.DrainAsync())
                        {
                            Log.BodyNotDrained(_services.Logger, connection.ConnectionId);
                        }

                        reuse = request.CanBeReused;
                        break;
                    case HeadScanStatus.Ping:
                        await AnswerPingAsync();
                        break;
                }
            }
            catch (GatewayProtocolException rejected)
            {
                await RejectAsync(rejected);
            }
        }
        catch (Exception gone) when (ConnectionLoss.Is(gone))
        {
            Log.ConnectionReset(_services.Logger, _connection.ConnectionId, gone);
        }
        catch (Exception broken)
        {
            Log.ConnectionFailed(_services.Logger, _connection.ConnectionId, broken);
            connection.Abort(new ConnectionAbortedException("The gateway connection failed.", broken));
        }
        finally
        {
            End(reuse);
        }
    }

    /// <summary>Forgets the connection.</summary>
    public void Reset()
    {
        _timeouts.Reset();
        _connection = null!;
        _input = null!;
        _output = null!;
        _head = null!;
        _scan = default;
        _waited = default;
        _request = null;
        _isWithoutBody = false;
        _isUncounted = false;
        _isAborted = false;
        _cut = null;
        _isFlushLast = false;
        _isOutputClosed = false;
        ResetWatch();
    }

    private void Attach(ConnectionContext connection, HeadReader head, TimeSpan waited)
    {
        _connection = connection;
        _input = connection.Transport.Input;
        _output = connection.Transport.Output;
        _head = head;
        _waited = waited;
    }

    private void End(bool reuse)
    {
        if (_request is { } request)
        {
            _application.Return(request, reuse);
        }

        Uncount();
        if (reuse && _settings.PoolRequests && _timeouts.CanBeReused)
        {
            Reset();
            _pool.Give(this);
        }
    }

    private void Uncount()
    {
        if (!_isUncounted)
        {
            _isUncounted = true;
            _services.Connections.Remove();
        }
    }

    // NeedMore means that the peer, or the server, ended the connection before the head was complete.
    private ValueTask<HeadScan> ReadHeadAsync()
    {
        if (_input.TryRead(out var read))
        {
            var isEmpty = read.Buffer.IsEmpty;
            var scan = Take(read.Buffer);
            if (scan.Status != HeadScanStatus.NeedMore || read.IsCompleted)
            {
                return new ValueTask<HeadScan>(scan.Status != HeadScanStatus.NeedMore ? scan : EndOfInput(isEmpty));
            }
        }

        return ReadHeadSlowAsync();
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<HeadScan> ReadHeadSlowAsync()
    {
        var lifetime = _connection.Features.Get<IConnectionLifetimeNotificationFeature>();
        using var closeRequest = lifetime?.ConnectionClosedRequested.UnsafeRegister(
            static input => ((PipeReader)input!).CancelPendingRead(), _input) ?? default;
        _timeouts.StartRead(_settings.RequestHeadersTimeout - _waited);
        try
        {
            while (true)
            {
                var read = await _input.ReadAsync();
                var isEmpty = read.Buffer.IsEmpty;
                var scan = Take(read.Buffer);
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
                            $"The head did not arrive within {_settings.RequestHeadersTimeout.TotalSeconds} s (option Limits:RequestHeadersTimeout).")
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

    // Advances in any case: past a complete head, whose variables a request has by then, else past nothing that was seen.
    private HeadScan Take(in ReadOnlySequence<byte> buffer)
    {
        var (consumed, examined) = (buffer.Start, buffer.End);
        try
        {
            var scan = _head.Scan(buffer, _settings);
            if (scan.Status == HeadScanStatus.Complete)
            {
                _request = _application.Rent();
                _request.Variables.Load(buffer.Slice(scan.BlockStart, scan.BlockLength));
                consumed = examined = buffer.GetPosition(scan.BlockStart + scan.BlockLength + scan.TrailerLength);
            }
            else if (scan.Status == HeadScanStatus.Ping)
            {
                examined = consumed;
            }

            return scan;
        }
        finally
        {
            _input.AdvanceTo(consumed, examined);
        }
    }

    private HeadScan NoteSilence()
    {
        _services.Metrics.Rejected(GatewayRejection.HeadTimeout);
        return new HeadScan(HeadScanStatus.NeedMore);
    }

    private HeadScan EndOfInput(bool isEmpty)
    {
        if (!isEmpty)
        {
            _services.Metrics.Rejected(GatewayRejection.UnexpectedEnd);
            Log.RequestRejected(_services.Logger, _connection.ConnectionId, GatewayRejection.UnexpectedEnd, "The peer closed in the middle of a head.");
        }

        return new HeadScan(HeadScanStatus.NeedMore);
    }

    private void BeginRequest(GatewayRequest request)
    {
        _head.Decode(request.Variables);
        _isWithoutBody = request.Variables[KnownVariable.ContentLength] is [] or [(byte)'0'];
        request.Begin(this);
    }

    private async ValueTask AnswerPingAsync()
    {
        _services.Metrics.Pinged();
        Log.Ping(_services.Logger, _connection.ConnectionId);
        _output.Write(UwsgiPacket.Pong);
        await _output.FlushAsync();
    }

    private async ValueTask RejectAsync(GatewayProtocolException rejected)
    {
        _services.Metrics.Rejected(rejected.Reason);
        if (rejected.Reason is GatewayRejection.HttpOnGatewayPort or GatewayRejection.TlsOnGatewayPort)
        {
            Log.WrongProtocol(_services.Logger, _connection.ConnectionId, rejected.Message);
        }
        else
        {
            Log.RequestRejected(_services.Logger, _connection.ConnectionId, rejected.Reason, rejected.Message);
        }

        if (rejected.StatusCode != 0)
        {
            ResponseHeadWriter.WriteEmpty(_output, _head.HasStatusLine, rejected.StatusCode);
            await _output.FlushAsync();
            // A length that is refused says nothing about what follows: nginx, not buffering, announces what it has read, nothing at first.
            if ((!_isWithoutBody || rejected.Reason == GatewayRejection.InvalidContentLength) && rejected.Reason != GatewayRejection.HeadTimeout)
            {
                CloseOutput(isLengthAnnounced: true, isRequestRead: false);
                await DiscardInputAsync();
            }
        }
    }

    // The answer would be lost if the connection was closed with unread input; the peer's own close ends the wait.
    private async ValueTask DiscardInputAsync()
    {
        if (_settings.DrainTimeout <= TimeSpan.Zero)
        {
            return;
        }

        _timeouts.StartRead(_settings.DrainTimeout);
        try
        {
            for (var discarded = 0L; discarded <= _settings.MaxDrainBytes && !_timeouts.IsReadExpired;)
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
