using System.Buffers;
using System.Globalization;
using System.Text;
using Uwsgi.AspNetCore.Protocols;

namespace Uwsgi.AspNetCore.Http;

/// <summary>Turns the bytes of a path into the text that ASP.NET Core routes by.</summary>
internal static class RequestPath
{
    private const string HexDigits = "0123456789ABCDEF";

    /// <summary>Decodes a path variable. The web server has removed the percent-encoding, so it is not decoded again.</summary>
    /// <remarks>Bytes that are no UTF-8 are kept as percent escapes, as Kestrel keeps them.</remarks>
    /// <exception cref="GatewayProtocolException">The path holds NUL or climbs above the root.</exception>
    public static string DecodeVariable(ReadOnlySpan<byte> value)
    {
        if (value.Contains((byte)0))
        {
            throw new GatewayProtocolException(GatewayRejection.InvalidPath, "The path holds a NUL character.");
        }

        return RemoveDotSegments(ToText(value));
    }

    /// <summary>Decodes the path of a raw request target, by Kestrel's rules except that <c>%2F</c> is decoded on request.</summary>
    /// <exception cref="GatewayProtocolException">The path holds NUL or climbs above the root.</exception>
    public static string DecodeTarget(ReadOnlySpan<byte> target, bool keepEncodedSlashes)
    {
        var decoded = new byte[target.Length];
        var length = 0;
        for (var i = 0; i < target.Length; i++)
        {
            var current = target[i];
            if (current == '%' && i + 2 < target.Length
                && TryParseHex(target[i + 1], target[i + 2], out var value)
                && !(keepEncodedSlashes && value == '/'))
            {
                current = value;
                i += 2;
            }

            decoded[length++] = current;
        }

        return DecodeVariable(decoded.AsSpan(0, length));
    }

    /// <summary>Gets the path part of a request target: without scheme and authority, query and fragment; empty when it has none.</summary>
    public static ReadOnlySpan<byte> GetTargetPath(ReadOnlySpan<byte> target)
    {
        var end = target.IndexOfAny((byte)'?', (byte)'#');
        if (end >= 0)
        {
            target = target[..end];
        }

        return GetPathOfAbsoluteForm(target);
    }

    /// <summary>Removes scheme and authority from an absolute-form target; anything else that is no path becomes empty.</summary>
    public static ReadOnlySpan<byte> GetPathOfAbsoluteForm(ReadOnlySpan<byte> target)
    {
        if (target.IsEmpty || target[0] == '/')
        {
            return target;
        }

        var authority = target.IndexOf("://"u8);
        if (authority <= 0)
        {
            return default;
        }

        var path = target[(authority + 3)..];
        var slash = path.IndexOf((byte)'/');
        return slash >= 0 ? path[slash..] : "/"u8;
    }

    /// <summary>Tells whether a path is a prefix, or a prefix of whole segments of it.</summary>
    public static bool StartsWithSegments(string path, string prefix) =>
        path.StartsWith(prefix, StringComparison.Ordinal) && (path.Length == prefix.Length || path[prefix.Length] == '/');

    /// <summary>Reduces runs of slashes to one; only used to compare what web servers may have merged.</summary>
    public static string MergeSlashes(string path)
    {
        while (path.Contains("//", StringComparison.Ordinal))
        {
            path = path.Replace("//", "/", StringComparison.Ordinal);
        }

        return path;
    }

    /// <summary>Percent-encodes nothing but what a request target cannot hold, for targets that have to be made up.</summary>
    public static string Escape(string path) => new Microsoft.AspNetCore.Http.PathString(path).ToUriComponent();

    /// <summary>Reads a part of a target as it was sent, with raw bytes above 127, which no URI may hold, as percent escapes.</summary>
    public static string EscapeNonAscii(ReadOnlySpan<byte> value)
    {
        if (Ascii.IsValid(value))
        {
            return Encoding.ASCII.GetString(value);
        }

        var text = new StringBuilder(value.Length + 16);
        foreach (var b in value)
        {
            if (b < 0x80)
            {
                text.Append((char)b);
            }
            else
            {
                AppendEscape(text, b);
            }
        }

        return text.ToString();
    }

    // RFC 3986 section 5.2.4. nginx and Apache have done it already; HAProxy, Caddy and uWSGI's router have not.
    private static string RemoveDotSegments(string path)
    {
        if (!path.Contains("/.", StringComparison.Ordinal))
        {
            return path;
        }

        var segments = path.Split('/');
        var kept = new List<string>(segments.Length);
        for (var i = 1; i < segments.Length; i++)
        {
            var isLast = i == segments.Length - 1;
            switch (segments[i])
            {
                case ".":
                    break;
                case "..":
                    if (kept.Count == 0)
                    {
                        throw new GatewayProtocolException(GatewayRejection.InvalidPath, "The path climbs above the root.");
                    }

                    kept.RemoveAt(kept.Count - 1);
                    break;
                default:
                    kept.Add(segments[i]);
                    continue;
            }

            if (isLast)
            {
                kept.Add(string.Empty);
            }
        }

        return "/" + string.Join('/', kept);
    }

    private static string ToText(ReadOnlySpan<byte> value)
    {
        if (value is [(byte)'/'])
        {
            return "/";
        }

        if (System.Text.Unicode.Utf8.IsValid(value))
        {
            return Encoding.UTF8.GetString(value);
        }

        var text = new StringBuilder(value.Length + 16);
        Span<char> chars = stackalloc char[2];
        while (!value.IsEmpty)
        {
            if (Rune.DecodeFromUtf8(value, out var rune, out var consumed) == OperationStatus.Done)
            {
                text.Append(chars[..rune.EncodeToUtf16(chars)]);
            }
            else
            {
                foreach (var invalid in value[..consumed])
                {
                    AppendEscape(text, invalid);
                }
            }

            value = value[consumed..];
        }

        return text.ToString();
    }

    private static void AppendEscape(StringBuilder text, byte value) =>
        text.Append('%').Append(HexDigits[value >> 4]).Append(HexDigits[value & 15]);

    private static bool TryParseHex(byte high, byte low, out byte value) =>
        byte.TryParse([high, low], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value);
}
