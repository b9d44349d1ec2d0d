using System.Globalization;

namespace Uwsgi.AspNetCore.InteropTests.Parity.Apache;

/// <summary>What is right to differ behind Apache.</summary>
internal static class ApacheDifferences
{
    // Replaced by an entry of Apache's own below, or something both of Apache's ways do alike.
    private static readonly string[] NotInApache =
        ["local port", "Upgrade header", "hop-by-hop headers", "cookie headers", "error of a broken upload"];

    /// <summary>Gets what Apache answers in its own way, whatever is behind it.</summary>
    public static IReadOnlyDictionary<string, int> Answers { get; } = new Dictionary<string, int>
    {
        ["target with a query only"] = 200,
        ["path /a%00b is refused"] = 404,
        ["method TRACE"] = 200,
        ["method CONNECT"] = 200,
        ["method in lower case"] = 200,
        ["method with a digit"] = 200,
        ["method OPTIONS of everything"] = 200,
        ["header folded"] = 200,
        ["body length and chunks"] = 200,
    };

    /// <summary>Gets what differs with any protocol.</summary>
    private static IEnumerable<AllowedDifference> OfAny =>
    [
        .. AllowedDifferences.OfGateways.Where(allowed => !NotInApache.Contains(allowed.Name)),
        new("local port", ["App.LocalPort"], "method GET",
            "SERVER_PORT is the port in the Host header, or the scheme's own (UseCanonicalPhysicalPort is off by default).",
            difference => difference.Actual == difference.Fields["App.Host.Port"].Replace("(null)", "80")),
        new("Connection header", ["App.Header[connection]"], "method GET",
            "Apache adds it to what it sends on over HTTP; a gateway protocol has nothing to add it to.",
            difference => difference is { Expected: "[\"close\"]", Actual: null }),
        new("upgrades", ["App.Feature[IHttpUpgradeFeature]", "App.IsUpgradableRequest"], "method GET",
            "Apache does not tunnel over a gateway protocol, so they are not on offer.",
            difference => difference.Actual is "absent" or "(null)"),
        new("raw target", ["App.RawTarget"], "path /a//b",
            "Apache normalises the target it sends on over HTTP and leaves REQUEST_URI as the client sent it.",
            difference => Normalize(difference.Actual!) == Normalize(difference.Expected!)),
        new("header names of other characters", ["App.Header[x.dot]", "App.Header[x!#$%&'*+^`|~]", "App.Header[x_under]"], "header with a dot and other marks",
            "Apache drops headers whose names could not be told from others once they are variables.",
            difference => difference.Actual is null),
        new("headers named by Connection", ["App.Header[x-hop]"], "headers of one hop",
            "Apache honours the header Connection of the client towards HTTP only.",
            difference => difference is { Expected: null, Actual: "[\"1\"]" }) { OnlyInExample = true },
        new("Expect header", ["App.Header[expect]"], "body expected with 100-continue",
            "It concerns client and web server, and Apache has answered it.",
            difference => difference.Actual is null),
        new("X-Accel-Buffering", ["Response.Header[X-Accel-Buffering]"], "server-sent events",
            "It is addressed to nginx, which removes it; SendAccelBuffering turns it off.",
            difference => difference is { Expected: null, Actual: "no" }),
        new("Server header", ["Response.Header[Server]"], "method GET",
            "Apache passes the app's own on. Kestrel adds one by default; we do not (AddServerHeader).",
            difference => difference.Expected == "Kestrel" && difference.Actual!.StartsWith("Apache/", StringComparison.Ordinal)),
        new("late failure", ["Response.*"], "exception after the start",
            "A response that fails after its start is reset, so Apache answers 500 or 503 as long as it has passed nothing on; Kestrel closes in order.",
            difference => difference.Fields["App.Left.HasStarted"] == "True"
                && (difference.Fields["Response.Status"] is "500" or "503" || IsLostInReset(difference))) { IsRace = true },
        new("length of a short response", ["Response.Framing", "Response.Header[Transfer-Encoding]", "Response.Header[Content-Length]"], "write flush-only",
            "Apache fills in the length of a response that was whole before it had to pass anything on.",
            difference => difference.Field switch
            {
                "Response.Framing" => difference is { Expected: not "None", Actual: not "None" },
                "Response.Header[Transfer-Encoding]" => difference is { Expected: "chunked", Actual: null } or { Expected: null, Actual: "chunked" },
                _ => difference is { Expected: null } or { Actual: null } && IsWholeBody(difference),
            }) { IsRace = true },
    ];

    public static IReadOnlyList<AllowedDifference> OfUwsgi { get; } =
    [
        .. OfAny,
        .. Errors(aborted: "500", large: "502"),
        new("reset taken for the end", ["Response.*"], "exception handler after the start",
            "mod_proxy_uwsgi passes on what came before the reset of a response that failed after its start, and now and then ends it in order.",
            difference => difference.Fields["App.Left.HasStarted"] == "True" && difference.Fields["Response.Status"] is "200") { IsRace = true },
    ];

    public static IReadOnlyList<AllowedDifference> OfFastCgi { get; } =
    [
        .. OfAny,
        .. Errors(aborted: "503", large: "500"),
        .. OfCgiHeads,
        new("number of the request", ["App.TraceIdentifier"], "session",
            "Connections are kept (enablereuse=on), and the app counts the requests of each.",
            difference => new[] { difference.Expected!, difference.Actual! }.All(id => id.StartsWith("(id):", StringComparison.Ordinal))) { IsRace = true },
        new("length of a chunked body", ["App.ContentLength", "App.Header[content-length]"], "body in chunks, one byte each",
            "Apache announces the length only when the whole body is among the first it has read.",
            difference => difference is { Expected: not null, Actual: null or "(null)" }
                && (difference.Fields["App.CanHaveBody"] == "True" || difference.Expected is "0" or "[\"0\"]")) { IsRace = true },
        new("connection after 100-continue", ["Response.Header[Connection]"], "body expected with 100-continue",
            "Apache does not keep the client's connection after such a request, unless the body has come before the interim response was due.",
            difference => difference is { Expected: null, Actual: "close" }) { OnlyInExample = true, IsRace = true },
        new("transfer coding", ["App.Header[transfer-encoding]"], "body in chunks, large",
            "The end of STDIN says where the body ends; there are no chunks any more.",
            difference => difference is { Expected: "[\"chunked\"]", Actual: null }),
        new("request without a body", ["App.CanHaveBody"], "method GET",
            "Apache sends no CONTENT_LENGTH when there is no body, so the app cannot know before the end of STDIN has come.",
            difference => difference is { Expected: "False", Actual: "True" } && difference.Fields["App.ContentLength"] == "(null)") { IsRace = true },
        .. new[] { "form bound without a body", "JSON missing but optional" }.Select(name => new AllowedDifference(
            "answer to " + name, ["Response.*"], name,
            "For the same reason: the framework answers 415 when a body without a type may follow.",
            difference => difference.Fields["Response.Status"] == "415") { OnlyInExample = true, IsRace = true }),
        new("long headers", ["App.Header[x-long]"], "header of 30 KiB",
            "mod_proxy_fcgi drops variables that do not fit into one record of 16 KiB.",
            difference => difference.Actual is null) { OnlyInExample = true },
    ];

    public static IReadOnlyList<AllowedDifference> OfScgi { get; } =
    [
        .. OfAny.Where(allowed => allowed.Name != "order of headers"),
        .. Errors(aborted: "500", large: "500"),
        .. OfCgiHeads,
        new("local redirect", ["App.*", "Response.*"], "location with 200",
            "A Location on this site without a status of its own is a local redirect in CGI; Apache sees one where the status is 200, too.",
            difference => difference.Fields["App.Method"] == "GET\nGET") { OnlyInExample = true },
        new("length of no body", ["App.ContentLength", "App.Header[content-length]"], "method GET",
            "SCGI has a CONTENT_LENGTH in every request; 0 may or may not be what the client said.",
            difference => difference is { Expected: "(null)", Actual: "0" } or { Expected: null, Actual: "[\"0\"]" }),
    ];

    /// <summary>Gets what differs where the head of a response has the form of CGI.</summary>
    private static IEnumerable<AllowedDifference> OfCgiHeads =>
    [
        new("type of a response that has not changed", ["Response.Header[Content-Type]"], "static file not modified",
            "Apache takes Content-Type out of the head of a CGI response, and sends it only with a body.",
            difference => difference.Actual is null && difference.Fields["Response.Status"] == "304"),
        new("repeated response headers", ["Response.Header[*"], "response header duplicates",
            "Apache joins them when it reads a CGI response, except Set-Cookie.",
            difference => difference.Expected?.Replace("\n", ", ") == difference.Actual),
    ];

    private static IEnumerable<AllowedDifference> Errors(string aborted, string large) =>
    [
        new("answer for an app that closes", ["Response.*"], "abort before the start",
            "Each of Apache's modules has a status of its own for it; over HTTP it is 502.",
            difference => difference.Fields["Response.Status"] == aborted) { OnlyInExample = true },
        new("large response headers", ["Response.*"], "response header large",
            "A response header may have 8 KiB, which only mod_proxy_http has an option for (responsefieldsize).",
            difference => difference.Fields["Response.Status"] == large) { OnlyInExample = true },
    ];

    // The request failed after its beginning was on its way; a reset overtakes what was sent just before it, or does not.
    private static bool IsLostInReset(Difference difference) =>
        difference is { Field: "Response.Body", Expected: { } whole, Actual: { } part }
        && difference.Fields["Response.IsComplete"] == "False" && whole.StartsWith(part, StringComparison.Ordinal);

    private static bool IsWholeBody(Difference difference) =>
        int.Parse(difference.Expected ?? difference.Actual!, CultureInfo.InvariantCulture) >= 0
        && difference.Fields["Response.IsComplete"] == "True";

    // Scheme and host cut off, escapes decoded, dot segments and repeated slashes removed; the query stays.
    private static string Normalize(string target)
    {
        var origin = target.IndexOf("://", StringComparison.Ordinal) is > 0 and var scheme ? target[(scheme + 3)..] : target;
        var start = origin.AsSpan().IndexOfAny('/', '?');
        var parts = (start < 0 ? string.Empty : origin[start..]).Split('?', 2);
        var segments = new List<string>();
        var names = Uri.UnescapeDataString(parts[0]).Split('/', StringSplitOptions.RemoveEmptyEntries);
        foreach (var name in names)
        {
            if (name == "..")
            {
                segments.RemoveAt(segments.Count - 1);
            }
            else if (name != ".")
            {
                segments.Add(name);
            }
        }

        return $"/{string.Join('/', segments)}?{parts.ElementAtOrDefault(1)}".ToUpperInvariant();
    }
}
