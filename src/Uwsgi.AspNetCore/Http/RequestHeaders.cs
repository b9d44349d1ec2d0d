using System.Text;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;
using Uwsgi.AspNetCore.Hosting;
using Uwsgi.AspNetCore.Protocols;

namespace Uwsgi.AspNetCore.Http;

/// <summary>The client's headers, checked at once and decoded when read.</summary>
/// <remarks>
/// The rule for names that arrive more than once, be it repeated lines or two spellings that CGI maps to one name
/// (<c>X-A</c> and <c>X_A</c>): the values are kept in order of arrival, as Kestrel keeps repeated lines; cookies are joined
/// with "; " because they are read as one line; a second, different Host is refused.
/// </remarks>
internal sealed class RequestHeaders : GatewayHeaders
{
    private const int MaxRememberedLength = 128;

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    // Names outside the table, remembered by hash so that an app's own headers do not make a new string each time.
    private readonly string?[] _recentNames = new string?[32];

    // Likewise values that hardly ever differ from one request to the next and are nobody's secret.
    private readonly string?[] _recentValues = new string?[32];
    // The last host that was found well-formed.
    private string? _lastHost;
    private GatewayVariables? _variables;
    private GatewaySettings? _settings;

    public override bool IsReadOnly => false;

    /// <summary>Gets whether a transfer coding was named, which says nothing about the bytes that arrive (gateways differ).</summary>
    public bool HasTransferEncoding { get; private set; }

    /// <summary>Gets whether the client asks to leave HTTP for another protocol.</summary>
    public bool HasUpgrade { get; private set; }

    /// <summary>Gets the client's own Content-Length where the web server passed it on, to compare with CONTENT_LENGTH.</summary>
    public long? ClientContentLength { get; private set; }

    /// <summary>Reads the header variables of a request.</summary>
    /// <exception cref="GatewayProtocolException">A header is malformed or there are too many.</exception>
    public void Load(GatewayVariables variables, GatewaySettings settings)
    {
        _variables = variables;
        _settings = settings;
        var connection = -1;
        var upgrade = -1;
        var lines = 0;
        for (var i = 0; i < variables.Count; i++)
        {
            var variable = variables.Name(i);
            if (!GatewayVariables.IsHeaderName(variable))
            {
                continue;
            }

            if (++lines > settings.MaxRequestHeaderCount)
            {
                throw new GatewayProtocolException(
                    GatewayRejection.TooManyHeaders,
                    $"The request has more than {settings.MaxRequestHeaderCount} headers (option Limits:MaxRequestHeaderCount).");
            }

            variable = variable[5..];
            var name = HeaderNameTable.Find(variable);
            var isUsual = name is not null;
            if (name is null && !TryGetName(variable, out name))
            {
                continue;
            }

            CheckValue(name, variables.Value(i));
            switch (name)
            {
                // Between client and web server only; the length and the type have variables of their own.
                case "Transfer-Encoding":
                    HasTransferEncoding |= !HttpSyntax.TrimBlanks(variables.Value(i)).IsEmpty;
                    break;
                case "Content-Length":
                    NoteClientContentLength(variables.Value(i));
                    break;
                case "Connection":
                    connection = HttpSyntax.ListContains(variables.Value(i), "upgrade"u8) ? i : connection;
                    break;
                case "Upgrade":
                    upgrade = i;
                    break;
                case "Content-Type" or "Keep-Alive" or "Proxy-Connection" or "TE" or "Expect" or HeaderNameTable.Proxy:
                    break;
                default:
                    AddHeader(name, i, isUsual);
                    break;
            }
        }

        if (connection >= 0 && upgrade >= 0)
        {
            HasUpgrade = true;
            AddLazy(HeaderNames.Connection, connection);
            AddLazy(HeaderNames.Upgrade, upgrade);
        }
    }

    /// <summary>Drops what only an upgrade would have needed.</summary>
    public void RemoveUpgrade()
    {
        HasUpgrade = false;
        Remove(HeaderNames.Connection);
        Remove(HeaderNames.Upgrade);
    }

    /// <summary>Sets the length that CONTENT_LENGTH announced.</summary>
    public void SetContentLength(long length) => ContentLength = length;

    /// <summary>Sets the type of the body.</summary>
    /// <exception cref="GatewayProtocolException">The value holds a control character.</exception>
    public void SetContentType(ReadOnlySpan<byte> value)
    {
        var text = value.Length <= MaxRememberedLength && Ascii.IsValid(value)
            ? RememberValue(HeaderNames.ContentType, value)
            : GatewayVariables.GetString(value);
        if (HttpSyntax.IndexOfControl(text) >= 0)
        {
            throw new GatewayProtocolException(GatewayRejection.InvalidHeaderValue, "CONTENT_TYPE holds a control character.");
        }

        SetUnchecked(HeaderNames.ContentType, text);
    }

    /// <summary>Tells whether a host is well-formed.</summary>
    public bool IsHostValid(string host)
    {
        if (ReferenceEquals(host, _lastHost))
        {
            return true;
        }

        Span<byte> ascii = host.Length <= 256 ? stackalloc byte[256] : new byte[host.Length];
        if (!Ascii.IsValid(host) || !HttpSyntax.IsHost(ascii[..Encoding.ASCII.GetBytes(host, ascii)]))
        {
            return false;
        }

        _lastHost = host;
        return true;
    }

    public void Reset()
    {
        ClearCore();
        _variables = null;
        _settings = null;
        HasTransferEncoding = false;
        HasUpgrade = false;
        ClientContentLength = null;
    }

    protected override StringValues Decode(string name, int source) => DecodeText(name, _variables!.Value(source));

    private string DecodeText(string name, ReadOnlySpan<byte> value)
    {
        value = HttpSyntax.TrimBlanks(value);
        if (_settings!.RequestHeaderEncodingSelector?.Invoke(name) is { } encoding)
        {
            return encoding.GetString(value);
        }

        return value.Length is > 0 and <= MaxRememberedLength && IsWorthRemembering(name)
            ? RememberValue(name, value)
            : StrictUtf8.GetString(value);
    }

    private static bool IsWorthRemembering(string name) =>
        name is "Host" or "User-Agent" or "Accept" or "Accept-Encoding" or "Accept-Language" or "Cache-Control" or "Origin";

    private string RememberValue(string name, ReadOnlySpan<byte> value)
    {
        ref var recent = ref _recentValues[(name.Length + (name[0] * 31) + (value.Length * 7) + value[^1]) & 31];
        if (recent is null || !Ascii.Equals(value, recent))
        {
            recent = StrictUtf8.GetString(value);
        }

        return recent;
    }

    // Of a usual name there is one instance only.
    private void AddHeader(string name, int source, bool isUsual)
    {
        var existing = isUsual ? FindReference(name) : Find(name);
        if (existing < 0)
        {
            AddLazy(name, source);
            return;
        }

        var earlier = GetValue(existing);
        var value = DecodeText(name, _variables!.Value(source));
        if (ReferenceEquals(name, HeaderNames.Cookie))
        {
            SetRaw(existing, earlier.ToString() + "; " + value);
        }
        else if (!ReferenceEquals(name, HeaderNames.Host))
        {
            SetRaw(existing, StringValues.Concat(earlier, value));
        }
        else if (!string.Equals(earlier.ToString(), value, StringComparison.OrdinalIgnoreCase))
        {
            throw new GatewayProtocolException(GatewayRejection.InvalidHost, "The request names two different hosts.");
        }
    }

    // A name with blanks or other characters that no header can have is not passed on; no client could have meant it.
    private bool TryGetName(ReadOnlySpan<byte> cgiName, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out string? name)
    {
        if (!HttpSyntax.IsToken(cgiName))
        {
            name = null;
            return false;
        }

        ref var recent = ref _recentNames[(cgiName.Length + (cgiName[^1] * 7) + (cgiName[0] * 31)) & 31];
        if (recent is null || !Matches(cgiName, recent))
        {
            recent = HeaderNameTable.Find(ToUpper(cgiName)) ?? HeaderNameTable.Create(cgiName);
        }

        name = recent;
        return true;
    }

    private static bool Matches(ReadOnlySpan<byte> cgiName, string name)
    {
        if (cgiName.Length != name.Length)
        {
            return false;
        }

        for (var i = 0; i < name.Length; i++)
        {
            var c = (char)cgiName[i];
            if ((c == '_' ? '-' : char.ToUpperInvariant(c)) != char.ToUpperInvariant(name[i]))
            {
                return false;
            }
        }

        return true;
    }

    // HTTP_Host or HTTP_X-REAL-IP: an unusual spelling of a usual name must not slip past the rules for that name.
    private static byte[] ToUpper(ReadOnlySpan<byte> cgiName)
    {
        var upper = new byte[cgiName.Length];
        for (var i = 0; i < upper.Length; i++)
        {
            upper[i] = cgiName[i] == '-' ? (byte)'_' : (byte)char.ToUpperInvariant((char)cgiName[i]);
        }

        return upper;
    }

    private void CheckValue(string name, ReadOnlySpan<byte> value)
    {
        if (value.IndexOfAny((byte)0, (byte)'\r', (byte)'\n') >= 0)
        {
            throw new GatewayProtocolException(
                GatewayRejection.InvalidHeaderValue, $"The value of the header {name} holds a NUL, CR or LF.");
        }

        if (!Ascii.IsValid(value) && _settings!.RequestHeaderEncodingSelector?.Invoke(name) is null
            && !System.Text.Unicode.Utf8.IsValid(value))
        {
            throw new GatewayProtocolException(
                GatewayRejection.InvalidHeaderValue,
                $"The value of the header {name} is no UTF-8 (option RequestHeaderEncodingSelector chooses another encoding).");
        }
    }

    private void NoteClientContentLength(ReadOnlySpan<byte> value)
    {
        value = HttpSyntax.TrimBlanks(value);
        if (value.IsEmpty)
        {
            return;
        }

        if (!HttpSyntax.TryParseLength(value, out var length) || (ClientContentLength is { } earlier && earlier != length))
        {
            throw new GatewayProtocolException(GatewayRejection.InvalidContentLength, "The client's Content-Length is invalid or ambiguous.");
        }

        ClientContentLength = length;
    }
}
