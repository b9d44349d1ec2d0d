using System.Buffers.Binary;
using System.Globalization;

namespace Uwsgi.AspNetCore.InteropTests.Parity.UwsgiRouter;

/// <summary>
/// What is so behind uWSGI's HTTP router, and what it can do. It is compared with Kestrel itself, so that what Kestrel does for a client
/// and leaves to web servers otherwise differs, too.
/// </summary>
internal static class UwsgiRouterDifferences
{
    /// <summary>Chunked uploads never arrive, and the end of the connection is all that ends a response without a length.</summary>
    public const Capabilities Offers = Capabilities.All & ~(Capabilities.ChunkedRequests | Capabilities.CutResponses);

    /// <summary>Cases which say how a web server answers something by itself, which here either Kestrel or the router does not.</summary>
    public static readonly string[] Unanswered =
    [
        // Kestrel takes them for what they are, or refuses them in its own way.
        "path /%zz is refused", "path /% is refused", "path /../../etc/x is refused", "method in lower case", "method with a digit",
        "method TRACE", "method OPTIONS of everything", "host empty", "target in absolute form", "target in absolute form with a port",
        "target in absolute form without a path", "target without a slash", "body length with a sign", "body length and chunks",
        "abort before the start",

        // The router lets them pass.
        "method CONNECT", "path /a b is refused", "protocol HTTP/1.1 without Host", "target with a query only",

        // The router closes without an answer: it knows no 400, and no 502 for a response whose connection is reset.
        "header without a name", "exception after the start", "exception, flushed", "exception, flushed-with-length",
        "exception handler after the start", "status 204 with a body", "status 205 with a body", "status 304 with a body", "write too-few",

        // The router tunnels WebSockets only, and not what comes before the answer.
        "upgrade to another protocol", "WebSocket with data right behind the handshake",
    ];

    private static readonly string[] Path = ["App.Path", "App.Echo", "App.DisplayUrl", "App.EncodedUrl"];

    public static IReadOnlyList<AllowedDifference> All { get; } =
    [
        .. AllowedDifferences.OfGateways.Where(allowed => allowed.Name is not ("remote port" or "protocol version" or "cookie headers")),
        new("remote port", ["App.RemotePort"], "method GET",
            "The router sends the bytes of REMOTE_PORT in the wrong order.",
            difference => difference.Actual == Swapped(difference.Fields["Client.Port"])),
        new("local address", ["App.LocalIpAddress"], "method GET",
            "The router does not name the server's address.",
            difference => difference.Actual == "(null)"),
        new("Server and Date headers", ["Response.Header[Server]", "Response.Header[Date]"], "method GET",
            "Web servers add their own, so that ours are off; the router has none.",
            difference => difference.Actual is null),
        new("end of the body", ["Response.Framing"], "write flush-each",
            "The router knows no chunks: without a length the connection ends the body.",
            difference => difference is { Expected: "Chunked", Actual: "Close" }),
        new("cut response", ["Response.IsComplete"], "app fails half way by abort",
            "For the same reason a response that breaks off looks whole.",
            difference => difference is { Expected: "False", Actual: "True" } && difference.Fields["Response.Framing"] == "Close"),
        new("connection headers of responses", ["Response.Header[Connection]", "Response.Header[Keep-Alive]"], "response header hop",
            "They concern Kestrel's connection to the client.",
            difference => difference.Actual is null),
        new("connection headers of requests", ["App.Header[connection]", "App.Header[keep-alive]", "App.Header[te]"], "headers of one hop",
            "They concern the client's connection. Where an upgrade is on offer its header is shown in our spelling.",
            difference => difference.Actual is null or "[\"upgrade\"]"),
        new("Expect header", ["App.Header[expect]"], "body expected with 100-continue",
            "The router has answered it.",
            difference => difference.Actual is null),
        new("repeated headers", ["App.Header*"], "header twice",
            "The router joins them.",
            difference => difference.Expected?.Replace("\",\"", ", ") == difference.Actual),
        new("cookies in several headers", ["App.Cookie*"], "cookies in several headers",
            "The router joins those headers with a comma, which makes one cookie of two.",
            difference => difference.Actual is null) { OnlyInExample = true },
        new("header with an underscore", ["App.Header[x-under]", "App.Header[x_under]"], "header with an underscore",
            "The router makes one variable of both spellings.",
            difference => difference.Actual is null or "[\"underscore, hyphen\"]"),
        new("no host", ["App.Host", "App.Host.Port", "App.Header[host]", "App.DisplayUrl", "App.EncodedUrl"], "protocol HTTP/1.0 without Host",
            "SERVER_NAME, the machine's name here, and SERVER_PORT stand in for the host.",
            difference => difference.Actual!.Contains(difference.Fields["Door.Port"], StringComparison.Ordinal)) { OnlyInExample = true },
        new("X-Accel-Buffering header", ["Response.Header[X-Accel-Buffering]"], "write disable-buffering",
            "It is meant for nginx, and this is none.",
            difference => difference is { Expected: null, Actual: "no" }),
        new("escaped slash", Path, "path /a%2Fb/c",
            "The router decodes %2F in PATH_INFO; PreserveEncodedSlashes wins it back for an app that asks for it.",
            difference => difference.Expected!.Replace("%2F", "/", StringComparison.OrdinalIgnoreCase) == difference.Actual),
        new("bytes that are no UTF-8", Path, "path /%c0%ae/x",
            "They stay escaped, but PATH_INFO has only the bytes, not whether their digits were capitals.",
            difference => string.Equals(difference.Expected, difference.Actual, StringComparison.OrdinalIgnoreCase)),
        new("reset in an upload", ["App.Exception", "App.Upload", "App.Metric[http.response.status_code]", "App.OnCompleted"],
            "client goes in the middle of an upload",
            "Kestrel sees the client's reset; the router closes in order, behind a body that is too short.",
            difference => difference.Field is "App.Exception" or "App.Upload"
                ? difference.Actual!.StartsWith("Microsoft.AspNetCore.Http.BadHttpRequestException", StringComparison.Ordinal)
                : difference.Expected!.Replace("499", "400") == difference.Actual) { OnlyInExample = true },
    ];

    private static string Swapped(string port) =>
        BinaryPrimitives.ReverseEndianness(ushort.Parse(port, CultureInfo.InvariantCulture)).ToString(CultureInfo.InvariantCulture);
}
