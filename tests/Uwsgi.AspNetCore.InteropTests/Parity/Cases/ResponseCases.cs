using Uwsgi.AspNetCore.InteropTests.Http;

namespace Uwsgi.AspNetCore.InteropTests.Parity.Cases;

/// <summary>Statuses, response header fields, cookies and the framework's results.</summary>
internal static class ResponseCases
{
    public static IEnumerable<ParityCase> All =>
    [
        .. Statuses.Select(status => ParityCase.Get($"status {status}", $"/status/{status}", status)),
        .. WithBody.Select(status => ParityCase.Get($"status {status} with a body", $"/status/{status}?body=text", status)),
        .. Statuses.Select(status => ParityCase.Of($"status {status} to HEAD", new RawRequest("HEAD", $"/status/{status}"), status)),
        .. Redirects.Select(status => ParityCase.Get($"redirect {status}", $"/status/{status}?location=/next%3Fa%3Db", status)),
        ParityCase.Get("redirect to an absolute location", "/status/302?location=https://other.test/x", 302),
        ParityCase.Get("redirect without a location", "/status/302", 302),
        ParityCase.Get("location with 201", "/status/201?location=/orders/1&body=made", 201),
        ParityCase.Get("location with 200", "/status/200?location=/orders/1"),
        ParityCase.Get("reason of the app's own", "/status/200?reason=Very%20Well", 200),
        ParityCase.Get("reason of an unknown status", "/status/599?reason=Out%20of%20Tea", 599),
        ParityCase.Get("status 304 with a length", "/status/304?length=10", 304),
        ParityCase.Get("status 204 with length 0", "/status/204?length=0", 204),
        ParityCase.Get("status 204 with a length", "/status/204?length=10", 500),
        ParityCase.Get("status 205 with a length", "/status/205?length=10", 500),
        .. Bodiless.Select(status => new ParityCase($"status {status} with a body", visitor =>
            visitor.SendAsync(new RawRequest("GET", $"/status/{status}?body=text")))),
        ParityCase.Of("length to HEAD", new RawRequest("HEAD", "/status/200?length=1234")),
        ParityCase.Of("body to HEAD", new RawRequest("HEAD", "/status/200?body=text")),
        ParityCase.Of("body and length to HEAD", new RawRequest("HEAD", "/status/200?length=4&body=text")),
        ParityCase.Of("large body to HEAD", new RawRequest("HEAD", "/large/1000000")),
        .. Headers.Select(kind => ParityCase.Get($"response header {kind}", $"/headers/{kind}")),
        .. Cookies.Select(kind => ParityCase.Get($"cookies set, {kind}", $"/cookies/{kind}")),
        .. Results.Select(result => ParityCase.Get($"result {result.Kind}", $"/results/{result.Kind}", result.Status)
            .Masking("\"traceId\":\"[^\"]*\"", "\"traceId\":\"...\"")),
        .. Sizes.Select(size => ParityCase.Get($"response of {size} bytes", $"/large/{size}")),
        .. Sizes.Select(size => ParityCase.Get($"response of {size} bytes with its length", $"/large/{size}?length")),
        ParityCase.Get("response straight through", "/unbuffered/echo"),
        ParityCase.Get("welcome page", "/middleware/welcome"),
    ];

    private static int[] Statuses => [200, 201, 202, 204, 205, 206, 299, 301, 304, 400, 401, 403, 404, 405, 410, 418, 422, 429, 451, 500, 501, 503, 599];

    private static int[] WithBody => [201, 400, 404, 500, 503, 599];

    private static int[] Bodiless => [204, 205, 304];

    private static int[] Redirects => [301, 302, 303, 307, 308];

    private static string[] Headers =>
        ["none", "duplicates", "empty", "large", "many", "unusual", "hop", "known", "invalid", "accel", "date-and-server"];

    private static string[] Cookies => ["many", "attributes", "deleted"];

    private static int[] Sizes => [0, 1, 4096, 65_536, 65_537, 1_048_577, 8_388_608];

    private static (string Kind, int Status)[] Results =>
    [
        ("json", 200),
        ("json-large", 200),
        ("problem", 409),
        ("validation", 400),
        ("text", 200),
        ("html", 200),
        ("empty", 200),
        ("ok", 200),
        ("created", 201),
        ("accepted", 202),
        ("no-content", 204),
        ("not-found", 404),
        ("unauthorized", 401),
        ("unprocessable", 422),
        ("redirect", 302),
        ("redirect-permanent", 301),
        ("redirect-preserve", 307),
        ("redirect-local", 302),
        ("redirect-accent", 500),
        ("status", 507),
        ("unknown", 400),
    ];
}
