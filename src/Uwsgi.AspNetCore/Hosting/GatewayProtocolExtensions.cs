namespace Uwsgi.AspNetCore.Hosting;

/// <summary>The names of the protocols in addresses and metrics.</summary>
internal static class GatewayProtocolExtensions
{
    /// <summary>Gets the scheme of the protocol's addresses.</summary>
    public static string ToScheme(this GatewayProtocol protocol) => protocol switch
    {
        GatewayProtocol.FastCgi => "fastcgi",
        GatewayProtocol.Scgi => "scgi",
        _ => "uwsgi",
    };

    /// <summary>Splits an address with one of the protocols' schemes.</summary>
    public static bool TryParse(string address, out GatewayProtocol protocol, out string socket)
    {
        foreach (var known in (ReadOnlySpan<GatewayProtocol>)[GatewayProtocol.Uwsgi, GatewayProtocol.FastCgi, GatewayProtocol.Scgi])
        {
            var prefix = known.ToScheme() + "://";
            if (address.StartsWith(prefix, StringComparison.OrdinalIgnoreCase))
            {
                protocol = known;
                socket = address[prefix.Length..].TrimEnd('/');
                return true;
            }
        }

        protocol = default;
        socket = string.Empty;
        return false;
    }
}
