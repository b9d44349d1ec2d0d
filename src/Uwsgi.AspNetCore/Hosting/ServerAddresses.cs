using System.Net;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Uwsgi.AspNetCore.Transport;

namespace Uwsgi.AspNetCore.Hosting;

/// <summary>Addresses from <c>--urls</c>: turns those of gateway schemes into endpoints, and shows every endpoint by its true scheme.</summary>
internal static class ServerAddresses
{
    private const string KestrelScheme = "http://";

    /// <summary>
    /// Moves all addresses into Kestrel's own endpoints when gateway sockets are served: Kestrel refuses schemes it does not know,
    /// and ignores addresses as soon as there are endpoints in code.
    /// </summary>
    public static void Translate(IServerAddressesFeature feature, KestrelServerOptions kestrel, UwsgiOptions options)
    {
        string[] addresses = [.. feature.Addresses];
        if (!options.HasSockets && !Array.Exists(addresses, static address => GatewayProtocolExtensions.TryParse(address, out _, out _)))
        {
            return;
        }

        foreach (var address in addresses)
        {
            if (GatewayProtocolExtensions.TryParse(address, out var protocol, out var socket))
            {
                AddSocket(kestrel, socket, protocol, address);
            }
            else
            {
                AddHttp(kestrel, address);
            }
        }

        feature.Addresses.Clear();
        feature.PreferHostingUrls = false;
    }

    /// <summary>Opens one socket of the options.</summary>
    public static void AddSocket(KestrelServerOptions kestrel, string socket, GatewayProtocol? protocol, string source)
    {
        if (GatewayAddress.TryParse(socket, out var endPoints) is { } error)
        {
            throw new FormatException($"The address '{source}' cannot be used: {error}.");
        }

        foreach (var endPoint in endPoints)
        {
            kestrel.Listen(new GatewayEndPoint(endPoint, protocol), listen => UwsgiListenOptionsExtensions.Use(listen, protocol));
        }
    }

    /// <summary>Takes off what Kestrel puts in front of the name of an endpoint of ours.</summary>
    public static string ToTrueScheme(string address) =>
        address.StartsWith(KestrelScheme, StringComparison.Ordinal) && GatewayProtocolExtensions.TryParse(address[KestrelScheme.Length..], out _, out _)
            ? address[KestrelScheme.Length..]
            : address;

    // What Kestrel itself does with such an address.
    private static void AddHttp(KestrelServerOptions kestrel, string address)
    {
        var parsed = BindingAddress.Parse(address);
        var isHttps = parsed.Scheme.Equals("https", StringComparison.OrdinalIgnoreCase);
        if (!isHttps && !parsed.Scheme.Equals("http", StringComparison.OrdinalIgnoreCase))
        {
            throw new InvalidOperationException($"Unrecognized scheme in server address '{address}'. Known are uwsgi, fastcgi, scgi, gateway, http and https.");
        }

        if (!string.IsNullOrEmpty(parsed.PathBase))
        {
            throw new InvalidOperationException($"A path base can only be configured using IApplicationBuilder.UsePathBase(), not in '{address}'.");
        }

        Action<ListenOptions> configure = listen =>
        {
            if (isHttps)
            {
                listen.UseHttps();
            }
        };

        if (parsed.IsUnixPipe)
        {
            kestrel.ListenUnixSocket(parsed.UnixPipePath, configure);
        }
        else if (parsed.IsNamedPipe)
        {
            kestrel.ListenNamedPipe(parsed.NamedPipeName, configure);
        }
        else if (parsed.Host.Equals("localhost", StringComparison.OrdinalIgnoreCase))
        {
            kestrel.ListenLocalhost(parsed.Port, configure);
        }
        else if (IPAddress.TryParse(parsed.Host, out var ip))
        {
            kestrel.Listen(ip, parsed.Port, configure);
        }
        else
        {
            kestrel.ListenAnyIP(parsed.Port, configure);
        }
    }
}
