using Uwsgi.AspNetCore.InteropTests.Http;

namespace Uwsgi.AspNetCore.InteropTests.Parity.Cases;

/// <summary>Request targets: paths and query strings, plain, escaped, odd and broken.</summary>
internal static class TargetCases
{
    public static IEnumerable<ParityCase> All =>
    [
        .. Paths.Select(path => ParityCase.Get($"path {path}", path)),
        .. Queries.Select(query => ParityCase.Get($"query {query}", "/search" + query)),
        .. Refused.Select(path => ParityCase.Get($"path {path} is refused", path, 400)),
        ParityCase.Get("path of 4 KiB", "/" + new string('p', 4096)),
        ParityCase.Get("path of many segments", string.Concat(Enumerable.Repeat("/s", 1000))),
        ParityCase.Get("path of many escapes", "/" + string.Concat(Enumerable.Repeat("%E2%82%AC", 500))),
        ParityCase.Get("query of 8 KiB", "/search?q=" + new string('q', 8192)),
        ParityCase.Get("query of many parameters", "/search?" + string.Join('&', Enumerable.Range(0, 200).Select(i => $"p{i}={i}"))),
        ParityCase.Get("target in absolute form", "http://other.test/a%20b?c=d"),
        ParityCase.Get("target in absolute form without a path", "http://other.test?c=d"),
        ParityCase.Get("target in absolute form with a port", "http://other.test:8080/x"),
        ParityCase.Get("target without a slash", "orders", 400),
        ParityCase.Get("target with a query only", "?x=1", 400),
        ParityCase.Of("target bound to parameters", new RawRequest("GET", "/bound/7?q=a%20b&tag=x&tag=y").With("X-Tenant", "blue")),
        ParityCase.Get("target that does not bind", "/bound/seven"),
    ];

    private static string[] Paths =>
    [
        "/",
        "/orders",
        "/orders/",
        "/a%20b/%C3%A9",
        "/%E6%97%A5%E6%9C%AC/%F0%9F%98%80",
        "/%41%42%43",
        "/%7Euser/~user",
        "/a%3Fb%23c",
        "/100%25/a%2525b",
        "/a+b",
        "/a%2Bb",
        "/a;v=1;w=2/b;x",
        "/a=b&c=d",
        "/a,b@c:d!e$f'g(h)*",
        "/a%2Fb/c",
        "/a%2fb",
        "/a%5Cb",
        "/a\\b",
        "/a//b",
        "//a",
        "/a/b//",
        "/./a/./b/.",
        "/a/../b",
        "/a/b/../../c",
        "/a/%2e%2e/b/%2E/c",
        "/.../..a/a..",
        "/.well-known/thing",
        "/%c0%ae/x",
        "/x%ff",
        "/x%E2%82",
        "/a%0d%0aX",
        "/a%09b",
        "/a%22b%3Cc%3E",
        "/a|b^c`d{e}",
        "/index.php/rest",
        "/file.tar.gz",
        "/UPPER/lower",
    ];

    private static string[] Refused => ["/a%00b", "/../../etc/x", "/%zz", "/%", "/a b"];

    private static string[] Queries =>
    [
        "?",
        "?a",
        "?a=",
        "?=b",
        "?a=1&b=2",
        "?a=1&a=2&A=3",
        "?a=1;b=2",
        "?a=1&&b=2&",
        "?q=a+b%20c%2Bd",
        "?q=%E2%82%AC%F0%9F%98%80",
        "?q=%zz%",
        "?q=%00",
        "?q=%0d%0aX",
        "?q=a%26b%3Dc",
        "?u=http://x.test/?a=b",
        "?a=1?b=2",
        "?a[]=1&a[b]=2",
        "?path=/../..//%2e%2e",
        "?q=%c3%28",
        "?q='\"<>",
    ];
}
