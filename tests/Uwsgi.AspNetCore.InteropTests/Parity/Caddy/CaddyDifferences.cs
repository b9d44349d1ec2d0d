namespace Uwsgi.AspNetCore.InteropTests.Parity.Caddy;

/// <summary>What differs between Caddy's FastCGI and its HTTP for good reasons.</summary>
internal static class CaddyDifferences
{
    private const string InventedType = "application/x-www-form-urlencoded";
    private const string GuessedType = "text/plain; charset=utf-8";

    private static readonly string[] Path = ["App.Path", "App.Echo", "App.DisplayUrl", "App.EncodedUrl"];

    public static IReadOnlyList<AllowedDifference> All { get; } =
    [
        new("local address", ["App.LocalIpAddress"], "method GET",
            "Caddy does not name the server's address.",
            difference => difference.Actual == "(null)"),
        new("local port", ["App.LocalPort"], "method GET",
            "Caddy takes SERVER_PORT from the Host header, or the default of the scheme.",
            difference => difference.Actual is not null
                && difference.Actual == difference.Fields["App.Host.Port"].Replace("(null)", "80", StringComparison.Ordinal)),
        new("Server header", ["Response.Header[Server]"], "method GET",
            "Kestrel adds one to Caddy's, a gateway server leaves it to the web server.",
            difference => difference is { Expected: "Caddy\nKestrel", Actual: "Caddy" }),
        new("upgrade", ["App.Feature[IHttpUpgradeFeature]", "App.IsUpgradableRequest"], "method GET",
            "Caddy cannot tunnel over FastCGI, so no upgrade is offered on it (AllowFastCgiUpgrade).",
            difference => difference is { Expected: "present", Actual: "absent" } or { Expected: "False", Actual: "(null)" }),
        new("Status header", ["Response.Header[Status]"], "method GET",
            "FastCGI's way to send the status; Caddy passes it on to the client besides.",
            difference => difference.Expected is null
                && difference.Actual!.Split(' ')[0] == difference.Fields["Response.Status"]),
        new("headers Caddy adds over HTTP", ["App.Header[connection]", "App.Header[accept-encoding]"], "method GET",
            "They concern Caddy's own connection to the app.",
            difference => difference is { Expected: "[\"close\"]" or "[\"gzip\"]", Actual: null }),
        new("User-Agent", ["App.Header[user-agent]"], "method GET",
            "Caddy keeps its HTTP client from adding one of its own by an empty one, and sends that over FastCGI.",
            difference => difference is { Expected: null, Actual: "[\"\"]" }),
        new("length of no body", ["App.ContentLength", "App.Header[content-length]"], "method GET",
            "Caddy sends CONTENT_LENGTH=0 with a request that has neither length nor body.",
            difference => difference is { Expected: "(null)", Actual: "0" } or { Expected: null, Actual: "[\"0\"]" }),
        new("chunked request", ["App.Header[transfer-encoding]"], "form in chunks",
            "Caddy takes the chunks off, and says with CONTENT_LENGTH=-1 that the length is unknown.",
            difference => difference is { Expected: "[\"chunked\"]", Actual: null }),
        new("content type of requests", ["App.ContentType", "App.Header[content-type]", "App.HasFormContentType"], "method DELETE",
            "Caddy makes one up for requests without, other than GET and HEAD.",
            difference => difference is { Expected: "(null)" or null, Actual: InventedType or $"[\"{InventedType}\"]" } or { Expected: "False", Actual: "True" }
                && difference.Fields["App.ContentType"] == InventedType),
        new("content type that has been made up", ["App.*", "Response.*"], "JSON missing but optional",
            "The app gets no JSON but a form, as Caddy says.",
            difference => difference.Fields["App.ContentType"] == InventedType && difference.Fields["Response.Status"] == "415")
            { OnlyInExample = true },
        new("OPTIONS with a body", ["App.*", "Response.*"], "body with OPTIONS",
            "Caddy drops the body and says CONTENT_LENGTH=0 and HTTP_CONTENT_LENGTH=3; a request of two lengths is refused.",
            difference => difference.Fields["Response.Status"] == "400" && difference.Fields["App.Entered"] == "False") { OnlyInExample = true },
        new("content type of an echo", ["Response.Header[Content-Type]"], "body in an unknown coding",
            "The app answers with the type of the request, which Caddy made up.",
            difference => difference is { Expected: null or GuessedType, Actual: InventedType }) { OnlyInExample = true },
        new("no body in chunks", ["App.CanHaveBody"], "body in chunks, none",
            "A body of unknown length turns out to be none when STDIN ends, if that has arrived when the app asks.",
            difference => difference is { Expected: "True", Actual: "False" }) { OnlyInExample = true, IsRace = true },
        new("description of a body", ["Response.Body"], "body in an unknown coding",
            "The same bytes; with a type that Caddy guessed wrongly they are described in another way.",
            difference => difference.Expected == "x" && difference.Actual!.StartsWith("1 bytes", StringComparison.Ordinal)) { OnlyInExample = true },
        new("unknown methods", ["App.*", "Response.*"], "method in lower case",
            "Caddy makes POST of methods it does not know, and of lower case.",
            difference => difference.Case is "method in lower case" or "method with a digit" or "method TRACE" or "method CONNECT"
                && difference.Fields.GetValueOrDefault("App.Method") == (difference.Case == "method CONNECT" ? "CONNECT" : "POST")),
        new("path above the root", ["App.*", "Response.*"], "path /../../etc/x is refused",
            "Kestrel stops at the root, a gateway server refuses: web servers have tested the path for something else than the app would see.",
            difference => difference.Fields["Response.Status"] == "400" && difference.Fields["App.Entered"] == "False") { OnlyInExample = true },
        new("request without Host", ["App.Host", "App.Host.Port", "App.Header[host]", "App.DisplayUrl", "App.EncodedUrl"],
            "protocol HTTP/1.0 without Host",
            "Caddy sends an empty host; over HTTP it is the app's own address.",
            difference => difference.Fields["App.Host"].Length == 0),
        new("headers that come twice", ["App.Header[*", "App.Cookie[*"], "cookies in several headers",
            "Caddy joins them with a comma, cookies too, which are none any more then.",
            difference => difference.Expected!.Replace("\",\"", ", ") == difference.Actual
                || (difference.Field.StartsWith("App.Cookie[", StringComparison.Ordinal) && difference.Case == "cookies in several headers")),
        new("Expect", ["App.Header[expect]"], "body expected with 100-continue",
            "Caddy has met the expectation and sends it on over HTTP only.",
            difference => difference.Actual is null),
        new("TE", ["App.Header[te]"], "headers of one hop",
            "It concerns the connection between two HTTP peers.",
            difference => difference.Actual is null),
        new("names with underscores", ["App.Header[x_under]", "App.Header[x-under]"], "header with an underscore",
            "HTTP_X_UNDER is both X-Under and X_Under; Caddy sends one of them.",
            difference => difference.Actual is null or "[\"underscore\"]"),
        new("X-Accel-Buffering", ["Response.Header[X-Accel-Buffering]"], "write disable-buffering",
            "A response that must not be buffered says so to nginx (SendAccelBuffering); Caddy passes it on.",
            difference => difference is { Expected: null, Actual: "no" }),
        new("unread body", ["Response.Header[Connection]"], "body of 8 MiB, not read",
            "Kestrel closes a connection on a long body that the app does not read, and Caddy then closes the client's.",
            difference => difference is { Expected: "close", Actual: null }),
        new("escaped slash", Path, "path /a%2Fb/c",
            "Caddy decodes %2F in PATH_INFO; PreserveEncodedSlashes wins it back for an app that asks for it.",
            difference => difference.Expected!.Replace("%2F", "/", StringComparison.OrdinalIgnoreCase) == difference.Actual),
        new("bytes that are no UTF-8", Path, "path /%c0%ae/x",
            "They stay escaped, but PATH_INFO has only the bytes, not whether their digits were capitals.",
            difference => string.Equals(difference.Expected, difference.Actual, StringComparison.OrdinalIgnoreCase)),
        new("headers on the developer page", ["Response.Body"], "developer page in plain text",
            "The page lists the request's headers as the server keeps them, and those that differ above.",
            difference => DeveloperPage.IsSameBut(difference, "Accept-Encoding", "Connection", "Content-Length", "User-Agent")),
        new("late failure", ["Response.*"], "exception, flushed-with-length",
            "A response that fails after its start is reset, so Caddy answers 502 as long as it has passed nothing on; Kestrel closes in order.",
            difference => difference.Fields["App.Left.HasStarted"] == "True" && (IsBadGateway(difference) || IsLostInReset(difference)))
            { IsRace = true },
        // Caddy asks the app over HTTP/1.1 whatever the client speaks, and passes hop-by-hop headers on to neither.
        .. AllowedDifferences.OfGateways.Where(allowed => allowed.Name is not ("local port" or "cookie headers" or "Upgrade header"
            or "hop-by-hop headers" or "order of headers" or "error of a broken upload")),
    ];

    /// <summary>Gets what differs now and then.</summary>
    public static IReadOnlyList<AllowedDifference> ByChance { get; } =
    [
        new("guessed content type", ["Response.Header[Content-Type]"], "method GET",
            "Caddy guesses the type of a body that has none if the body is there when it sends the head, through either door.",
            difference => (difference.Expected ?? difference.Actual) == GuessedType
                && (difference.Expected is null || difference.Actual is null)),
    ];

    private static bool IsBadGateway(Difference difference) =>
        difference.Fields["Response.Status"] == "502" && difference.Fields["Response.Body"].Length == 0;

    // A reset overtakes what was flushed just before it, or does not: the race is the kernel's.
    private static bool IsLostInReset(Difference difference) =>
        difference is { Field: "Response.Body", Expected: { } whole, Actual: { } part }
        && difference.Fields["Response.IsComplete"] == "False" && whole.StartsWith(part, StringComparison.Ordinal);
}
