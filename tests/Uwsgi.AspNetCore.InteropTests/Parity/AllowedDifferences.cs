using System.Globalization;
using System.Text.RegularExpressions;

namespace Uwsgi.AspNetCore.InteropTests.Parity;

/// <summary>
/// The differences between a web server's HTTP proxy to Kestrel's endpoint and a gateway protocol to ours that are right.
/// An entry whose example no longer shows the difference fails a test.
/// </summary>
internal static partial class AllowedDifferences
{
    private static readonly string[] Path = ["App.Path", "App.Echo", "App.DisplayUrl", "App.EncodedUrl"];

    /// <summary>Gets what is so behind any web server: it follows from the protocols, or is a choice of ours.</summary>
    public static IReadOnlyList<AllowedDifference> OfGateways { get; } =
    [
        new("remote port", ["App.RemotePort"], "method GET",
            "Behind proxy_pass the app sees nginx's own connection, behind a gateway protocol the client's.",
            difference => difference.Actual == difference.Fields["Client.Port"]),
        new("local port", ["App.LocalPort"], "method GET",
            "For the same reason the local port is nginx's, not the app's.",
            difference => difference.Actual == difference.Fields["Door.Port"]),
        new("protocol version", ["App.Protocol", "App.Metric[network.protocol.version]"], "protocol HTTP/1.0",
            "Behind proxy_pass the app sees the version nginx speaks to it, behind a gateway protocol the client's.",
            difference => difference.Expected?.Replace("1.1", "1.0") == difference.Actual),
        new("hop-by-hop headers", ["App.Header[proxy-connection]", "Response.Header[Proxy-Connection]"], "header Proxy-Connection",
            "They concern the connection between two HTTP peers; Kestrel leaves this one, which no standard knows, to others.",
            difference => difference.Actual is null),
        new("Upgrade header", ["App.Header[upgrade]"], "upgrade with a body",
            "It is shown only where the request can be upgraded.",
            difference => difference.Actual is null),
        new("Proxy header", ["App.Header[proxy]"], "header Proxy",
            "It would become HTTP_PROXY in a CGI environment (httpoxy), so a gateway server drops it.",
            difference => difference.Actual is null),
        new("cookie headers", ["App.Header[cookie]"], "cookies in several headers",
            "Several Cookie headers are joined, as a browser would have sent them; the cookies are the same.",
            difference => difference.Expected!.Replace("\",\"", "; ") == difference.Actual),
        new("empty query", ["App.QueryString", .. Path], "query ?",
            "QUERY_STRING is empty with and without a question mark at the end.",
            difference => difference.Expected?.TrimEnd('?') == difference.Actual),
        new("server variables", ["App.Feature[IServerVariablesFeature]"], "method GET",
            "Only a gateway protocol has any.",
            difference => difference.Actual == "present"),
        new("features of HTTP itself",
            [
                "App.Feature[IBadRequestExceptionFeature]", "App.Feature[IHttpExtendedConnectFeature]",
                "App.Feature[IHttpRequestTrailersFeature]", "App.Feature[IPersistentStateFeature]", "App.SupportsTrailers",
            ],
            "method GET",
            "Trailers, CONNECT of HTTP/2, state of a kept connection, Kestrel's own diagnostics: a gateway protocol carries none of it.",
            difference => difference.Actual is "absent" or "False False"),
        new("body length", ["Response.Framing", "Response.Header[Transfer-Encoding]", "Response.Header[Content-Length]"], "write writer",
            "We fill in the length of a body that is whole before anything is sent; Kestrel sends it in chunks.",
            difference => difference switch
            {
                { Field: "Response.Framing" } => difference is { Expected: "Chunked", Actual: "Length" },
                { Actual: null } => difference.Expected == "chunked",
                _ => difference.Expected is null && int.TryParse(difference.Actual, CultureInfo.InvariantCulture, out _),
            }),
        new("type of bad requests", ["App.Exception", "App.Upload", "App.Metric[error.type]"], "body above the limit set by the app",
            "Kestrel throws a class of its own, which nobody else can create, derived from the one we throw.",
            difference => difference.Expected?.Replace("Server.Kestrel.Core.", "Http.") == difference.Actual),
        new("answer to bad requests", ["App.OnCompleted"], "exception that is a bad request",
            "Kestrel answers a bad request after its OnCompleted callbacks, we before them as any other.",
            difference => difference.Expected!.Replace("False", "True") == difference.Actual),
        new("error of a broken upload", ["App.Metric[error.type]"], "client goes in the middle of an upload",
            "We measure why the request failed, as for any other bad request; Kestrel only that it was one.",
            difference => difference.Expected is null) { OnlyInExample = true },
        new("exception given to the writer", ["App.Left.*", "App.Metric[error.type]", "App.OnStarting"], "exception given to the writer",
            "Kestrel wraps the exception and answers 500 on the spot, we when the app returns.",
            difference => difference.Case is "exception given to the writer" or "app fails half way by writer"),
        new("order of headers", ["Response.Body"], "developer page in plain text",
            "The page lists the request's headers in the order the server keeps them in, which means nothing.",
            difference => difference.Case.StartsWith("developer page", StringComparison.Ordinal)
                && difference.Expected!.Split('\n').Order().SequenceEqual(difference.Actual!.Split('\n').Order())),
        new("completed HEAD", ["App.Refused"], "write complete to HEAD",
            "Kestrel does not look at what is written to HEAD; we refuse a write after the completion as in any other response.",
            difference => difference is { Expected: "no", Actual: "InvalidOperationException" }) { OnlyInExample = true },
        new("unflushed bytes of HEAD", ["App.Unflushed"], "write unflushed-bytes to HEAD",
            "We discard at once what HEAD has no use for.",
            _ => true) { OnlyInExample = true },
    ];

    /// <summary>Gets what is so behind nginx.</summary>
    public static IReadOnlyList<AllowedDifference> OfNginx { get; } =
    [
        .. OfGateways,
        new("local address", ["App.LocalIpAddress"], "method GET",
            "The shipped uwsgi_params do not name the server's address.",
            difference => difference.Actual == "(null)"),
        new("Connection header", ["App.Header[connection]"], "method GET",
            "nginx adds Connection: close to what it sends on over HTTP; a gateway protocol has nothing to add it to. "
            + "Where an upgrade is on offer it is shown as the client spelled it.",
            difference => difference.Actual is null || difference.Actual.Equals(difference.Expected, StringComparison.OrdinalIgnoreCase)),
        new("escaped slash", Path, "path /a%2Fb/c",
            "nginx decodes %2F in PATH_INFO; PreserveEncodedSlashes wins it back for an app that asks for it.",
            difference => difference.Expected!.Replace("%2F", "/", StringComparison.OrdinalIgnoreCase) == difference.Actual),
        new("repeated slash", Path, "path /a//b",
            "nginx merges slashes in PATH_INFO (merge_slashes), and sends the target on over HTTP as it came.",
            difference => RepeatedSlashes().Replace(difference.Expected!, "/") == difference.Actual),
        new("bytes that are no UTF-8", Path, "path /%c0%ae/x",
            "They stay escaped, but PATH_INFO has only the bytes, not whether their digits were capitals.",
            difference => string.Equals(difference.Expected, difference.Actual, StringComparison.OrdinalIgnoreCase)),
        new("raw target", ["App.RawTarget"], "target in absolute form without a path",
            "nginx adds the slash to the target it sends on over HTTP, not to REQUEST_URI.",
            difference => difference.Expected == "/" + difference.Actual),
        new("Server header", ["Response.Header[Server]"], "response header date-and-server",
            "nginx replaces the one of an HTTP upstream and keeps the one of a uwsgi upstream.",
            difference => difference.Actual == "parity"),
        new("late failure", ["Response.*"], "exception after the start",
            "A response that fails after its start is reset, so nginx answers 502 as long as it has passed nothing on; Kestrel closes in order.",
            difference => difference.Fields["App.Left.HasStarted"] == "True"
                && (difference.Fields["Response.Status"] == "502" || IsLostInReset(difference))),
    ];

    /// <summary>Gets what holds on unix sockets besides.</summary>
    public static IReadOnlyList<AllowedDifference> OnUnixSockets { get; } =
    [
        new("cut response", ["Response.IsComplete"], "app fails half way by abort",
            "A unix socket knows no reset: the end of a response without a length looks like any end.",
            difference => difference is { Expected: "False", Actual: "True" }),
    ];

    // A reset overtakes what was flushed just before it, or does not: the race is the kernel's.
    private static bool IsLostInReset(Difference difference) =>
        difference is { Field: "Response.Body", Expected: { } whole, Actual: { } part }
        && difference.Fields["Response.IsComplete"] == "False" && whole.StartsWith(part, StringComparison.Ordinal);

    [GeneratedRegex("(?<!:)//+", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex RepeatedSlashes();
}
