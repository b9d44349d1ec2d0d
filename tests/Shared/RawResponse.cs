using System.Globalization;
using System.Text;

namespace Uwsgi.AspNetCore.Testing;

/// <summary>An answer as it came over the wire: an HTTP/1.x head, or a CGI head with a Status field, and the bytes behind it.</summary>
public sealed class RawResponse
{
    private RawResponse(string statusLine, IReadOnlyList<KeyValuePair<string, string>> headers, byte[] head, byte[] body)
    {
        StatusLine = statusLine;
        Headers = headers;
        Head = head;
        Body = body;

        var parts = statusLine.Split(' ', 3);
        if (parts.Length < 2 || !int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var status))
            throw new FormatException($"'{statusLine}' is no status line.");

        Version = parts[0];
        StatusCode = status;
        ReasonPhrase = parts.Length == 3 ? parts[2] : null;
    }

    /// <summary>Gets the first line as it came, or one made from the Status field of a CGI head.</summary>
    public string StatusLine { get; }

    /// <summary>Gets the text before the status code: "HTTP/1.1", or "Status:" for a CGI head.</summary>
    public string Version { get; }

    public int StatusCode { get; }

    public string? ReasonPhrase { get; }

    /// <summary>Gets the header fields in the order in which they came.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Headers { get; }

    /// <summary>Gets the bytes of the head, the blank line included.</summary>
    public byte[] Head { get; }

    public byte[] Body { get; }

    /// <summary>Gets the body as UTF-8 text.</summary>
    public string Text => Encoding.UTF8.GetString(Body);

    /// <summary>Gets the head as text, one character per byte.</summary>
    public string HeadText => Encoding.Latin1.GetString(Head);

    /// <summary>Gets the only value of a field, or null when it is absent.</summary>
    /// <exception cref="InvalidOperationException">The field came more than once.</exception>
    public string? this[string name] => All(name).SingleOrDefault();

    /// <summary>Gets every value of a field, one per line of the head.</summary>
    public IEnumerable<string> All(string name) =>
        Headers.Where(header => header.Key.Equals(name, StringComparison.OrdinalIgnoreCase)).Select(header => header.Value);

    /// <summary>Parses an answer. Strict about what a server must send: CRLF line ends, no blank before a colon.</summary>
    /// <exception cref="FormatException">The bytes are no answer.</exception>
    public static RawResponse Parse(byte[] bytes)
    {
        var end = bytes.AsSpan().IndexOf("\r\n\r\n"u8);
        if (end < 0)
            throw new FormatException($"The head of the answer does not end: '{Encoding.Latin1.GetString(bytes)}'");

        var lines = Encoding.Latin1.GetString(bytes, 0, end).Split("\r\n");
        var isHttp = lines[0].StartsWith("HTTP/", StringComparison.Ordinal);
        var headers = lines.Skip(isHttp ? 1 : 0).Select(ParseField).ToList();
        var statusLine = isHttp ? lines[0] : StatusOf(headers);
        return new RawResponse(statusLine, headers, bytes[..(end + 4)], bytes[(end + 4)..]);
    }

    public override string ToString() => $"{HeadText}{Text}";

    private static KeyValuePair<string, string> ParseField(string line)
    {
        var colon = line.IndexOf(':', StringComparison.Ordinal);
        if (colon <= 0 || line[colon - 1] == ' ' || line.AsSpan().ContainsAny('\r', '\n', '\0'))
            throw new FormatException($"'{line}' is no header field.");

        return new(line[..colon], line[(colon + 1)..].Trim(' ', '\t'));
    }

    private static string StatusOf(List<KeyValuePair<string, string>> headers)
    {
        var status = headers.Where(header => header.Key.Equals("Status", StringComparison.OrdinalIgnoreCase)).Select(header => header.Value);
        return $"Status: {status.SingleOrDefault() ?? "200 OK"}";
    }
}
