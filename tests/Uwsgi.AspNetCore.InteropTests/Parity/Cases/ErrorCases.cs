using Uwsgi.AspNetCore.InteropTests.Http;

namespace Uwsgi.AspNetCore.InteropTests.Parity.Cases;

/// <summary>Exceptions before and after the response has started, and the pages made of them.</summary>
internal static class ErrorCases
{
    public static IEnumerable<ParityCase> All =>
    [
        .. Before.Select(when => ParityCase.Get($"exception, {when}", $"/throw/{when}", 500)),
        ParityCase.Get("exception that is a bad request", "/throw/bad-request", 418),
        ParityCase.Get("exception in OnCompleted", "/throw/on-completed"),
        ParityCase.Get("exception given to the writer", "/throw/writer-completed", 500),
        ParityCase.Cut("exception after the start", "/throw/started"),
        ParityCase.Of("exception to HEAD", new RawRequest("HEAD", "/throw/plain"), 500),
        ParityCase.Of("exception with an unread body", new RawRequest("POST", "/throw/plain").WithBody(new byte[200_000]), 500),
        .. After.Select(when => ParityCase.Cut($"exception, {when}", $"/throw/{when}")),
        ParityCase.Get("abort before the start", "/throw/aborted", 502),
        Developer("developer page", "text/html"),
        Developer("developer page in plain text", "text/plain"),
        ParityCase.Get("exception handler", "/errors/handler/x", 500),
        ParityCase.Get("exception handler for a bad request", "/errors/handler/bad-request", 500),
        ParityCase.Cut("exception handler after the start", "/errors/handler/started"),
        Problem("problem details", "/errors/problem/x", 500),
        Problem("problem details for a status", "/errors/problem/status", 418),
        Problem("problem details for a bad request", "/errors/problem/bad-request", 500),
        ParityCase.Get("status page by running again", "/errors/reexecute/none?a=b", 404),
        ParityCase.Get("status page by redirect", "/errors/redirect/x", 302),
        ParityCase.Get("timeout of a request", "/timeout", 504),
    ];

    private static string[] Before =>
        ["plain", "unflushed", "on-starting", "on-starting-empty", "cancelled", "io", "status-set"];

    private static string[] After => ["flushed", "flushed-with-length"];

    // The page lists the request's header fields; nginx adds Connection to requests it sends on over HTTP. A visit's number looks like that
    // of a request on its connection, whose digits are capitals.
    private static ParityCase Developer(string name, string type) =>
        ParityCase.Of(name, new RawRequest("GET", "/errors/developer/x").With("Accept", type), 500)
            .Masking(@"Connection: close\r?\n", string.Empty)
            .Masking(@"<tr>\s*<td>Connection</td>\s*<td>close</td>\s*</tr>\s*", string.Empty).Masking("0000[0-9a-fA-F]{4}", "(visit)");

    private static ParityCase Problem(string name, string target, int status) =>
        ParityCase.Get(name, target, status).Masking("\"traceId\":\"[^\"]*\"", "\"traceId\":\"...\"");
}
