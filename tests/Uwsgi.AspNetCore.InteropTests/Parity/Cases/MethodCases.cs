using Uwsgi.AspNetCore.InteropTests.Http;

namespace Uwsgi.AspNetCore.InteropTests.Parity.Cases;

/// <summary>Methods: known, unknown and impossible ones, and versions of the protocol.</summary>
internal static class MethodCases
{
    public static IEnumerable<ParityCase> All =>
    [
        .. Known.Select(method => ParityCase.Of($"method {method}", new RawRequest(method, "/orders/1"))),
        .. Custom.Select(method => ParityCase.Of($"method {method}", new RawRequest(method, "/orders/1")).Needing(Capabilities.CustomMethods)),
        ParityCase.Of("method in lower case", new RawRequest("get", "/orders/1"), 400),
        ParityCase.Of("method with a digit", new RawRequest("M2", "/orders/1"), 400),
        ParityCase.Of("method TRACE", new RawRequest("TRACE", "/orders/1"), 405),
        ParityCase.Of("method CONNECT", new RawRequest("CONNECT", "parity.test:443"), 400),
        ParityCase.Of("method not allowed by routing", new RawRequest("DELETE", "/only/get"), 405),
        ParityCase.Of("method HEAD on an endpoint for GET", new RawRequest("HEAD", "/only/get"), 405),
        ParityCase.Of("method override by header", new RawRequest("POST", "/middleware/override").With("X-HTTP-Method-Override", "PATCH")),
        ParityCase.Of("method OPTIONS of everything", new RawRequest("OPTIONS", "*"), 400),
        ParityCase.Of("protocol HTTP/1.0", new RawRequest("GET", "/orders/1") { Protocol = "HTTP/1.0" }),
        ParityCase.Of("protocol HTTP/1.0 without Host", new RawRequest("GET", "/orders/1") { Protocol = "HTTP/1.0", Host = null }),
        ParityCase.Of("protocol HTTP/1.1 without Host", new RawRequest("GET", "/orders/1") { Host = null }, 400),
        ParityCase.Of("protocol HTTP/1.0 with a body of unknown length", new RawRequest("GET", "/write/flush-each") { Protocol = "HTTP/1.0" }),
    ];

    private static string[] Known => ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

    private static string[] Custom => ["PROPFIND", "MKCOL", "REPORT", "PURGE", "QUERY", "X-CUSTOM", "M_SEARCH", "A"];
}
