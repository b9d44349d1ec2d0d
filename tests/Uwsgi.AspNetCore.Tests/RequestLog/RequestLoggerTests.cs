using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Uwsgi.AspNetCore.RequestLog;
using Uwsgi.AspNetCore.Testing;
using Uwsgi.AspNetCore.Workers;

namespace Uwsgi.AspNetCore.Tests.RequestLog;

public sealed class RequestLoggerTests : IDisposable
{
    private static readonly TimeSpan Duration = TimeSpan.FromTicks(12_345_678);

    private readonly LogSink _logs = new();
    private readonly ManualTimeProvider _time = new(new DateTimeOffset(2026, 11, 2, 8, 8, 51, 250, TimeSpan.Zero));
    private readonly HttpExchange _http = new();

    public static TheoryData<string, string> Variables => new()
    {
        { "uri", "/ok?a=b" },
        { "method", "GET" },
        { "user", "-" },
        { "addr", "127.0.0.9" },
        { "host", "example.com:81" },
        { "proto", "HTTP/1.1" },
        { "uagent", "my agent" },
        { "referer", "-" },
        { "status", "200" },
        { "size", "511" },
        { "rsize", "439" },
        { "hsize", "72" },
        { "cl", "17" },
        { "headers", "2" },
        { "micros", "1234567" },
        { "msecs", "1234" },
        { "secs", "1.234568" },
        { "epoch", "1793606932" },
        { "time", "1793606931" },
        { "tmsecs", "1793606931250" },
        { "tmicros", "1793606931250000" },
        { "ctime", "Mon Nov  2 08:08:51 2026" },
        { "ltime", "02/Nov/2026:08:08:51 +0000" },
        { "ftime", "02/Nov/2026:08:08:51 +0000" },
        { "pid", Environment.ProcessId.ToString(CultureInfo.InvariantCulture) },
        { "wid", "1" },
        { "core", "0" },
        { "switches", "1" },
        { "vars", "28" },
        { "pktsize", "313" },
        { "modifier1", "0" },
        { "modifier2", "0" },
        { "rerr", "0" },
        { "werr", "0" },
        { "ioerr", "0" },
        { "metric.worker.0.requests", "-" },
        { "tenant", "-" },
        { "var.REQUEST_METHOD", "GET" },
        { "var.REQUEST_URI", "/ok?a=b" },
        { "var.PATH_INFO", "/ok" },
        { "var.QUERY_STRING", "a=b" },
        { "var.SERVER_PROTOCOL", "HTTP/1.1" },
        { "var.REQUEST_SCHEME", "http" },
        { "var.HTTPS", "-" },
        { "var.REMOTE_ADDR", "127.0.0.9" },
        { "var.REMOTE_PORT", "5000" },
        { "var.REMOTE_USER", "-" },
        { "var.SERVER_ADDR", "127.0.0.1" },
        { "var.SERVER_PORT", "80" },
        { "var.SERVER_NAME", "example.com" },
        { "var.CONTENT_TYPE", "text/plain" },
        { "var.CONTENT_LENGTH", "17" },
        { "var.HTTP_USER_AGENT", "my agent" },
        { "var.HTTP_CONTENT_TYPE", "-" },
        { "var.NOPE", "-" },
    };

    [Theory]
    [MemberData(nameof(Variables))]
    public void Format_EachVariable_OverHttp(string name, string expected)
    {
        _http.Headers.Host = "example.com:81";
        _http.Headers.UserAgent = "my agent";
        _http.Headers.ContentType = "text/plain";
        _http.Headers.ContentLength = 17;

        Assert.Equal($"<{expected}>", LogOne(new() { LogFormat = $"<%({name})>" }));
    }

    [Fact]
    public void Variables_AreAllTested() => Assert.Empty(
        LogFormat.Names.Except(["rss", "vsz", "rssM", "vszM"]).Except(Variables.Select(row => (string)row[0])));

    [Fact]
    public void Format_Memory_IsThatOfTheProcess()
    {
        var sizes = LogOne(new() { LogFormat = "%(rss) %(vsz) %(rssM) %(vszM)" }).Split(' ').Select(long.Parse).ToArray();

        Assert.InRange(sizes[0], 1024 * 1024, sizes[1]);
        Assert.Equal([sizes[0] / 1024 / 1024, sizes[1] / 1024 / 1024], sizes[2..]);
    }

    [Fact]
    public void Format_Errors_AreCounted()
    {
        _http.HasReadFailed = true;
        _http.HasWriteFailed = true;

        Assert.Equal("1 1 2", LogOne(new() { LogFormat = "%(rerr) %(werr) %(ioerr)" }));
    }

    [Fact]
    public void Format_BodyOfUnknownLength_IsWhatWasRead()
    {
        _http.BytesReceived = 12;

        Assert.Equal("12", LogOne(new() { LogFormat = "%(cl)" }));
    }

    [Fact]
    public void Format_ValuesOfTheApp_AreEscaped_AndGoneWithTheRequest()
    {
        var options = new UwsgiOptions { LogFormat = "%(tenant) %(other)" };
        var (logger, worker) = Start(options);

        Run(worker, context => context.SetLogVariable("tenant", "a \"b\"\n"));
        Run(worker);

        Assert.Equal(["a \\x22b\\x22\\x0A -", "- -"], _logs.Entries.Select(entry => entry.Message));
        Assert.True(logger.IsEnabled);
    }

    [Fact]
    public void SetLogVariable_NothingLogged_DoesNothing()
    {
        var context = new DefaultHttpContext();

        context.SetLogVariable("tenant", "a");

        Assert.Throws<ArgumentException>(() => context.SetLogVariable("", "a"));
        Assert.Throws<ArgumentNullException>(() => context.SetLogVariable("a", null!));
    }

    [Fact]
    public void Default_Line_IsUwsgis()
    {
        var line = LogOne(new() { DisableLogging = false });

        // 127.0.0.9 asks over HTTP without a header: nine variables have a value.
        Assert.Equal(
            $"[pid: {Environment.ProcessId}|app: 0|req: 1/1] 127.0.0.9 () {{18 vars in 187 bytes}} [Mon Nov  2 08:08:51 2026] GET /ok?a=b"
                + " => generated 439 bytes in 1234 msecs (HTTP/1.1 200) 2 headers in 72 bytes (1 switches on core 0)",
            line);
    }

    [Fact]
    public void Default_StaticFile_HasNoAppAndTheWayItWent()
    {
        var (_, worker) = Start(new() { DisableLogging = false });

        Run(worker, context => Core.Of(context)!.NoteStatic());
        Run(worker, context => Core.Of(context)!.NoteNoApp());
        Run(worker, context => Core.Of(context)!.NoteOffloaded());
        _http.BodyBytesSent = 0;
        Run(worker, context => Core.Of(context)!.NoteStatic());
        Run(worker);

        Assert.Equal(
            [
                "app: -1|req: -1/1 via sendfile()", "app: -1|req: -1/2", "app: 0|req: 1/3 via offload()", "app: -1|req: -1/4", "app: 0|req: 2/5",
            ],
            _logs.Entries.Select(entry => entry.Message[(entry.Message.IndexOf('|') + 1)..entry.Message.IndexOf(']')]
                + entry.Message[(entry.Message.IndexOf("msecs", StringComparison.Ordinal) + 5)..entry.Message.IndexOf(" (HTTP", StringComparison.Ordinal)]));
    }

    [Fact]
    public void Default_NoResponse_HasStatusZero()
    {
        _http.HasStarted = false;

        Assert.Contains(" (HTTP/1.1 0) ", LogOne(new() { DisableLogging = false }));
    }

    [Fact]
    public void Default_HugeValues_StayWithinUwsgisLine()
    {
        _http.RawTarget = "/" + new string('a', 100_000);
        _http.Headers["X-Forwarded-For"] = new string('\x01', 100_000);

        var line = LogOne(new() { DisableLogging = false, LogXForwardedFor = true });

        Assert.InRange(line.Length, 3000, 4096);
        Assert.EndsWith("(1 switches on core 0)", line);
    }

    [Theory]
    [InlineData(false, "127.0.0.9")]
    [InlineData(true, "1.2.3.4, \\x1B[31m5")]
    public void Address_OfTheHeader_IsWholeAndEscaped(bool isForwarded, string expected)
    {
        _http.Headers["X-Forwarded-For"] = "1.2.3.4, \x1b[31m5";

        Assert.Equal(expected, LogOne(new() { LogFormat = "%(addr)", LogXForwardedFor = isForwarded }));
    }

    [Fact]
    public void Address_NoHeader_IsTheClients() =>
        Assert.Equal("127.0.0.9", LogOne(new() { LogFormat = "%(addr)", LogXForwardedFor = true }));

    [Theory]
    [InlineData(null, null, null, false, false, 200, 0, false)]
    [InlineData(null, "%(uri)", null, false, false, 200, 0, true)]
    [InlineData(true, "%(uri)", null, false, false, 200, 0, false)]
    [InlineData(false, null, null, false, false, 200, 0, true)]
    [InlineData(null, null, 100, false, false, 200, 99, false)]
    [InlineData(null, null, 100, false, false, 200, 100, true)]
    [InlineData(null, null, 0, false, false, 200, 0, true)]
    [InlineData(null, "%(uri)", 100, false, false, 200, 1, true)]
    [InlineData(true, "%(uri)", 100, false, false, 200, 1, false)]
    [InlineData(null, null, null, true, false, 399, 0, false)]
    [InlineData(null, null, null, true, false, 400, 0, true)]
    [InlineData(null, null, null, true, false, 499, 0, true)]
    [InlineData(null, null, null, true, false, 500, 0, false)]
    [InlineData(null, null, null, false, true, 499, 0, false)]
    [InlineData(null, null, null, false, true, 500, 0, true)]
    [InlineData(null, null, null, false, true, 599, 0, true)]
    [InlineData(true, null, null, true, true, 404, 0, true)]
    [InlineData(true, null, null, true, true, 200, 0, false)]
    public void Selection_FollowsTheOptions(
        bool? disabled, string? format, int? slow, bool has4xx, bool has5xx, int status, int milliseconds, bool isLogged)
    {
        _http.StatusCode = status;
        var (_, worker) = Start(new() { DisableLogging = disabled, LogFormat = format, LogSlow = slow, Log4xx = has4xx, Log5xx = has5xx });

        Run(worker, duration: TimeSpan.FromMilliseconds(milliseconds));

        Assert.Equal(isLogged ? 1 : 0, _logs.Entries.Count);
    }

    [Theory]
    [InlineData(null, null, false)]
    [InlineData(true, "%(uri)", false)]
    [InlineData(null, "%(uri)", true)]
    [InlineData(false, null, true)]
    public void IsEnabled_NothingToLog_IsFalse(bool? disabled, string? format, bool expected)
    {
        var logger = new RequestLogger(Options.Create(new UwsgiOptions { DisableLogging = disabled, LogFormat = format }), _logs.CreateFactory());

        Assert.Equal(expected, logger.IsEnabled);
        Assert.Equal(expected, new Worker(Options.Create(new UwsgiOptions()), [logger]).HasObservers);
    }

    [Fact]
    public void Entry_HasCategoryLevelAndValues()
    {
        _http.StatusCode = 503;

        LogOne(new() { LogFormat = "%(method)" });

        var entry = Assert.Single(_logs.Entries);
        Assert.Equal(("Uwsgi.AspNetCore.RequestLog", LogLevel.Information, 110), (entry.Category, entry.Level, entry.EventId.Id));
        Assert.Contains(new("Line", "GET"), entry.Values);
        Assert.Contains(new("statusCode", 503), entry.Values);
        Assert.Contains(new("elapsedMilliseconds", Duration.TotalMilliseconds), entry.Values);
    }

    [Fact]
    public void RequestEnded_NobodyListens_BuildsNoLine()
    {
        var options = Options.Create(new UwsgiOptions { DisableLogging = false });
        var logger = new RequestLogger(options, NullLoggerFactory.Instance, _time);
        var core = new Worker(options, [], _time).Enter(_http.Context);
        logger.RequestEnded(core, Duration);

        var before = GC.GetAllocatedBytesForCurrentThread();
        logger.RequestEnded(core, Duration);

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void RequestEnded_LoggerThrows_GivesTheCoreBack()
    {
        var worker = new Worker(Options.Create(new UwsgiOptions()), [new Failing()], _time);
        var core = worker.Enter(_http.Context);

        Assert.Throws<InvalidOperationException>(() => worker.Leave(core));

        Assert.False(core.IsBusy);
        Assert.Same(core, worker.Enter(new DefaultHttpContext()));
    }

    public void Dispose() => _logs.Dispose();

    private string LogOne(UwsgiOptions options)
    {
        Run(Start(options).Worker);
        return _logs.Entries[^1].Message;
    }

    private (RequestLogger Logger, Worker Worker) Start(UwsgiOptions options)
    {
        var logger = new RequestLogger(Options.Create(options), _logs.CreateFactory(), _time);
        return (logger, new Worker(Options.Create(options), logger.IsEnabled ? [logger] : [], _time));
    }

    private void Run(Worker worker, Action<HttpContext>? app = null, TimeSpan? duration = null)
    {
        var core = worker.Enter(_http.Context);
        app?.Invoke(_http.Context);
        _time.Advance(duration ?? Duration);
        worker.Leave(core);
    }

    private sealed class Failing : IRequestObserver
    {
        public bool IsEnabled => true;

        public void RequestEnded(Core core, TimeSpan elapsed) => throw new InvalidOperationException("full");
    }
}
