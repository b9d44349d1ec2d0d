using System.Text;
using Microsoft.Net.Http.Headers;

namespace Uwsgi.AspNetCore.Http;

/// <summary>Maps the CGI spelling of header names (<c>USER_AGENT</c>) to the strings that ASP.NET Core itself uses.</summary>
/// <remarks>Getting the very same string instances makes most look-ups a comparison of references.</remarks>
internal static class HeaderNameTable
{
    private static readonly string[] Names =
    [
        HeaderNames.Accept, HeaderNames.AcceptCharset, HeaderNames.AcceptEncoding, HeaderNames.AcceptLanguage,
        HeaderNames.AccessControlRequestHeaders, HeaderNames.AccessControlRequestMethod, HeaderNames.Authorization,
        HeaderNames.Baggage, HeaderNames.CacheControl, HeaderNames.Connection, HeaderNames.ContentEncoding,
        HeaderNames.ContentLanguage, HeaderNames.ContentLength, HeaderNames.ContentType, HeaderNames.Cookie,
        HeaderNames.CorrelationContext, HeaderNames.Date, HeaderNames.DNT, HeaderNames.Expect, HeaderNames.From,
        HeaderNames.Host, HeaderNames.IfMatch, HeaderNames.IfModifiedSince, HeaderNames.IfNoneMatch, HeaderNames.IfRange,
        HeaderNames.IfUnmodifiedSince, HeaderNames.KeepAlive, HeaderNames.MaxForwards, HeaderNames.Origin, HeaderNames.Pragma,
        HeaderNames.ProxyAuthorization, HeaderNames.ProxyConnection, HeaderNames.Range, HeaderNames.Referer,
        HeaderNames.RequestId, HeaderNames.SecWebSocketExtensions, HeaderNames.SecWebSocketKey,
        HeaderNames.SecWebSocketProtocol, HeaderNames.SecWebSocketVersion, HeaderNames.TE, HeaderNames.TraceParent,
        HeaderNames.TraceState, HeaderNames.Trailer, HeaderNames.TransferEncoding, HeaderNames.Translate, HeaderNames.Upgrade,
        HeaderNames.UpgradeInsecureRequests, HeaderNames.UserAgent, HeaderNames.Via, HeaderNames.Warning,
        HeaderNames.XRequestedWith, Proxy, "Forwarded", "Priority", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host",
        "X-Forwarded-Port", "X-Forwarded-Prefix", "X-Real-IP", "X-Request-ID", "Sec-Fetch-Dest", "Sec-Fetch-Mode",
        "Sec-Fetch-Site", "Sec-Fetch-User", "Sec-CH-UA", "Sec-CH-UA-Mobile", "Sec-CH-UA-Platform", "X-CSRF-TOKEN",
        "RequestVerificationToken", "Last-Event-ID",
    ];

    // Open addressing over a power of two, at most a third full: nearly every probe ends at the first slot.
    private static readonly Slot[] Slots = Build();

    /// <summary>The client header that must not become a proxy setting (httpoxy).</summary>
    public const string Proxy = "Proxy";

    /// <summary>Finds the canonical name of a CGI spelling without its <c>HTTP_</c>; <see langword="null"/> when it is none of the usual.</summary>
    public static string? Find(ReadOnlySpan<byte> cgiName)
    {
        for (var i = Hash(cgiName) & (Slots.Length - 1); Slots[i].Name is { } name; i = (i + 1) & (Slots.Length - 1))
        {
            if (cgiName.SequenceEqual(Slots[i].CgiName))
            {
                return name;
            }
        }

        return null;
    }

    /// <summary>Spells out a name that is not in the table: <c>X_REQUEST_TAG</c> becomes <c>X-Request-Tag</c>.</summary>
    public static string Create(ReadOnlySpan<byte> cgiName) => string.Create(cgiName.Length, cgiName, static (chars, source) =>
    {
        var startsWord = true;
        for (var i = 0; i < source.Length; i++)
        {
            var c = (char)source[i];
            chars[i] = c == '_' ? '-' : startsWord ? char.ToUpperInvariant(c) : char.ToLowerInvariant(c);
            startsWord = c is '_' or '-';
        }
    });

    private static Slot[] Build()
    {
        var slots = new Slot[256];
        foreach (var name in Names)
        {
            var cgiName = Encoding.ASCII.GetBytes(name.ToUpperInvariant().Replace('-', '_'));
            var i = Hash(cgiName) & (slots.Length - 1);
            while (slots[i].Name is not null)
            {
                i = (i + 1) & (slots.Length - 1);
            }

            slots[i] = new Slot(cgiName, name);
        }

        return slots;
    }

    private static int Hash(ReadOnlySpan<byte> name)
    {
        var hash = (uint)name.Length;
        foreach (var b in name)
        {
            hash = (hash * 31) + b;
        }

        return (int)(hash ^ (hash >> 15));
    }

    private readonly record struct Slot(byte[] CgiName, string Name);
}
