namespace Uwsgi.AspNetCore.InteropTests.Parity.Nginx;

/// <summary>What is so behind nginx's other modules, and what they can do.</summary>
internal static class NginxDifferences
{
    /// <summary>What <c>fastcgi_pass</c> can do: it never tunnels.</summary>
    public const Capabilities FastCgiOffers = Capabilities.All & ~Capabilities.Upgrade;

    /// <summary>What <c>scgi_pass</c> can do: before nginx 1.29.6 it sends a wrong length with an upload it does not buffer.</summary>
    public const Capabilities ScgiOffers = Capabilities.All & ~Capabilities.StreamingUploads;

    public static IReadOnlyList<AllowedDifference> OfFastCgi { get; } =
    [
        // fastcgi_params names the server's address; the other two need what is left out here.
        .. AllowedDifferences.OfNginx.Where(allowed => allowed.Name is not ("local address" or "Upgrade header")),
        new("no upgrade", ["App.Feature[IHttpUpgradeFeature]", "App.IsUpgradableRequest"], "method GET",
            "nginx tunnels nothing over FastCGI, so it is not offered.",
            difference => difference.Actual is "absent" or "(null)"),
    ];

    public static IReadOnlyList<AllowedDifference> OfKeptFastCgi { get; } =
    [
        .. OfFastCgi.Where(allowed => allowed.Name is not "late failure"),
        new("late failure on a kept connection", ["Response.*"], "exception, flushed-with-length",
            "The response is cut off in its place: nginx answers 502 when nothing has come yet, else it hangs up on the client, who has "
            + "what was passed on till then.",
            difference => difference.Fields["App.Left.HasStarted"] == "True"
                && (difference.Fields["Response.Status"] == "502" || difference.Fields["Response.IsComplete"] == "False")) { IsRace = true },
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
            difference => DeveloperPage.IsSameBut(difference, "Content-Length")),
    ];
}
