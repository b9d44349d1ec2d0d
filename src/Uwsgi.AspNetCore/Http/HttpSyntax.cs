using System.Buffers;

namespace Uwsgi.AspNetCore.Http;

/// <summary>The character classes of RFC 9110 and RFC 3986 that messages are checked against.</summary>
internal static class HttpSyntax
{
    private const string TokenCharacters = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    private static readonly SearchValues<byte> TokenBytes = SearchValues.Create(System.Text.Encoding.ASCII.GetBytes(TokenCharacters));
    private static readonly SearchValues<char> TokenChars = SearchValues.Create(TokenCharacters);

    // Control characters end or split a line; a tab is the one that may stand in a value.
    private static readonly SearchValues<char> ControlChars = SearchValues.Create(
        [.. Enumerable.Range(0, 32).Where(c => c != '\t').Select(c => (char)c), '\x7f']);

    // What Kestrel takes in a name: it leaves out the sub-delimiters that have a meaning in lists, and escapes.
    private static readonly SearchValues<byte> RegNameBytes = SearchValues.Create(
        "!$&'()-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"u8);

    private static readonly SearchValues<byte> Ipv6Bytes = SearchValues.Create("0123456789abcdefABCDEF:."u8);

    public static bool IsToken(ReadOnlySpan<byte> value) => !value.IsEmpty && !value.ContainsAnyExcept(TokenBytes);

    public static bool IsToken(ReadOnlySpan<char> value) => !value.IsEmpty && !value.ContainsAnyExcept(TokenChars);

    public static int IndexOfControl(ReadOnlySpan<char> value) => value.IndexOfAny(ControlChars);

    /// <summary>Checks <c>host[:port]</c> as Kestrel does; an empty host is allowed.</summary>
    public static bool IsHost(ReadOnlySpan<byte> value)
    {
        if (value.IsEmpty)
        {
            return true;
        }

        ReadOnlySpan<byte> port;
        if (value[0] == '[')
        {
            var end = value.IndexOf((byte)']');
            if (end < 3 || value[1..end].ContainsAnyExcept(Ipv6Bytes))
            {
                return false;
            }

            port = value[(end + 1)..];
        }
        else
        {
            var colon = value.IndexOf((byte)':');
            var name = colon < 0 ? value : value[..colon];
            if (name.IsEmpty || name.ContainsAnyExcept(RegNameBytes))
            {
                return false;
            }

            port = colon < 0 ? default : value[colon..];
        }

        return port.IsEmpty || (port[0] == ':' && port.Length > 1 && !port[1..].ContainsAnyExceptInRange((byte)'0', (byte)'9'));
    }

    /// <summary>Tells whether a comma-separated list holds a token, in any case.</summary>
    public static bool ListContains(ReadOnlySpan<byte> list, ReadOnlySpan<byte> token)
    {
        foreach (var range in list.Split((byte)','))
        {
            if (System.Text.Ascii.EqualsIgnoreCase(TrimBlanks(list[range]), token))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Removes the blanks and tabs around a field value, RFC 9110 section 5.5.</summary>
    public static ReadOnlySpan<byte> TrimBlanks(ReadOnlySpan<byte> value) => value.Trim(" \t"u8);

    /// <summary>Parses digits and nothing else; no sign, blank or comma, and no overflow.</summary>
    public static bool TryParseLength(ReadOnlySpan<byte> value, out long length)
    {
        length = 0;
        return !value.IsEmpty
            && !value.ContainsAnyExceptInRange((byte)'0', (byte)'9')
            && long.TryParse(value, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out length);
    }
}
