using System.Buffers;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;
using Uwsgi.AspNetCore.Stats;
using Uwsgi.AspNetCore.Testing;
using Uwsgi.AspNetCore.Transport;
using Uwsgi.AspNetCore.Workers;

namespace Uwsgi.AspNetCore.Tests.Stats;

public sealed class StatsDocumentTests : IDisposable
{
    private static readonly UwsgiOptions TwoMounts = new() { Mounts = { ["/app1"] = "one", ["/app2"] = "two" }, NoDefaultApp = true };

    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly ListeningSockets _sockets = new(new AcceptQueueReader(NullLoggerFactory.Instance));

    public StatsDocumentTests()
    {
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen(5);
        _sockets.Add(_listener.LocalEndPoint!, "uwsgi", _listener);
    }

    public void Dispose() => _listener.Dispose();

    [Theory]
    [InlineData("stats-idle.json", 0)]
    [InlineData("stats-after-requests.json", 2)]
    [InlineData("stats-after-harakiri.json", 1)]
    public void Write_WithoutARequest_HasUwsgisKeysOrderAndTypes(string sample, int requests)
    {
        var worker = StatsRequests.NewWorker(options: TwoMounts);
        for (var i = 0; i < requests; i++)
            worker.Leave(worker.Enter(new DefaultHttpContext()));

        Assert.Equal(JsonShape.Of(JsonShape.Sample(sample)), JsonShape.Of(Write(worker)));
    }

    [Fact]
    public void Write_WithARequest_HasUwsgisKeysOrderAndTypes()
    {
        var worker = StatsRequests.NewWorker(options: TwoMounts);
        var first = worker.Enter(new DefaultHttpContext());
        worker.Enter(StatsRequests.Gateway(UwsgiPacket.Nginx()));
        worker.Leave(first);

        Assert.Equal(JsonShape.Of(JsonShape.Sample("stats-one-busy.json")), JsonShape.Of(Write(worker)));
    }

    [Fact]
    public void Write_TellsWhatTheWorkerCounted()
    {
        var time = new ManualTimeProvider();
        var worker = StatsRequests.NewWorker(time, new() { Mounts = { ["/shop"] = "shop" } });
        var first = worker.Enter(new DefaultHttpContext());
        first.NoteException();
        time.Advance(TimeSpan.FromMilliseconds(3));
        worker.Leave(first);
        worker.Enter(new DefaultHttpContext()).SelectApp(worker.Apps[0]);
        time.Advance(TimeSpan.FromSeconds(7.5));

        var root = Write(worker);
        var shown = root.GetProperty("workers")[0];
        var core = shown.GetProperty("cores")[0];

        Assert.Equal(Environment.ProcessId, root.GetProperty("pid").GetInt32());
        Assert.EndsWith("-aspnetcore", root.GetProperty("version").GetString(), StringComparison.Ordinal);
        Assert.Equal("busy", shown.GetProperty("status").GetString());
        Assert.Equal((1, 1, 1), (Number(shown, "requests"), Number(shown, "delta_requests"), Number(shown, "exceptions")));
        Assert.Equal((3000, 1500), (Number(shown, "running_time"), Number(shown, "avg_rt")));
        Assert.Equal(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero).ToUnixTimeSeconds(), Number(shown, "last_spawn"));
        Assert.Equal(Number(shown, "last_spawn"), Number(core.GetProperty("req_info"), "request_start"));
        Assert.Equal((1, 1), (Number(core, "in_request"), Number(core, "requests")));
        Assert.InRange(Number(shown, "rss"), 1_000_000, Number(shown, "vsz"));
        Assert.Equal(["/shop 0 1", " 1 1"], shown.GetProperty("apps").EnumerateArray()
            .Select(app => $"{app.GetProperty("mountpoint").GetString()} {Number(app, "id")} {Number(app, "requests")}"));
    }

    [Fact]
    public void Write_ConnectionsWait_AreTheListenQueue()
    {
        using var first = new TcpClient();
        using var second = new TcpClient();
        first.Connect((IPEndPoint)_listener.LocalEndPoint!);
        second.Connect((IPEndPoint)_listener.LocalEndPoint!);

        var root = Write(StatsRequests.NewWorker());

        Assert.Equal((2, 2), (Number(root, "listen_queue"), Number(root, "load")));
        var socket = root.GetProperty("sockets")[0];
        Assert.Equal($"{_listener.LocalEndPoint} uwsgi 2 5", $"{socket.GetProperty("name")} {socket.GetProperty("proto")} {Number(socket, "queue")} {Number(socket, "max_queue")}");
    }

    // uWSGI's own document is no JSON then (unbit/uwsgi#931).
    [Fact]
    public void Write_AnyBytesInVariables_StayJson()
    {
        var anyBytes = Enumerable.Range(0, 256).Select(value => (byte)value).ToArray();
        var packet = new UwsgiPacket().Add("HTTP_X_ANY"u8, anyBytes).Add("HTTP_X_HALF"u8, "\xED\xA0\x80\""u8).Add("HTTP_X_\0\""u8, "\\\r\n\t</script>"u8);
        var worker = StatsRequests.NewWorker();
        worker.Enter(StatsRequests.Gateway(packet));

        foreach (var minified in (bool[])[true, false])
        {
            var bytes = WriteBytes(worker, minified);
            var variables = JsonShape.Parse(bytes).GetProperty("workers")[0].GetProperty("cores")[0].GetProperty("vars");

            Assert.Equal(
                ["HTTP_X_ANY=" + Encoding.Latin1.GetString(anyBytes), "HTTP_X_HALF=\xED\xA0\x80\"", "HTTP_X_\0\"=\\\r\n\t</script>", ""],
                variables.EnumerateArray().Select(variable => variable.GetString()));
            Assert.True(System.Text.Unicode.Utf8.IsValid(bytes.Span));
            Assert.DoesNotContain("</script>", Encoding.UTF8.GetString(bytes.Span), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Write_Minified_IsOneLineWithoutBlanks()
    {
        var worker = StatsRequests.NewWorker();

        Assert.Contains("{\"user 0\":0},{\"signal\":0}", Encoding.UTF8.GetString(WriteBytes(worker, minified: true).Span), StringComparison.Ordinal);
        Assert.DoesNotContain((byte)'\n', WriteBytes(worker, minified: true).ToArray());
        Assert.StartsWith("{\n\t\"version\": \"", Encoding.UTF8.GetString(WriteBytes(worker, minified: false).Span), StringComparison.Ordinal);
        Assert.Equal((byte)'}', WriteBytes(worker, minified: false).Span[^1]);
    }

    private static long Number(JsonElement element, string key) => element.GetProperty(key).GetInt64();

    private JsonElement Write(Worker worker) => JsonShape.Parse(WriteBytes(worker, minified: false));

    private ReadOnlyMemory<byte> WriteBytes(Worker worker, bool minified)
    {
        var output = new ArrayBufferWriter<byte>();
        new StatsDocument(worker, _sockets).Write(output, minified);
        return output.WrittenMemory;
    }
}
