using Microsoft.AspNetCore.Http;
using Uwsgi.AspNetCore.FunctionalTests.Infrastructure;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.FunctionalTests.Stats;

/// <summary>The counters of the statistics as instruments.</summary>
public class StatsMetricsTests
{
    [Fact]
    public async Task Instruments_read_the_counters_of_the_statistics()
    {
        await using var server = await GatewayTestServer.StartAsync(
            context => context.Request.Path == "/fails" ? throw new InvalidOperationException("fails") : context.Response.WriteAsync("hello"),
            options => options.Uwsgi = uwsgi => uwsgi.Stats.Add("127.0.0.1:0"));
        server.ExpectError("ApplicationError");
        await server.RequestAsync(UwsgiPacket.Nginx());
        await server.RequestAsync(UwsgiPacket.Nginx(target: "/fails"));
        var worker = StatsClient.Worker(await StatsClient.ReadAsync(server));

        server.Metrics.RecordObservable();

        Assert.Equal(2, server.Metrics.Sum("uwsgi.worker.requests"));
        Assert.Equal(1, server.Metrics.Sum("uwsgi.worker.exceptions"));
        Assert.Equal(0, server.Metrics.Sum("uwsgi.worker.static_requests"));
        Assert.Equal(worker.GetProperty("tx").GetInt32(), server.Metrics.Sum("uwsgi.worker.bytes_sent"));
        // Whole microseconds there.
        Assert.Equal(worker.GetProperty("running_time").GetInt64() / 1e6, server.Metrics.Sum("uwsgi.worker.running_time"), tolerance: 2e-6);
        Assert.Equal(2, server.Metrics.Sum("uwsgi.app.requests", "uwsgi.mount", ""));
        Assert.Equal(1, server.Metrics.Sum("uwsgi.app.exceptions", "uwsgi.mount", ""));
        Assert.Equal(0, server.Metrics.Sum("uwsgi.worker.cores", "uwsgi.core.state", "busy"));
        Assert.Equal(1, server.Metrics.Sum("uwsgi.worker.cores", "uwsgi.core.state", "idle"));
    }

    [SkippableFact]
    public async Task Backlog_is_measured_per_socket()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "Only Linux tells the length of accept queues.");
        await using var server = await GatewayTestServer.StartAsync(
            context => context.Response.WriteAsync("hello"),
            options =>
            {
                options.Socket = $"@backlog-{Guid.NewGuid():N}";
                options.Uwsgi = uwsgi =>
                {
                    uwsgi.Backlog = 33;
                    uwsgi.Stats.Add("127.0.0.1:0");
                };
            });

        server.Metrics.RecordObservable();

        Assert.Equal(33, Assert.Single(server.Metrics.Of("uwsgi.server.accept_backlog.limit")).Value);
        Assert.StartsWith("@backlog-", (string?)Assert.Single(server.Metrics.Of("uwsgi.server.accept_backlog"))["uwsgi.socket"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_anything_that_watches_requests_there_are_no_such_instruments()
    {
        await using var server = await GatewayTestServer.StartAsync(context => context.Response.WriteAsync("hello"));
        await server.RequestAsync(UwsgiPacket.Nginx());

        server.Metrics.RecordObservable();

        Assert.Empty(server.Metrics.Of("uwsgi.worker.requests"));
        Assert.Equal(1, server.Metrics.Sum("uwsgi.server.requests"));
    }
}
