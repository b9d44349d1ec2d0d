using System.Text;
using Uwsgi.AspNetCore.InteropTests.Http;

namespace Uwsgi.AspNetCore.InteropTests.Parity.Cases;

/// <summary>Request header fields: repeated, empty, long, odd, and those a gateway or a client might use to pretend.</summary>
internal static class HeaderCases
{
    public static IEnumerable<ParityCase> All =>
    [
        With("header of a browser", Browser),
        With("header twice", ("X-Twice", "one"), ("X-Other", "x"), ("X-Twice", "two, three")),
        With("header twice in another spelling", ("X-Twice", "one"), ("x-twice", "two")),
        With("header known twice", ("Accept", "text/html"), ("Accept", "text/plain;q=0.5")),
        With("header empty", ("X-Empty", string.Empty), ("Accept", string.Empty)),
        With("header of blanks", ("X-Blank", "   ")),
        With("header with blanks around", ("X-Padded", "  a  b  ")),
        With("header with tabs", ("X-Tab", "a\tb"), ("X-Tab-Around", "\ta\t")),
        With("header of 8 KiB", ("X-Long", new string('l', 8192))),
        With("header of 30 KiB", ("X-Long", new string('l', 30_000))),
        With("headers, 90 of them", [.. Enumerable.Range(0, 90).Select(i => ($"X-Many-{i}", $"{i}"))]),
        ParityCase.Of("headers, 150 of them", Request([.. Enumerable.Range(0, 150).Select(i => ($"X-Many-{i}", $"{i}"))]), 431),
        With("header with an underscore", ("X_Under", "underscore"), ("X-Under", "hyphen")),
        With("header with a dot and other marks", ("X.Dot", "1"), ("X!#$%&'*+^`|~", "2")),
        With("header with digits", ("X-1-2", "3"), ("1", "one")),
        With("header of UTF-8", ("X-Utf8", Encoding.Latin1.GetString("grüße €"u8))),
        ParityCase.Of("header of Latin-1", Request(("X-Latin1", "gr\u00fc\u00dfe")), 400),
        With("header with quotes and commas", ("X-Quoted", "\"a, b\", c=\"\\\"\"; d")),
        With("header with every printable character", ("X-Printable", string.Concat(Enumerable.Range(33, 94).Select(c => (char)c)))),
        With("header names of variables", Spoofed),
        With("header Proxy", ("Proxy", "http://evil.test")),
        With("header family X-Forwarded", Forwarded),
        With("header Authorization", ("Authorization", "Basic dXNlcjpwYXNzd29yZA==")),
        With("header Content-Type without a body", ("Content-Type", "application/json")),
        With("header Content-Encoding without a body", ("Content-Encoding", "gzip")),
        With("headers of one hop", ("TE", "trailers"), ("Keep-Alive", "timeout=5"), ("Connection", "keep-alive, X-Hop"), ("X-Hop", "1")),
        With("header Proxy-Connection", ("Proxy-Connection", "keep-alive")),
        With("header Connection: close", ("Connection", "close")),
        With("header HTTP2-Settings", ("HTTP2-Settings", "AAMAAABkAAQCAAAAAAIAAAAA")),
        With("header Range on an endpoint without ranges", ("Range", "bytes=0-1")),
        With("header traceparent", ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"), ("tracestate", "a=b"), ("baggage", "k=v")),
        With("header Request-Id", ("Request-Id", "|abc.1."), ("X-Request-ID", "abc")),
        With("header Upgrade-Insecure-Requests", ("Upgrade-Insecure-Requests", "1"), ("DNT", "1"), ("Sec-Fetch-Mode", "navigate")),
        With("cookie", ("Cookie", "a=1")),
        With("cookies in one header", ("Cookie", "a=1; b=2;c=3; d=\"q\"; e=%20; f==; g")),
        With("cookies in several headers", ("Cookie", "a=1"), ("Cookie", "b=2; c=3")),
        With("cookie twice", ("Cookie", "a=1; a=2")),
        With("cookie empty", ("Cookie", string.Empty)),
        With("cookie of 7 KiB", ("Cookie", "big=" + new string('c', 7000))),
        Host("host with a port", "parity.test:8080"),
        Host("host in capitals", "PARITY.Test"),
        Host("host of IPv4", "192.0.2.1"),
        Host("host of IPv6", "[2001:db8::1]:8080"),
        Host("host in punycode", "xn--bcher-kva.test"),
        Host("host with an underscore", "my_app.test"),
        Host("host with a dot at the end", "parity.test."),
        Host("host empty", string.Empty, 400),
        Host("host broken", "a/b", 400),
        Host("host with blanks", "a b", 400),
        ParityCase.Of("host twice", Request(("Host", "other.test")), 400),
        ParityCase.Of("header without a name", new RawRequest("GET", "/headers") { Headers = [(string.Empty, "x")] }, 400),
        ParityCase.Of("header folded", Request(("X-Folded", "a\r\n b")), 400),
        ParityCase.Of("header with NUL", Request(("X-Nul", "a\0b")), 400),
    ];

    private static (string, string)[] Browser =>
    [
        ("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"),
        ("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
        ("Accept-Language", "de,en-US;q=0.7,en;q=0.3"),
        ("Accept-Encoding", "gzip, deflate, br, zstd"),
        ("Referer", "https://parity.test/previous?a=b"),
        ("Origin", "https://parity.test"),
        ("If-None-Match", "W/\"abc\", \"def\""),
        ("If-Modified-Since", "Thu, 29 Feb 2024 12:00:00 GMT"),
        ("Cache-Control", "no-cache"),
        ("Pragma", "no-cache"),
        ("Priority", "u=0, i"),
        ("Via", "1.1 proxy.test"),
    ];

    private static (string, string)[] Spoofed =>
    [
        ("Remote-Addr", "192.0.2.66"),
        ("Remote-User", "admin"),
        ("Script-Name", "/evil"),
        ("Path-Info", "/evil"),
        ("Https", "on"),
        ("Request-Uri", "/evil"),
        ("Request-Method", "DELETE"),
        ("Server-Name", "evil.test"),
        ("Query-String", "evil=1"),
        ("Ssl-Client-Verify", "SUCCESS"),
        ("Uwsgi-Scheme", "https"),
        ("Uwsgi-File", "/etc/passwd"),
        ("Http-Host", "evil.test"),
    ];

    private static (string, string)[] Forwarded =>
    [
        ("X-Forwarded-For", "192.0.2.66, 192.0.2.67"),
        ("X-Forwarded-For", "192.0.2.68"),
        ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-Host", "evil.test"),
        ("X-Forwarded-Prefix", "/evil"),
        ("X-Real-IP", "192.0.2.66"),
        ("Forwarded", "for=192.0.2.66;proto=https;host=evil.test"),
    ];

    private static RawRequest Request(params (string, string)[] headers) => new("GET", "/headers") { Headers = headers };

    private static ParityCase With(string name, params (string, string)[] headers) => ParityCase.Of(name, Request(headers));

    private static ParityCase Host(string name, string host, int status = 200) =>
        ParityCase.Of(name, new RawRequest("GET", "/headers") { Host = host }, status);
}
