using Uwsgi.AspNetCore.InteropTests.Http;

namespace Uwsgi.AspNetCore.InteropTests.Parity.Cases;

/// <summary>The order and the means in which an app writes its response, and what happens when it writes it wrongly.</summary>
internal static class WritingCases
{
    public static IEnumerable<ParityCase> All =>
    [
        .. Ways.Select(way => ParityCase.Get($"write {way}", $"/write/{way}")),
        .. Ways.Select(way => ParityCase.Of($"write {way} to HEAD", new RawRequest("HEAD", $"/write/{way}"))),
        ParityCase.Get("write headers after memory was taken", "/write/headers-after-memory", 201),
        ParityCase.Cut("write too-few", "/write/too-few"),
        ParityCase.Get("write nothing of an announced body", "/write/too-few-unstarted", 500),
        ParityCase.Get("write more than announced", "/write/too-many", 500),
        ParityCase.Get("write with a cancelled token", "/write/cancelled-token"),
        ParityCase.Get("callbacks without a body", "/callbacks"),
        ParityCase.Get("callbacks with a body", "/callbacks?body"),
    ];

    private static string[] Ways =>
    [
        "plain", "nothing", "empty", "length", "too-many-late", "start", "start-only", "start-with-length", "flush-only",
        "flush-each", "writer", "writer-flushed", "mixed", "unflushed-bytes", "complete", "complete-empty", "writer-complete", "dispose",
        "synchronous", "replaced-body", "many-small", "advance-wrong", "disable-buffering", "encoding",
    ];
}
