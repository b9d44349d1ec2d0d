using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;

namespace Uwsgi.AspNetCore.Transport;

/// <summary>Reads the address forms of the options: TCP, unix and abstract sockets, inherited descriptors.</summary>
internal static class GatewayAddress
{
    // sockaddr_un has room for 108 bytes, the closing NUL included.
    private const int MaxUnixPathBytes = 107;

    /// <summary>Reads an address; <c>localhost</c> stands for two endpoints.</summary>
    /// <returns>What is wrong with the address, or <see langword="null"/>.</returns>
    public static string? TryParse(string text, out IReadOnlyList<EndPoint> endPoints)
    {
        endPoints = [];
        text = text.Trim();
        if (text.Length == 0)
        {
            return "it is empty";
        }

        if (text.StartsWith("fd://", StringComparison.Ordinal))
        {
            if (!ulong.TryParse(text.AsSpan(5), NumberStyles.None, CultureInfo.InvariantCulture, out var descriptor))
            {
                return "a descriptor is written fd://3";
            }

            endPoints = [new FileHandleEndPoint(descriptor, FileHandleType.Auto)];
            return null;
        }

        if (text.StartsWith("unix:@", StringComparison.Ordinal))
        {
            text = text[5..];
        }

        if (text[0] == '@')
        {
            return OperatingSystem.IsLinux()
                ? Unix("\0" + text[1..], out endPoints)
                : "abstract sockets exist on Linux only";
        }

        if (text.StartsWith("unix:", StringComparison.Ordinal))
        {
            // nginx writes unix:/path, uWSGI and others also unix:///path.
            var path = text[5..];
            return path.Length == 0
                ? "the socket has no name"
                : Unix(Path.GetFullPath(path[0] == '/' ? "/" + path.TrimStart('/') : path), out endPoints);
        }

        if (text[0] is '/' or '.' || text.EndsWith(".sock", StringComparison.Ordinal))
        {
            return Unix(Path.GetFullPath(text), out endPoints);
        }

        return Tcp(text, out endPoints);
    }

    private static string? Unix(string path, out IReadOnlyList<EndPoint> endPoints)
    {
        endPoints = [];
        if (path.Length <= 1)
        {
            return "the socket has no name";
        }

        if (System.Text.Encoding.UTF8.GetByteCount(path) > MaxUnixPathBytes)
        {
            return $"a unix socket's path can have {MaxUnixPathBytes} bytes at most";
        }

        endPoints = [new UnixDomainSocketEndPoint(path)];
        return null;
    }

    private static string? Tcp(string text, out IReadOnlyList<EndPoint> endPoints)
    {
        endPoints = [];
        var colon = text.LastIndexOf(':');
        if (colon < 0
            || !ushort.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port))
        {
            return "it is neither host:port nor the path of a unix socket";
        }

        var host = text[..colon];
        if (host is "" or "*" or "+")
        {
            endPoints = [new IPEndPoint(Socket.OSSupportsIPv6 ? IPAddress.IPv6Any : IPAddress.Any, port)];
            return null;
        }

        if (host.Equals("localhost", StringComparison.OrdinalIgnoreCase))
        {
            if (port == 0)
            {
                return "localhost means two sockets, which cannot share a port chosen by the system; use 127.0.0.1:0 or [::1]:0";
            }

            endPoints = IsIpv6LoopbackAvailable()
                ? [new IPEndPoint(IPAddress.Loopback, port), new IPEndPoint(IPAddress.IPv6Loopback, port)]
                : [new IPEndPoint(IPAddress.Loopback, port)];
            return null;
        }

        var isBracketed = host is ['[', .., ']'];
        if (!IPAddress.TryParse(isBracketed ? host[1..^1] : host, out var address)
            || (!isBracketed && host.AsSpan().Count('.') != 3)
            || isBracketed != (address.AddressFamily == AddressFamily.InterNetworkV6))
        {
            return "the host is no IP address (write IPv6 in brackets; localhost and * are known)";
        }

        endPoints = [new IPEndPoint(address, port)];
        return null;
    }

    // A kernel can know IPv6 and still have no ::1, as in many containers.
    private static bool IsIpv6LoopbackAvailable()
    {
        if (!Socket.OSSupportsIPv6)
        {
            return false;
        }

        try
        {
            using var probe = new Socket(AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp);
            probe.Bind(new IPEndPoint(IPAddress.IPv6Loopback, 0));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
