
namespace Uwsgi.AspNetCore.InteropTests.Parity.Lighttpd;

/// <summary>What lighttpd does with requests by itself, and the differences between its HTTP proxy and its gateway protocols that are right.</summary>
internal static class LighttpdDifferences
{
    // There is nothing of these behind lighttpd: it joins cookies, passes on neither Proxy nor Upgrade, and adds the length of a
    // response that is whole.
    private static readonly string[] Foreign =
        ["hop-by-hop headers", "Upgrade header", "Proxy header", "cookie headers", "body length", "order of headers"];

    private static readonly string[] ForwardedHeaders = ["x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-host"];

    /// <summary>Gets the statuses of cases which lighttpd decides by itself.</summary>
    public static IReadOnlyDictionary<string, int> Answers { get; } = new Dictionary<string, int>
    {
        // It insists on a length for POST.
        ["method POST"] = 411,
        ["method override by header"] = 411,
        ["body without length or chunks"] = 411,
        ["JSON missing"] = 411,
        ["JSON missing but optional"] = 411,
        ["form bound without a body"] = 411,
        ["static file to POST"] = 411,

        // It knows a list of methods, and answers OPTIONS * itself.
        ["method with a digit"] = 501,
        ["method in lower case"] = 501,
        ["method TRACE"] = 200,
        ["method OPTIONS of everything"] = 200,

        // It normalizes targets and refuses others than nginx does (server.http-parseopts).
        ["path /a b is refused"] = 200,
        ["path /% is refused"] = 200,
        ["path /%zz is refused"] = 200,
        ["path /../../etc/x is refused"] = 200,
        ["path /x%ff"] = 400,
        ["path /%c0%ae/x"] = 400,
        ["path /a%09b"] = 400,
        ["path /a%0d%0aX"] = 400,
        ["query ?q=%00"] = 400,
        ["query ?q=%0d%0aX"] = 400,
        ["target in absolute form"] = 400,
        ["target in absolute form without a path"] = 400,
        ["target in absolute form with a port"] = 400,
        ["host with an underscore"] = 400,
        ["header folded"] = 200,

        // It cuts the range a client asks for out of any response.
        ["range bytes=5-1"] = 416,
        ["range bytes=0-1,5-6"] = 206,
        ["header Range on an endpoint without ranges"] = 206,

        // An app that closes without an answer.
        ["abort before the start"] = 500,
    };

    /// <summary>Gets what is so over SCGI and uwsgi.</summary>
    public static IReadOnlyList<AllowedDifference> All { get; } =
    [
        .. AllowedDifferences.OfGateways.Where(allowed => !Foreign.Contains(allowed.Name)),
        new("Connection header", ["App.Header[connection]"], "method GET",
            "mod_proxy adds Connection: close to what it sends on; a gateway protocol has nothing to add it to.",
            difference => difference is { Expected: "[\"close\"]", Actual: null }),
        new("hop-by-hop headers", ["App.Header[keep-alive]", "App.Header[te]"], "headers of one hop",
            "lighttpd leaves them to the app, which has no use for them over a gateway protocol.",
            difference => difference.Actual is null),
        new("hop-by-hop header of a response", ["Response.Header[Keep-Alive]", "Response.Header[Proxy-Connection]"], "response header hop",
            "lighttpd passes on what the app says of its connection; over a gateway protocol we do not send it.",
            difference => difference.Actual is null),
        new("forwarded headers", [.. ForwardedHeaders.Select(name => $"App.Header[{name}]")], "forwarded headers, not trusted",
            "mod_proxy adds and replaces them; over a gateway protocol the client's address, host and scheme arrive as such, and a client's own headers as they are.",
            IsForwardedHeaderOfProxy),
        new("length of no body", ["App.ContentLength", "App.Header[content-length]"], "method GET",
            "lighttpd sends CONTENT_LENGTH 0 where the client sent no Content-Length.",
            difference => difference is { Expected: null or "(null)", Actual: "0" or "[\"0\"]" }),
        new("Server header", ["Response.Header[Server]"], "method GET",
            "lighttpd passes on Kestrel's; we add none, and lighttpd fills in its own.",
            difference => difference.Expected == "Kestrel" && difference.Actual!.StartsWith("lighttpd/", StringComparison.Ordinal)),
        new("X-Accel-Buffering", ["Response.Header[X-Accel-Buffering]"], "server-sent events",
            "It means nothing to lighttpd, which passes it on; SendAccelBuffering turns it off.",
            difference => difference is { Expected: null, Actual: "no" }),
        new("raw target", ["App.RawTarget"], "path /a/../b",
            "mod_proxy sends the target as lighttpd has normalized it, REQUEST_URI is what the client sent.",
            difference => difference.Actual == difference.Fields["Client.Target"]),
        new("header names with other marks", ["App.Header[x*"], "header with a dot and other marks",
            "In the name of a variable they all become underscores, which stand for hyphens.",
            IsSpellingOfVariable),
        new("headers on a page", ["Response.Body", "Response.Header[Content-Length]"], "developer page",
            "The page lists the request's headers, among them those which mod_proxy adds.",
            difference => difference.Case.StartsWith("developer page", StringComparison.Ordinal)
                && (difference.Field != "Response.Body" || HasNoForwardedHeaders(difference))),
        new("late failure", ["Response.*"], "status 204 with a body",
            "A response that fails after its start is reset, so lighttpd answers 500 as long as it has passed nothing on; Kestrel closes in order, "
            + "which lighttpd takes for the end.",
            difference => difference.Fields["App.Left.HasStarted"] == "True"
                && (difference.Fields["Response.Status"] == "500" || difference.Fields["Response.IsComplete"] == "False" || IsLastOfConnection(difference))),
    ];

    /// <summary>Gets what is so over FastCGI.</summary>
    public static IReadOnlyList<AllowedDifference> OfFastCgi { get; } =
    [
        .. All,
        new("upgrades", ["App.Feature[IHttpUpgradeFeature]", "App.IsUpgradableRequest", "App.Upgrade"], "upgrade without asking",
            "Over FastCGI they are an option, and off: the app is not even offered one, as in HTTP/2.",
            difference => difference.Actual is "absent" or "(null)"),
    ];

    /// <summary>Gets what may be so and need not: which of two things lighttpd comes across first is chance.</summary>
    public static IReadOnlyList<AllowedDifference> Races { get; } =
    [
        new("framing of a stream",
            ["Response.Framing", "Response.Header[Transfer-Encoding]", "Response.Header[Content-Length]", "Response.Header[Accept-Ranges]"],
            "response straight through",
            "Where lighttpd streams it adds the length of a response of which it happens to find the end at once, and chunks any other.",
            difference => difference.Fields["Client.Target"].StartsWith("/unbuffered/", StringComparison.Ordinal)
                && difference.Fields["Response.IsComplete"] == "True"),
    ];

    private static bool HasNoForwardedHeaders(Difference difference) =>
        difference.Expected!.Contains("X-Forwarded-For", StringComparison.Ordinal)
        && !difference.Actual!.Contains("X-Forwarded-For", StringComparison.Ordinal)
        && difference.Actual.Contains("The developer should see this.", StringComparison.Ordinal);

    private static bool IsForwardedHeaderOfProxy(Difference difference) =>
        difference.Actual is null
            ? difference.Field == "App.Header[x-host]" || !difference.Case.Contains("orwarded", StringComparison.Ordinal)
            : difference.Case is "forwarded headers, not trusted" or "header family X-Forwarded";

    private static bool IsSpellingOfVariable(Difference difference) => difference.Case switch
    {
        "header with an underscore" => difference is { Field: "App.Header[x_under]", Actual: null }
            or { Field: "App.Header[x-under]", Actual: "[\"underscore\",\"hyphen\"]" },
        "header with a dot and other marks" => difference.Expected is null
            ? difference.Field["App.".Length..].All(c => c is not '.' and not '_')
            : difference.Actual is null,
        _ => false,
    };
    // Or lighttpd has passed everything on when the reset comes, and only takes no further request on the client's connection.
    private static bool IsLastOfConnection(Difference difference) =>
        difference is { Field: "Response.Header[Connection]", Expected: null, Actual: "close" }
        && difference.Case.StartsWith("exception", StringComparison.Ordinal);

}
