using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Microsoft.Win32.SafeHandles;
using Uwsgi.AspNetCore.Harakiri;
using Uwsgi.AspNetCore.Transport;

namespace Uwsgi.AspNetCore.Hosting;

/// <remarks>The exchange of a connection that carries one request: no framing, the connection's end is the response's end.</remarks>
internal sealed partial class SingleRequestConnection
{
    private volatile bool _isAborted;
    private volatile ConnectionAbortedException? _cut;
    private bool _isFlushLast;
    private bool _isOutputClosed;

    public override GatewayProtocol Protocol => _head.Protocol;

    public override ConnectionContext Connection => _connection;

    public override GatewaySettings Settings => _settings;

    public override PipeReader Input => _input;

    public override bool InputEndsBody => false;

    public override bool HasStatusLine => _head.HasStatusLine;

    public override bool CanUpgrade => true;

    public override ConnectionTimeouts Timeouts => _timeouts;

    public override bool IsAborted => _isAborted || HasPeerGone;

    public override int Modifier1 => _scan.Modifier1;

    public override int Modifier2 => _scan.Modifier2;

    public override Memory<byte> GetMemory(int sizeHint = 0) => _output.GetMemory(sizeHint);

    public override void Advance(int count) => _output.Advance(count);

    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken)
    {
        if (!_isFlushLast)
        {
            return _output.FlushAsync(cancellationToken);
        }

        if (_isOutputClosed)
        {
            return default;
        }

        _isOutputClosed = true;
        return ((ILastFlushWriter)_output).FlushLastAsync(cancellationToken);
    }

    public override void NoteLastByte(bool isRequestRead)
    {
        _isFlushLast = _isOutputClosed || (isRequestRead && _output is ILastFlushWriter { PrefersLastFlush: true });
    }

    public override bool CanSendFiles => _connection.Features.Get<IFileTransportFeature>() is not null;

    public override async ValueTask<FlushResult> SendFileAsync(SafeFileHandle file, long offset, long count, CancellationToken cancellationToken)
    {
        await _output.FlushAsync(cancellationToken);
        try
        {
            if (await _connection.Features.Get<IFileTransportFeature>()!.SendFileAsync(file, offset, count, cancellationToken) == count)
            {
                return default;
            }

            Abort(new ConnectionAbortedException("The peer has gone, or the file has become shorter while it was sent."));
        }
        catch (IOException unreadable)
        {
            Abort(new ConnectionAbortedException("The file could not be read while it was sent.", unreadable));
        }

        return new FlushResult(isCanceled: false, isCompleted: true);
    }

    public override void EndResponse()
    {
    }

    // Apache waits for the end of an SCGI connection whatever the length says; over uwsgi nobody does.
    public override void CloseOutput(bool isLengthAnnounced, bool isRequestRead)
    {
        if ((!isLengthAnnounced || Protocol == GatewayProtocol.Scgi) && (isRequestRead || _output is ILastFlushWriter))
        {
            _output.Complete();
        }
    }

    public override void ReleaseConnection()
    {
        Uncount();
        _connection.Features.Get<IDecrementConcurrentConnectionCountFeature>()?.ReleaseConnection();
    }

    public override Action? Answer(ReadOnlySpan<byte> response)
    {
        _isAborted = true;
        var connection = _connection;
        if (DirectSocket.Of(connection.Features) is { } socket)
        {
            if (!DirectSocket.TrySend(socket, response))
            {
                connection.Abort(new ConnectionAbortedException("The web server does not take the answer of a request that took too long."));
            }
        }
        else
        {
            _output.Write(response);
            _output.Complete();
        }

        return () => connection.Abort(new ConnectionAbortedException("The request took too long."));
    }

    public override Action? Cut(ConnectionAbortedException reason)
    {
        _isAborted = true;
        _cut = reason;
        return EndCut;
    }

    public override void EndCut()
    {
        if (_cut is { } reason)
        {
            _connection.Abort(reason);
        }
    }

    public override void Abort(ConnectionAbortedException reason)
    {
        _isAborted = true;
        _connection.Abort(reason);
    }
}
