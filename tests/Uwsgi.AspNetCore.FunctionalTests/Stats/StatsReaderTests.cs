using System.Net.Http.Headers;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Uwsgi.AspNetCore.FunctionalTests.Infrastructure;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.FunctionalTests.Stats;

/// <summary>The statistics, read by the rules of the programs that were made for uWSGI's.</summary>
public sealed class StatsReaderTests
{
    // Without these uwsgitop ends with an exception.
    private static readonly string[] TopWorkerKeys =
    [
        "id", "pid", "requests", "exceptions", "status", "tx", "running_time", "avg_rt", "rss", "vsz", "respawn_count", "harakiri_count", "last_spawn",
    ];

    private static readonly string[] Statuses = ["busy", "idle", "cheap", "pause"];

    // What uwsgi_exporter's types are: a number that is no integer of 64 bits fails the whole scrape.
    private static readonly Dictionary<string, string[]> ExporterNumbers = new()
    {
        [""] = ["listen_queue", "listen_queue_errors", "signal_queue", "load", "pid", "uid", "gid"],
        ["sockets"] = ["queue", "max_queue", "shared", "can_offload"],
        ["workers"] =
        [
            "id", "pid", "accepting", "requests", "delta_requests", "exceptions", "harakiri_count", "signals", "signal_queue", "rss", "vsz", "running_time",
            "last_spawn", "respawn_count", "tx", "avg_rt",
        ],
        ["apps"] = ["id", "modifier1", "startup_time", "requests", "exceptions"],
        ["cores"] = ["id", "requests", "static_requests", "routed_requests", "offloaded_requests", "write_errors", "read_errors", "in_request"],
    };

    private static readonly Dictionary<string, string[]> ExporterTexts = new()
    {
        [""] = ["version", "cwd"],
        ["sockets"] = ["name", "proto"],
        ["workers"] = ["status"],
        ["apps"] = ["mountpoint", "chdir"],
        ["cores"] = [],
    };

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_socket_suits_uwsgitop_and_the_exporter(bool isBusy)
    {
        var entered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = await StartAsync(uwsgi => uwsgi.Stats.Add("127.0.0.1:0"), async context =>
        {
            entered.SetResult();
            await release.Task.WithTimeoutAsync();
            await context.Response.WriteAsync("hello");
        });
        if (isBusy)
        {
            await server.BeginAsync(UwsgiPacket.Nginx("GET", "/app/slow"));
            await entered.Task.WithTimeoutAsync();
        }

        // uwsgitop says nothing and reads to the end.
        var text = await StatsClient.ReadTextAsync(server);
        release.SetResult();

        Check(text, isBusy ? "busy" : "idle");
    }

    [Fact]
    public async Task The_http_socket_suits_the_exporter()
    {
        await using var server = await StartAsync(uwsgi =>
        {
            uwsgi.Stats.Add("127.0.0.1:0");
            uwsgi.StatsHttp = true;
        });
        using var client = new HttpClient();

        using var response = await client.GetAsync(new Uri($"http://{StatsClient.AddressOf(server)}")).WithTimeoutAsync();

        Assert.Equal(200, (int)response.StatusCode);
        AssertIsJson(response.Content.Headers);
        Check(await response.Content.ReadAsStringAsync().WithTimeoutAsync(), "idle");
    }

    [Fact]
    public async Task The_endpoint_suits_the_exporter()
    {
        await using var server = await StartAsync();

        var response = await server.RequestAsync(UwsgiPacket.Nginx("GET", "/uwsgi/stats.json"));

        Assert.Equal((200, "application/json"), (response.StatusCode, response["Content-Type"]));
        Check(response.Text, "busy");
    }

    // The exporter compares the whole field; a charset would be too much.
    private static void AssertIsJson(HttpContentHeaders headers) => Assert.Equal("application/json", Assert.Single(headers.GetValues("Content-Type")));

    private static void Check(string text, string status)
    {
        using var document = JsonDocument.Parse(text);
        var root = document.RootElement;
        var worker = Assert.Single(root.GetProperty("workers").EnumerateArray());
        Assert.All(TopWorkerKeys, key => Assert.True(worker.TryGetProperty(key, out _), key));
        Assert.Equal(status, worker.GetProperty("status").GetString());
        Assert.Contains(status, Statuses);

        // Workers with the number 0 are skipped.
        Assert.NotEqual(0, worker.GetProperty("id").GetInt64());
        CheckTypes("", [root]);
        CheckTypes("sockets", root.GetProperty("sockets").EnumerateArray());
        CheckTypes("workers", [worker]);
        CheckTypes("apps", worker.GetProperty("apps").EnumerateArray());
        CheckTypes("cores", worker.GetProperty("cores").EnumerateArray());
        Assert.NotEmpty(worker.GetProperty("apps").EnumerateArray());
        Assert.NotEmpty(worker.GetProperty("cores").EnumerateArray());
    }

    private static void CheckTypes(string kind, IEnumerable<JsonElement> elements)
    {
        foreach (var element in elements)
        {
            Assert.All(ExporterNumbers[kind], key => Assert.True(long.TryParse(element.GetProperty(key).GetRawText(), out _), $"{kind}/{key}: {element.GetProperty(key)}"));
            Assert.All(ExporterTexts[kind], key => Assert.Equal(JsonValueKind.String, element.GetProperty(key).ValueKind));
        }
    }

    private static Task<GatewayTestServer> StartAsync(Action<UwsgiOptions>? uwsgi = null, RequestDelegate? app = null) => GatewayTestServer.StartAsync(null, options =>
    {
        options.Uwsgi = uwsgi;
        options.Pipeline = host =>
        {
            host.MapUwsgiStats();
            host.Map("/app/{**rest}", app ?? (context => context.Response.WriteAsync("hello")));
        };
    });
}
