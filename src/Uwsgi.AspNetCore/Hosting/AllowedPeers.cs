using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;

namespace Uwsgi.AspNetCore.Hosting;

/// <summary>The addresses and networks that may connect; loopback when none is named.</summary>
internal sealed class AllowedPeers
{
    private readonly IPNetwork[] _networks;

    public AllowedPeers(IEnumerable<string> entries)
    {
        _networks = [.. entries.Select(entry => TryParse(entry, out var network)
            ? network.Value
            : throw new FormatException($"'{entry}' is neither an IP address nor a CIDR range."))];
    }

    /// <summary>
    /// Tells whether a connection's peer may connect; whose end is a unix socket is not asked for its address. A peer that has reset its connection may
    /// have none any more, but have left a request behind.
    /// </summary>
    public bool Admits(ConnectionContext connection) =>
        connection.LocalEndPoint is UnixDomainSocketEndPoint
        || (connection.RemoteEndPoint is { } peer ? Contains(peer) : connection.LocalEndPoint is not IPEndPoint);

    /// <summary>Tells whether a peer may connect. Unix sockets and pipes are guarded by their own permissions.</summary>
    public bool Contains(EndPoint? peer)
    {
        if (peer is not IPEndPoint { Address: var address })
        {
            return true;
        }

        if (address.IsIPv4MappedToIPv6)
        {
            address = address.MapToIPv4();
        }

        return _networks.Length == 0 ? IPAddress.IsLoopback(address) : IsInNetwork(address);
    }

    /// <summary>Parses <c>10.0.0.5</c> or <c>10.0.0.0/8</c>; host bits behind the prefix are ignored.</summary>
    public static bool TryParse(string entry, [NotNullWhen(true)] out IPNetwork? network)
    {
        network = null;
        var slash = entry.IndexOf('/', StringComparison.Ordinal);
        if (!IPAddress.TryParse(slash < 0 ? entry : entry[..slash], out var address))
        {
            return false;
        }

        var bits = address.GetAddressBytes();
        var prefix = bits.Length * 8;
        if (slash >= 0)
        {
            if (!int.TryParse(entry.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var given) || given > prefix)
            {
                return false;
            }

            prefix = given;
        }

        for (var i = 0; i < bits.Length; i++)
        {
            var kept = Math.Clamp(prefix - (i * 8), 0, 8);
            bits[i] &= (byte)(0xFF << (8 - kept));
        }

        network = new IPNetwork(new IPAddress(bits), prefix);
        return true;
    }

    private bool IsInNetwork(IPAddress address)
    {
        foreach (var network in _networks)
        {
            if (network.Contains(address))
            {
                return true;
            }
        }

        return false;
    }
}
