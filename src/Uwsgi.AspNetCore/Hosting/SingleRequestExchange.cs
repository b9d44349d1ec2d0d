using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;
using Uwsgi.AspNetCore.Harakiri;

namespace Uwsgi.AspNetCore.Hosting;

/// <summary>The exchange of a connection that carries one request: no framing, the connection's end is the response's end.</summary>
internal sealed class SingleRequestExchange(
    ConnectionContext connection, GatewaySettings settings, HeadReader head, HeadScan scan, ConnectionTimeouts timeouts) : GatewayExchange
{
    private readonly PipeWriter _output = connection.Transport.Output;
    private volatile bool _isAborted;
    private volatile ConnectionAbortedException? _cut;

    public override GatewayProtocol Protocol => head.Protocol;

    public override ConnectionContext Connection => connection;

    public override GatewaySettings Settings => settings;

    public override PipeReader Input => connection.Transport.Input;

    public override bool InputEndsBody => false;

    public override bool HasStatusLine => head.HasStatusLine;

    public override bool CanUpgrade => true;

    public override ConnectionTimeouts Timeouts => timeouts;

    public override bool IsAborted => _isAborted || HasPeerGone;

    public override int Modifier1 => scan.Modifier1;

    public override int Modifier2 => scan.Modifier2;

    public override Memory<byte> GetMemory(int sizeHint = 0) => _output.GetMemory(sizeHint);

    public override void Advance(int count) => _output.Advance(count);

    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken) => _output.FlushAsync(cancellationToken);

    public override void EndResponse()
    {
    }

    // Apache waits for the end of an SCGI connection whatever the length says; over uwsgi nobody does.
    public override void CloseOutput(bool isLengthAnnounced)
    {
        if (!isLengthAnnounced || Protocol == GatewayProtocol.Scgi)
        {
            _output.Complete();
        }
    }

    public override Action? Answer(ReadOnlySpan<byte> response)
    {
        _isAborted = true;
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
            connection.Abort(reason);
        }
    }

    public override void Abort(ConnectionAbortedException reason)
    {
        _isAborted = true;
        connection.Abort(reason);
    }
}
