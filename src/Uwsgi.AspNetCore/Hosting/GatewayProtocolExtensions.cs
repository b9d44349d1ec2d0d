namespace Uwsgi.AspNetCore.Hosting;

/// <summary>The names of the protocols in addresses and metrics; null stands for all of them, told apart by the first bytes.</summary>
internal static class GatewayProtocolExtensions
{
    private static readonly GatewayProtocol?[] Known = [GatewayProtocol.Uwsgi, GatewayProtocol.FastCgi, GatewayProtocol.Scgi, null];

    /// <inheritdoc cref="ToScheme(GatewayProtocol)"/>
    public static string ToScheme(this GatewayProtocol? protocol) => protocol?.ToScheme() ?? "gateway";

    /// <summary>Gets the scheme of the protocol's addresses.</summary>
    public static string ToScheme(this GatewayProtocol protocol) => protocol switch
    {
        GatewayProtocol.FastCgi => "fastcgi",
        GatewayProtocol.Scgi => "scgi",
        _ => "uwsgi",
    };

    /// <summary>Splits an address with one of the protocols' schemes.</summary>
    public static bool TryParse(string address, out GatewayProtocol? protocol, out string socket)
    {
        foreach (var known in Known)
        {
            var prefix = known.ToScheme() + "://";
            if (address.StartsWith(prefix, StringComparison.OrdinalIgnoreCase))
            {
                protocol = known;
                socket = address[prefix.Length..].TrimEnd('/');
                return true;
            }
        }

        protocol = null;
        socket = string.Empty;
        return false;
    }
}
