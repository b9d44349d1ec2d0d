using System.Text.RegularExpressions;

namespace Uwsgi.AspNetCore.InteropTests.Parity.Nginx;

/// <summary>What is so behind nginx's other modules, and what they can do.</summary>
internal static partial class NginxDifferences
{
    /// <summary>What <c>fastcgi_pass</c> can do: it never tunnels.</summary>
    public const Capabilities FastCgiOffers = Capabilities.All & ~Capabilities.Upgrade;

    /// <summary>What <c>scgi_pass</c> can do: before nginx 1.29.6 it sends a wrong length with an upload it does not buffer.</summary>
    public const Capabilities ScgiOffers = Capabilities.All & ~Capabilities.StreamingUploads;

    /// <summary>
    /// Cases in which the app fails after the start of a response. The connection is reset then, and when the reset overtakes the response,
    /// nginx takes a kept connection for one that had been idle for too long and repeats the request: the app sees it twice.
    /// </summary>
    public static readonly string[] LateFailures =
    [
        "exception after the start", "exception, flushed", "exception, flushed-with-length", "exception handler after the start",
        "status 204 with a body", "status 205 with a body", "status 304 with a body", "write too-few",
    ];

    public static IReadOnlyList<AllowedDifference> OfFastCgi { get; } =
    [
        // fastcgi_params names the server's address; the other two need what is left out here.
        .. AllowedDifferences.OfNginx.Where(allowed => allowed.Name is not ("local address" or "Upgrade header" or "error of a broken upload")),
        new("no upgrade", ["App.Feature[IHttpUpgradeFeature]", "App.IsUpgradableRequest"], "method GET",
            "nginx tunnels nothing over FastCGI, so it is not offered.",
            difference => difference.Actual is "absent" or "(null)"),
        new("broken upload",
            ["App.Exception", "App.Upload", "App.Metric[http.response.status_code]", "App.OnCompleted", "App.OnStarting"],
            "client goes in the middle of an upload",
            "STDIN has an end of its own: a connection that ends before it is lost, where Kestrel sees a body that is too short.",
            difference => difference.Field is "App.Exception" or "App.Upload"
                ? difference.Actual!.StartsWith("Microsoft.AspNetCore.Connections.ConnectionResetException", StringComparison.Ordinal)
                : difference.Field is "App.OnStarting" || difference.Expected!.Replace("400", "499") == difference.Actual) { OnlyInExample = true },
    ];

    public static IReadOnlyList<AllowedDifference> OfKeptFastCgi { get; } =
    [
        .. OfFastCgi.Where(allowed => allowed.Name is not "late failure"),
        new("number of the request", ["App.TraceIdentifier"], "output cache",
            "It counts the requests of one connection, and clients share nginx's.",
            difference => difference.Expected!.Replace("00000001", string.Empty) == difference.Actual![..^8]),
    ];

    public static IReadOnlyList<AllowedDifference> OfScgi { get; } =
    [
        .. AllowedDifferences.OfNginx.Where(allowed => allowed.Name is not ("order of headers" or "error of a broken upload")),
        new("length of no body", ["App.ContentLength", "App.Header[content-length]"], "method GET",
            "Every SCGI request says how long its body is, so that no body and an empty one are the same.",
            difference => difference is { Expected: null or "(null)", Actual: "0" or "[\"0\"]" }),
        new("headers on the developer page", ["Response.Body"], "developer page in plain text",
            "The page lists the request's headers, that length among them, in the order the server keeps them in, which means nothing.",
            difference => difference.Case.StartsWith("developer page", StringComparison.Ordinal)
                && Lines(difference.Expected!).SequenceEqual(Lines(LengthOfNoBody().Replace(difference.Actual!, string.Empty)))),
    ];

    private static IOrderedEnumerable<string> Lines(string text) => text.Split('\n').Order();

    [GeneratedRegex(@"Content-Length: 0\r?\n|<tr>\s*<td>Content-Length</td>\s*<td>0</td>\s*</tr>\s*", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex LengthOfNoBody();
}
