using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Uwsgi.AspNetCore.Mounts;

/// <summary>The key of a mount in its normal form: a path on any host, a path on one host, or a name that only the web server can send.</summary>
/// <remarks>
/// A text without a slash is a host if it has a dot, is <c>localhost</c> or an address in brackets, and a name otherwise. So a client cannot
/// choose the mount <c>the_app1</c> with its Host header; who means a host without a dot writes <c>intranet/</c>.
/// </remarks>
/// <param name="Name">The name; null for hosts and paths.</param>
/// <param name="Host">The host in lower case and without port, or empty for any.</param>
/// <param name="Path">The path without a slash at its end, so empty for all of the host.</param>
internal readonly record struct MountKey(string? Name, string Host, string Path)
{
    private static readonly IdnMapping Idn = new() { UseStd3AsciiRules = false, AllowUnassigned = true };

    /// <summary>Reads a key of the configuration; returns what is wrong with it, or null.</summary>
    public static string? TryParse(string text, out MountKey key)
    {
        key = default;
        if (text.Length == 0)
        {
            return "is empty; the key of everything is '/'";
        }

        if (FindRefused(text) is { } refused)
        {
            return refused;
        }

        var (head, path) = Split(text);
        path = path.TrimEnd('/');
        if (path.Split('/').Skip(1).FirstOrDefault(static segment => segment is "" or "." or "..") is { } segment)
        {
            return segment.Length == 0 ? "has an empty segment; write one slash between segments" : $"has a segment '{segment}'; write the path without it";
        }

        if (head.Length == 0)
        {
            key = new MountKey(null, string.Empty, path);
            return null;
        }

        if (!head.StartsWith('[') && head.Contains(':', StringComparison.Ordinal))
        {
            return "has a port, or an IPv6 address without brackets; hosts are compared without port, and written like example.com or [::1]";
        }

        if (head.Length == text.Length && !IsHostLike(head))
        {
            key = new MountKey(head, string.Empty, string.Empty);
            return null;
        }

        if (NormalizeHost(head) is not { } host)
        {
            return $"starts with '{head}', which is no host; write a path with a slash in front, and a host like example.com or [::1]";
        }

        key = new MountKey(null, host, path);
        return null;
    }

    /// <summary>Divides a text at its first slash into what is in front of it and the path.</summary>
    public static (string Head, string Path) Split(string text)
    {
        var slash = text.IndexOf('/', StringComparison.Ordinal);
        return slash < 0 ? (text, string.Empty) : (text[..slash], text[slash..]);
    }

    /// <summary>Brings a host without port into the form hosts are compared in; null when it is none.</summary>
    public static string? NormalizeHost(string host)
    {
        if (host is ['[', .. var address, ']'])
        {
            return IPAddress.TryParse(address, out var ip) && ip.AddressFamily == AddressFamily.InterNetworkV6 ? $"[{ip}]" : null;
        }

        var name = ToAscii(host.EndsWith('.') ? host[..^1] : host)?.ToLowerInvariant();
        return name is not null
            && name.All(static c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_')
            && !name.Split('.').Contains(string.Empty)
            ? name : null;
    }

    private static string? ToAscii(string host)
    {
        try
        {
            return Ascii.IsValid(host) ? host : Idn.GetAscii(host);
        }
        catch (ArgumentException)
        {
            // A label that is empty, too long, or no name in any language.
            return null;
        }
    }

    private static bool IsHostLike(string text) =>
        text.Contains('.', StringComparison.Ordinal) || text.StartsWith('[') || text.Equals("localhost", StringComparison.OrdinalIgnoreCase);

    private static string? FindRefused(string text) => text.FirstOrDefault(static c => c is '?' or '#' or '%' or '*' || char.IsControl(c)) switch
    {
        '?' or '#' => "has a query or a fragment; a mount is a path",
        '%' => "has a percent sign; write the path decoded, as the app sees it",
        '*' => "has an asterisk; a mount holds everything below it, and every host has to be named",
        '\0' when !text.Contains('\0', StringComparison.Ordinal) => null,
        _ => "has a control character",
    };
}
