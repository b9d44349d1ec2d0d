using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.InteropServices;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Uwsgi.AspNetCore.Protocols;

namespace Uwsgi.AspNetCore.Hosting;

/// <summary>Finds out what a connection speaks and leaves its bytes where they are. <see cref="ProtocolDetector"/> has the rule.</summary>
/// <remarks>
/// Nobody is answered before the protocol is known. Who stays silent, or too slow to be told, is closed after
/// <c>Limits.RequestHeadersTimeout</c>; who has sent nothing is closed at once when the server stops.
/// </remarks>
internal sealed class ProtocolSniffer
{
    private readonly ConnectionContext _connection;
    private readonly GatewayServices _services;
    private readonly PipeReader _input;
    private readonly ConnectionTimeouts _timeouts;

    private ProtocolSniffer(ConnectionContext connection, GatewayServices services)
    {
        _connection = connection;
        _services = services;
        _input = connection.Transport.Input;
        _timeouts = ConnectionTimeouts.Of(connection, services.Clock);
    }

    /// <summary>Waits for a decision; null means that the connection is to be closed, which has been counted and logged.</summary>
    public static ValueTask<SniffedProtocol?> SniffAsync(ConnectionContext connection, GatewayServices services)
    {
        var detected = TryDetect(connection.Transport.Input, services.Settings);
        return detected is DetectedProtocol.NeedMore or DetectedProtocol.Tls or DetectedProtocol.Unknown
            ? new ProtocolSniffer(connection, services).WaitAsync()
            : new ValueTask<SniffedProtocol?>(new SniffedProtocol(detected, TimeSpan.Zero));
    }

    // As if nobody had looked: whoever comes next, the slow way included, gets the bytes, or the loss of the connection, again.
    private static DetectedProtocol TryDetect(PipeReader input, GatewaySettings settings)
    {
        try
        {
            if (!input.TryRead(out var read))
            {
                return DetectedProtocol.NeedMore;
            }

            var detected = ProtocolDetector.Detect(read.Buffer, settings.Modifiers);
            input.AdvanceTo(read.Buffer.Start, read.Buffer.Start);
            return detected;
        }
        catch (Exception gone) when (ConnectionLoss.Is(gone))
        {
            return DetectedProtocol.NeedMore;
        }
    }

    private async ValueTask<SniffedProtocol?> WaitAsync()
    {
        var lifetime = _connection.Features.Get<IConnectionLifetimeNotificationFeature>();
        using var closeRequest = lifetime?.ConnectionClosedRequested.UnsafeRegister(
            static input => ((PipeReader)input!).CancelPendingRead(), _input) ?? default;
        var started = _services.Clock.Timestamp;
        _timeouts.StartRead(_services.Settings.RequestHeadersTimeout);
        try
        {
            while (true)
            {
                var read = await _input.ReadAsync();
                var isEmpty = read.Buffer.IsEmpty;
                var detected = Detect(read.Buffer);
                switch (detected)
                {
                    case DetectedProtocol.NeedMore when _timeouts.IsReadExpired:
                        NoteTimeout(isEmpty);
                        return null;

                    // A stopping server takes no new request, but finishes one that has begun to arrive.
                    case DetectedProtocol.NeedMore when isEmpty && lifetime?.ConnectionClosedRequested.IsCancellationRequested == true:
                        return null;

                    case DetectedProtocol.NeedMore when read.IsCompleted:
                        NoteEnd(isEmpty);
                        return null;

                    case DetectedProtocol.NeedMore:
                        break;

                    case DetectedProtocol.Tls or DetectedProtocol.Unknown:
                        return null;

                    default:
                        return new SniffedProtocol(detected, _services.Clock.GetElapsed(started, _services.Clock.Timestamp));
                }
            }
        }
        catch (Exception gone) when (ConnectionLoss.Is(gone))
        {
            Log.ConnectionReset(_services.Logger, _connection.ConnectionId, gone);
            return null;
        }
        finally
        {
            _timeouts.StopRead();
        }
    }

    // Consumes nothing: whoever serves the connection starts at its first byte.
    private DetectedProtocol Detect(in ReadOnlySequence<byte> buffer)
    {
        var detected = ProtocolDetector.Detect(buffer, _services.Settings.Modifiers);
        if (detected is DetectedProtocol.Tls or DetectedProtocol.Unknown)
        {
            Reject(detected, buffer);
        }

        _input.AdvanceTo(buffer.Start, detected == DetectedProtocol.NeedMore ? buffer.End : buffer.Start);
        return detected;
    }

    private void Reject(DetectedProtocol detected, in ReadOnlySequence<byte> buffer)
    {
        if (detected == DetectedProtocol.Tls)
        {
            _services.Metrics.Rejected(GatewayRejection.TlsOnGatewayPort);
            Log.WrongProtocol(
                _services.Logger,
                _connection.ConnectionId,
                "The peer speaks TLS to a socket in the clear; leave TLS off there, or put UseHttps() in front of UseGateway().");
            return;
        }

        var bytes = buffer.Slice(0, Math.Min(ProtocolDetector.MaxBytes, buffer.Length)).ToArray();
        _services.Metrics.Rejected(GatewayRejection.UnknownProtocol);
        Log.WrongProtocol(
            _services.Logger,
            _connection.ConnectionId,
            $"Neither uwsgi with a served modifier (option Modifiers), FastCGI, SCGI nor HTTP starts with the bytes {Convert.ToHexString(bytes)}.");
    }

    private void NoteTimeout(bool isEmpty)
    {
        _services.Metrics.Rejected(GatewayRejection.HeadTimeout);
        if (!isEmpty)
        {
            Log.RequestRejected(
                _services.Logger,
                _connection.ConnectionId,
                GatewayRejection.HeadTimeout,
                $"No protocol could be told within {_services.Settings.RequestHeadersTimeout.TotalSeconds} s (option Limits:RequestHeadersTimeout).");
        }
    }

    private void NoteEnd(bool isEmpty)
    {
        if (!isEmpty)
        {
            _services.Metrics.Rejected(GatewayRejection.UnexpectedEnd);
            Log.RequestRejected(
                _services.Logger, _connection.ConnectionId, GatewayRejection.UnexpectedEnd, "The peer closed before its protocol could be told.");
        }
    }
}

/// <summary>What a connection speaks, and how much of its time for a head has gone into finding that out.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct SniffedProtocol(DetectedProtocol Protocol, TimeSpan Waited);
