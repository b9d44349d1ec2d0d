using System.Buffers;
using Uwsgi.AspNetCore.Protocols;
using Uwsgi.AspNetCore.Protocols.Scgi;

namespace Uwsgi.AspNetCore.Hosting;

/// <summary>The SCGI protocol's head: a netstring.</summary>
internal sealed class ScgiHeadReader : HeadReader
{
    public static readonly ScgiHeadReader Instance = new();

    public override GatewayProtocol Protocol => GatewayProtocol.Scgi;

    public override bool HasStatusLine => false;

    public override HeadScan Scan(in ReadOnlySequence<byte> buffer, GatewaySettings settings) =>
        ScgiHead.TryFind(buffer, settings.BufferSize, out var start, out var length)
            ? new HeadScan(HeadScanStatus.Complete, start, length) { TrailerLength = 1 }
            : new HeadScan(HeadScanStatus.NeedMore);

    public override void Decode(GatewayVariables variables) => ScgiHead.DecodeBlock(variables);
}
