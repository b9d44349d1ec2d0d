using Uwsgi.AspNetCore.InteropTests.Http;

namespace Uwsgi.AspNetCore.InteropTests.Parity.Cases;

/// <summary>The framework's middleware that changes requests or responses.</summary>
internal static class MiddlewareCases
{
    public static IEnumerable<ParityCase> All =>
    [
        Compressed("compression by gzip", "gzip"),
        Compressed("compression by brotli", "gzip;q=0.5, br"),
        Compressed("compression not wanted", "identity"),
        Compressed("compression of a flushed response", "gzip", "/flushed"),
        ParityCase.Of("compression to HEAD", new RawRequest("HEAD", "/middleware/compressed").With("Accept-Encoding", "gzip")),
        Twice("response cache", "/middleware/cached/a"),
        Twice("output cache", "/cached"),
        ParityCase.Get("path base", "/middleware/based/base/rest%20of/it?a=b"),
        ParityCase.Get("path base alone", "/middleware/based/base"),
        ParityCase.Get("path base of another name", "/middleware/based/basement"),
        ParityCase.Get("rewritten target", "/middleware/rewritten/old/a%20b?x=1"),
        ParityCase.Get("rewritten by redirect", "/middleware/rewritten/gone/a", 301),
        ParityCase.Of("forwarded headers, not trusted", new RawRequest("GET", "/middleware/forwarded") { Headers =
        [
            ("X-Forwarded-For", "192.0.2.66"), ("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "evil.test"),
        ] }),
        ParityCase.Get("HSTS over http", "/middleware/hsts"),
        ParityCase.Of("HTTP logging", new RawRequest("PUT", "/middleware/logged").WithBody("text to log", "text/plain")),
        Preflight("CORS preflight", "https://shop.test", "PUT", 204),
        Preflight("CORS preflight of another origin", "https://evil.test", "PUT", 204),
        Preflight("CORS preflight for another method", "https://shop.test", "DELETE", 200),
        ParityCase.Of("CORS", new RawRequest("PUT", "/shared").With("Origin", "https://shop.test")),
        new ParityCase("rate limit", async visitor =>
        {
            Assert.Equal(200, (await visitor.SendAsync(new RawRequest("GET", "/limited"))).Status);
            Assert.Equal(200, (await visitor.SendAsync(new RawRequest("GET", "/limited"))).Status);
            Assert.Equal(429, (await visitor.SendAsync(new RawRequest("GET", "/limited"))).Status);
        }),
    ];

    private static ParityCase Compressed(string name, string accept, string path = "") =>
        ParityCase.Of(name, new RawRequest("GET", "/middleware/compressed" + path).With("Accept-Encoding", accept));

    private static ParityCase Preflight(string name, string origin, string method, int status) =>
        ParityCase.Of(
            name,
            new RawRequest("OPTIONS", "/shared").With("Origin", origin)
                .With("Access-Control-Request-Method", method).With("Access-Control-Request-Headers", "x-token"),
            status);

    private static ParityCase Twice(string name, string target) => new ParityCase(name, async visitor =>
    {
        Assert.Equal("made in step 1", (await visitor.SendAsync(new RawRequest("GET", target))).Text);
        Assert.Equal("made in step 1", (await visitor.SendAsync(new RawRequest("GET", target))).Text);
        Assert.Equal("made in step 3", (await visitor.SendAsync(new RawRequest("GET", target + "/b"))).Text);
    });
}
