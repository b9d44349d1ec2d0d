using System.Buffers;
using Uwsgi.AspNetCore.Protocols;
using Uwsgi.AspNetCore.Protocols.Uwsgi;

namespace Uwsgi.AspNetCore.Hosting;

/// <summary>The uwsgi protocol's head: a packet.</summary>
internal sealed class UwsgiHeadReader : HeadReader
{
    public static readonly UwsgiHeadReader Instance = new();

    public override GatewayProtocol Protocol => GatewayProtocol.Uwsgi;

    public override bool HasStatusLine => true;

    public override HeadScan Scan(in ReadOnlySequence<byte> buffer, GatewaySettings settings)
    {
        if (!UwsgiPacket.TryReadHeader(buffer, out var header))
        {
            return new HeadScan(HeadScanStatus.NeedMore);
        }

        if (header is { Modifier1: UwsgiPacket.PingModifier, Size: 0 })
        {
            return new HeadScan(HeadScanStatus.Ping);
        }

        if (header.LooksLikeHttp)
        {
            throw new GatewayProtocolException(
                GatewayRejection.HttpOnGatewayPort,
                "The peer speaks HTTP to a uwsgi socket; use uwsgi_pass instead of proxy_pass, or connect to an HTTP endpoint.");
        }

        if (header.LooksLikeTls)
        {
            throw new GatewayProtocolException(
                GatewayRejection.TlsOnGatewayPort,
                "The peer speaks TLS to a uwsgi socket; use uwsgi:// instead of suwsgi:// or put UseHttps() in front of UseUwsgi().");
        }

        if (!settings.Serves(header.Modifier1))
        {
            throw new GatewayProtocolException(
                GatewayRejection.UnsupportedModifier, $"Packets with modifier1 {header.Modifier1} are not served (option Modifiers).");
        }

        if (header.Size > settings.BufferSize)
        {
            throw new GatewayProtocolException(
                GatewayRejection.BlockTooLarge,
                $"The packet announces {header.Size} bytes of variables; the limit is {settings.BufferSize} (option BufferSize).");
        }

        return buffer.Length < UwsgiPacket.HeaderSize + header.Size
            ? new HeadScan(HeadScanStatus.NeedMore)
            : new HeadScan(HeadScanStatus.Complete, UwsgiPacket.HeaderSize, header.Size, header.Modifier1, header.Modifier2);
    }

    public override void Decode(GatewayVariables variables) => UwsgiPacket.DecodeBlock(variables);
}
