using System.Globalization;
using System.Text;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.FunctionalTests.Attacks;

/// <summary>The same request in the bytes of each protocol. Nothing is repaired: what a test breaks stays broken.</summary>
internal static class GatewayWire
{
    /// <summary>The id of every FastCGI request that is alone on its connection.</summary>
    public const ushort Id = 1;

    public static IReadOnlyList<GatewayProtocol> Protocols { get; } = [GatewayProtocol.Uwsgi, GatewayProtocol.FastCgi, GatewayProtocol.Scgi];

    /// <summary>A request as nginx sends it over a protocol.</summary>
    public static UwsgiPacket Packet(GatewayProtocol protocol, string method = "GET", string target = "/")
    {
        var packet = UwsgiPacket.Nginx(method, target);
        return protocol == GatewayProtocol.Scgi ? packet.Set("CONTENT_LENGTH", "0") : packet;
    }

    /// <summary>Everything in front of the body.</summary>
    public static byte[] Head(GatewayProtocol protocol, UwsgiPacket packet, bool keep = false) => protocol switch
    {
        GatewayProtocol.FastCgi => FastCgiBytes.Head(Id, packet, keep),
        GatewayProtocol.Scgi => Netstring(packet),
        _ => packet.ToHead(),
    };

    /// <summary>A part of the body.</summary>
    public static byte[] Body(GatewayProtocol protocol, ReadOnlyMemory<byte> part) =>
        protocol == GatewayProtocol.FastCgi ? FastCgiBytes.Stream(FastCgiBytes.StdinType, Id, part) : part.ToArray();

    /// <inheritdoc cref="Body(GatewayProtocol, ReadOnlyMemory{byte})"/>
    public static byte[] Body(GatewayProtocol protocol, string latin1) => Body(protocol, Encoding.Latin1.GetBytes(latin1));

    /// <summary>The end of the body, where the protocol marks it.</summary>
    public static byte[] End(GatewayProtocol protocol) =>
        protocol == GatewayProtocol.FastCgi ? FastCgiBytes.End(FastCgiBytes.StdinType, Id) : [];

    /// <summary>A whole request with the packet's body.</summary>
    public static byte[] Request(GatewayProtocol protocol, UwsgiPacket packet, bool keep = false) =>
        [.. Head(protocol, packet, keep), .. Body(protocol, packet.Body), .. End(protocol)];

    // SCGI wants the length first and names itself; a packet without a length has none here either.
    private static byte[] Netstring(UwsgiPacket packet)
    {
        var variables = packet.Variables.ToList();
        var length = variables.FindIndex(variable => variable.Key == "CONTENT_LENGTH");
        if (length > 0)
        {
            var first = variables[length];
            variables.RemoveAt(length);
            variables.Insert(0, first);
        }

        variables.Insert(Math.Min(1, variables.Count), new("SCGI", "1"));
        var block = string.Concat(variables.Select(variable => $"{variable.Key}\0{variable.Value}\0"));
        return Encoding.Latin1.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{block.Length}:{block},"));
    }
}
