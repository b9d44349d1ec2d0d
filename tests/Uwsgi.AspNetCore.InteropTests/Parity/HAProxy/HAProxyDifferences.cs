using System.Text.RegularExpressions;

namespace Uwsgi.AspNetCore.InteropTests.Parity.HAProxy;

/// <summary>What differs between HAProxy's FastCGI and its HTTP for good reasons.</summary>
internal static partial class HAProxyDifferences
{
    private const string OwnPage = "<html><body><h1>";

    private static readonly string[] Path = ["App.Path", "App.Echo", "App.DisplayUrl", "App.EncodedUrl"];

    public static IReadOnlyList<AllowedDifference> All { get; } =
    [
        new("local address", ["App.LocalIpAddress"], "method GET",
            "HAProxy does not name the server's address.",
            difference => difference.Actual == "(null)"),
        new("Server header", ["Response.Header[server]"], "method GET",
            "Kestrel adds one, a gateway server leaves it to the web server, and HAProxy has none.",
            difference => difference is { Expected: "Kestrel", Actual: null }),
        new("upgrade", ["App.Feature[IHttpUpgradeFeature]", "App.IsUpgradableRequest"], "method GET",
            "HAProxy closes a FastCGI connection after a 101, so none is offered on it (AllowFastCgiUpgrade).",
            difference => difference is { Expected: "present", Actual: "absent" } or { Expected: "False", Actual: "(null)" }),
        new("length of no body", ["App.ContentLength", "App.Header[content-length]"], "method GET",
            "HAProxy sends CONTENT_LENGTH=0 with a request that has neither length nor body.",
            difference => difference is { Expected: "(null)", Actual: "0" } or { Expected: null, Actual: "[\"0\"]" }),
        new("length of a chunked body", ["App.ContentLength", "App.Header[content-length]", "App.Header[transfer-encoding]"], "form in chunks",
            "HAProxy collects a chunked body and sends its length.",
            difference => difference.Case.Contains("chunks", StringComparison.Ordinal)
                && (difference is { Expected: "[\"chunked\"]", Actual: null } || Length().IsMatch(difference.Actual ?? string.Empty))),
        new("no body in chunks", ["App.CanHaveBody"], "body in chunks, none",
            "HAProxy has seen that there is none, and says so.",
            difference => difference is { Expected: "True", Actual: "False" }) { OnlyInExample = true },
        new("chunked body larger than a buffer", ["App.*", "Response.*"], "body in chunks, large",
            "HAProxy has to know a body's length before it sends the request, and refuses one that does not fit into tune.bufsize.",
            difference => difference.Case is "body in chunks, large" or "body in chunks, growing"
                && IsRefusedByHAProxy(difference, "400")),
        new("target that HAProxy cannot decode", ["App.*", "Response.*"], "path /%zz is refused",
            "HAProxy decodes the path for SCRIPT_NAME and gives up on this one; Kestrel leaves escapes alone that are none.",
            difference => difference.Case is "path /%zz is refused" or "path /% is refused" or "method OPTIONS of everything"
                && IsRefusedByHAProxy(difference, "500")),
        new("CONNECT", ["App.*", "Response.*"], "method CONNECT",
            "HAProxy has no path to decode and aborts the request; Kestrel answers 400.",
            difference => IsRefusedByHAProxy(difference, "502")) { OnlyInExample = true },
        new("path above the root", ["App.*", "Response.*"], "path /../../etc/x is refused",
            "Kestrel stops at the root, a gateway server refuses: web servers have tested the path for something else than the app would see.",
            difference => difference.Fields["Response.Status"] == "400" && difference.Fields["App.Entered"] == "False") { OnlyInExample = true },
        new("request without Host", ["App.*", "Response.*"], "protocol HTTP/1.1 without Host",
            "HAProxy lets it pass and names its own address, which stands for the host as in any CGI environment; Kestrel refuses.",
            difference => difference.Fields["Response.Status"] == "200"
                && difference.Fields.GetValueOrDefault("App.Host") == $"127.0.0.1:{difference.Fields["Door.Port"]}") { OnlyInExample = true },
        new("no host", ["App.Host", "App.Host.Port", "App.Header[host]", "App.DisplayUrl", "App.EncodedUrl"],
            "protocol HTTP/1.0 without Host",
            "HAProxy names its own address, which stands for the host as in any CGI environment.",
            difference => difference.Fields["App.Host"] == $"127.0.0.1:{difference.Fields["Door.Port"]}"),
        new("version of the answer", ["Response.Protocol", "Response.Header[connection]"], "protocol HTTP/1.0",
            "Kestrel answers HTTP/1.1 and says that it closes, and HAProxy passes both on; FastCGI has neither, so HAProxy answers as it was asked.",
            difference => difference.Case.StartsWith("protocol HTTP/1.0", StringComparison.Ordinal)
                && difference is { Expected: "HTTP/1.1", Actual: "HTTP/1.0" } or { Expected: "close", Actual: null }),
        new("headers of the connection", ["App.Header[connection]", "App.Header[keep-alive]", "App.Header[te]"], "headers of one hop",
            "HAProxy keeps the headers of the client's connection from FastCGI.",
            difference => difference.Actual is null),
        new("response headers of the connection", ["Response.Header[keep-alive]", "Response.Header[trailer]"], "response header hop",
            "They concern the connection between two HTTP peers, so a gateway server drops what the app sets.",
            difference => difference.Actual is null),
        new("Expect", ["App.Header[expect]"], "body expected with 100-continue",
            "HAProxy has met the expectation and sends it on over HTTP only.",
            difference => difference.Actual is null),
        new("names that are not spelled with letters, digits and hyphens",
            ["App.Header[x_under]", "App.Header[x.dot]", "App.Header[x!#$%&'*+^`|~]"], "header with a dot and other marks",
            "They would become ambiguous as CGI variables, and HAProxy drops them.",
            difference => difference.Actual is null),
        new("X-Accel-Buffering", ["Response.Header[X-Accel-Buffering]"], "write disable-buffering",
            "A response that must not be buffered says so to nginx (SendAccelBuffering); HAProxy passes it on.",
            difference => difference is { Expected: null, Actual: "no" }),
        new("escaped slash", Path, "path /a%2Fb/c",
            "HAProxy decodes %2F in SCRIPT_NAME; PreserveEncodedSlashes wins it back for an app that asks for it.",
            difference => difference.Expected!.Replace("%2F", "/", StringComparison.OrdinalIgnoreCase) == difference.Actual),
        new("bytes that are no UTF-8", Path, "path /%c0%ae/x",
            "They stay escaped, but SCRIPT_NAME has only the bytes, not whether their digits were capitals.",
            difference => string.Equals(difference.Expected, difference.Actual, StringComparison.OrdinalIgnoreCase)),
        new("headers on the developer page", ["Response.Body"], "developer page in plain text",
            "The page lists the request's headers as the server keeps them, and those that differ above.",
            difference => DeveloperPage.IsSameBut(difference, "Content-Length")),
        new("late failure", ["Response.*"], "exception after the start",
            "A response that fails after its start is reset, so HAProxy answers 502 as long as it has passed nothing on; Kestrel closes in order.",
            difference => difference.Fields["App.Left.HasStarted"] == "True" && (IsBadGateway(difference) || IsLostInReset(difference))),
        // HAProxy passes the client's version on over HTTP, and never offers an upgrade over FastCGI.
        .. AllowedDifferences.OfGateways.Where(allowed => allowed.Name is not ("protocol version" or "Upgrade header" or "order of headers"
            or "error of a broken upload")),
    ];

    /// <summary>Gets what is so when connections are kept or shared.</summary>
    public static IReadOnlyList<AllowedDifference> OnKeptConnections { get; } =
    [
        .. All.Where(allowed => allowed.Name is not "late failure"),
        new("late failure on a kept connection", ["Response.*"], "status 204 with a body",
            "The response is cut off in its place: HAProxy answers 502 when it has passed nothing on yet, else it hangs up on the client as "
            + "it does over HTTP.",
            difference => difference.Fields["App.Left.HasStarted"] == "True" && IsBadGateway(difference)),
        new("number of the request", ["App.TraceIdentifier"], "output cache",
            "It counts the requests of one connection, and clients share HAProxy's.",
            difference => difference.Expected!.Replace("00000001", string.Empty) == difference.Actual![..^8]),
    ];

    private static bool IsBadGateway(Difference difference) =>
        difference.Fields["Response.Status"] == "502" && difference.Fields["Response.Body"].StartsWith(OwnPage, StringComparison.Ordinal);

    // A reset overtakes what was flushed just before it, or does not: the race is the kernel's.
    private static bool IsLostInReset(Difference difference) =>
        difference is { Field: "Response.Body", Expected: { } whole, Actual: { } part }
        && difference.Fields["Response.IsComplete"] == "False" && whole.StartsWith(part, StringComparison.Ordinal);

    private static bool IsRefusedByHAProxy(Difference difference, string status) =>
        difference.Fields["Response.Status"] == status
        && difference.Fields["App.Entered"] == "False"
        && difference.Fields["Response.Body"].StartsWith(OwnPage, StringComparison.Ordinal);

    [GeneratedRegex("^(\\[\")?[0-9]+(\"\\])?$", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Length();
}
