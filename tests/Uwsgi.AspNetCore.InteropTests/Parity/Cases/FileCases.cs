using Uwsgi.AspNetCore.InteropTests.Http;

namespace Uwsgi.AspNetCore.InteropTests.Parity.Cases;

/// <summary>Files, ranges and conditional requests.</summary>
internal static class FileCases
{
    private const string Modified = "Thu, 29 Feb 2024 12:00:00 GMT";
    private const string Before = "Wed, 28 Feb 2024 12:00:00 GMT";

    public static IEnumerable<ParityCase> All =>
    [
        .. Ways.Select(way => ParityCase.Get($"file {way}", $"/file/{way}")),
        .. Ways.Select(way => ParityCase.Of($"file {way} to HEAD", new RawRequest("HEAD", $"/file/{way}"))),
        ParityCase.Get("file slice beyond its end", "/file/beyond", 500),
        ParityCase.Get("file missing", "/file/missing", 500),
        .. Ranges.Select(range => If($"range {range.Range}", "/file/bytes", range.Status, ("Range", range.Range))),
        If("range of a physical file", "/file/physical", 206, ("Range", "bytes=10-19")),
        If("range of a stream", "/file/stream", 206, ("Range", "bytes=9990-")),
        ParityCase.Of("range to HEAD", new RawRequest("HEAD", "/file/bytes").With("Range", "bytes=0-9"), 206),
        If("condition If-None-Match that matches", "/file/physical", 304, ("If-None-Match", "\"v1\"")),
        If("condition If-None-Match that does not", "/file/physical", 200, ("If-None-Match", "\"v2\"")),
        If("condition If-None-Match of any", "/file/physical", 304, ("If-None-Match", "*")),
        If("condition If-None-Match weak", "/file/physical", 304, ("If-None-Match", "W/\"v1\"")),
        If("condition If-Modified-Since, not modified", "/file/physical", 304, ("If-Modified-Since", Modified)),
        If("condition If-Modified-Since, modified", "/file/physical", 200, ("If-Modified-Since", Before)),
        If("condition If-Match that fails", "/file/physical", 412, ("If-Match", "\"v2\"")),
        If("condition If-Unmodified-Since that fails", "/file/physical", 412, ("If-Unmodified-Since", Before)),
        If("condition If-Range that matches", "/file/bytes", 206, ("Range", "bytes=0-9"), ("If-Range", "\"v1\"")),
        If("condition If-Range that does not", "/file/bytes", 200, ("Range", "bytes=0-9"), ("If-Range", "\"v2\"")),
        If("condition If-Range by date", "/file/bytes", 206, ("Range", "bytes=0-9"), ("If-Range", Modified)),
        ParityCase.Get("static file", "/middleware/static/report.txt"),
        ParityCase.Get("static file empty", "/middleware/static/empty.txt"),
        ParityCase.Get("static file binary", "/middleware/static/blob.bin"),
        ParityCase.Get("static file with a type", "/middleware/static/page.html"),
        ParityCase.Get("static file with a difficult name", "/middleware/static/a%20b%20%C3%A9.txt"),
        ParityCase.Get("static file missing", "/middleware/static/none.txt", 404),
        ParityCase.Get("static file outside", "/middleware/static/..%5c..%5csecret.txt", 404),
        ParityCase.Of("static file to HEAD", new RawRequest("HEAD", "/middleware/static/report.txt")),
        ParityCase.Of("static file to POST", new RawRequest("POST", "/middleware/static/report.txt"), 404),
        If("static file in a range", "/middleware/static/blob.bin", 206, ("Range", "bytes=100000-199999")),
        If("static file not modified", "/middleware/static/report.txt", 304, ("If-Modified-Since", Modified)),
        If("static file out of range", "/middleware/static/report.txt", 416, ("Range", "bytes=999999-")),
    ];

    private static string[] Ways => ["whole", "slice", "rest", "after-write", "physical", "bytes", "stream", "pushed", "name"];

    private static (string Range, int Status)[] Ranges =>
    [
        ("bytes=0-0", 206),
        ("bytes=0-9999", 206),
        ("bytes=100-", 206),
        ("bytes=-100", 206),
        ("bytes=9999-20000", 206),
        ("bytes=10000-", 416),
        ("bytes=0-1,5-6", 200),
        ("bytes=5-1", 200),
        ("items=0-1", 206),
    ];

    private static ParityCase If(string name, string target, int status, params (string, string)[] headers) =>
        ParityCase.Of(name, new RawRequest("GET", target) { Headers = headers }, status);
}
