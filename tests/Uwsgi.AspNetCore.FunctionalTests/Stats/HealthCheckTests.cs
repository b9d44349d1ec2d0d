using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Uwsgi.AspNetCore.FunctionalTests.Infrastructure;
using Uwsgi.AspNetCore.Testing;
using Uwsgi.AspNetCore.Transport;

namespace Uwsgi.AspNetCore.FunctionalTests.Stats;

/// <summary>The check that <c>AddHealthChecks().AddUwsgi()</c> adds.</summary>
public class HealthCheckTests
{
    private const int Backlog = 4;

    [Fact]
    public async Task A_server_that_keeps_up_is_healthy_and_tells_its_numbers()
    {
        await using var server = await StartAsync();
        await server.RequestAsync(UwsgiPacket.Nginx());

        var (report, entry) = await CheckAsync(server);

        Assert.Equal(HealthStatus.Healthy, report.Status);
        Assert.Equal(
            ["backlog=0", "busy=0", "exceptions=0", "harakiris=0", "maxBacklog=0", "maxStuck=8", "requests=1", "stuck=0"],
            entry.Data.Select(pair => $"{pair.Key}={pair.Value}").Order(StringComparer.Ordinal));
    }

    [SkippableTheory]
    [InlineData(0.75, 3, HealthStatus.Healthy)]
    [InlineData(0.75, 4, HealthStatus.Degraded)]
    [InlineData(0.25, 2, HealthStatus.Degraded)]
    [InlineData(2, 2, HealthStatus.Healthy)]
    [InlineData(2, 3, HealthStatus.Degraded)]
    [InlineData(0, 0, HealthStatus.Healthy)]
    [InlineData(0, 1, HealthStatus.Degraded)]
    public async Task Too_many_waiting_connections_degrade_it(double limit, int waiting, HealthStatus expected)
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "Only Linux tells the length of accept queues.");
        await using var server = await StartAsync(options => options.MaxBacklog = limit);
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(Backlog);
        server.Services.GetRequiredService<ListeningSockets>().Add(listener.LocalEndPoint!, "uwsgi", listener);
        var clients = new List<Socket>();
        for (var i = 0; i < waiting; i++)
        {
            clients.Add(new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
            await clients[i].ConnectAsync(listener.LocalEndPoint!).WithTimeoutAsync();
        }

        var (report, entry) = await CheckAsync(server);

        Assert.Equal(expected, report.Status);
        Assert.Equal((waiting, Backlog), ((int)entry.Data["backlog"], (int)entry.Data["maxBacklog"]));
        Assert.Equal(expected == HealthStatus.Healthy ? null : $"{waiting} connections of at most {Backlog} wait on {listener.LocalEndPoint}", entry.Description);
        clients.ForEach(client => client.Dispose());
    }

    [Fact]
    public void Negative_limits_are_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new UwsgiHealthCheckOptions { MaxBacklog = -0.1 });
        Assert.Throws<ArgumentOutOfRangeException>(() => new UwsgiHealthCheckOptions { MaxStuck = -1 });
    }

    [Fact]
    public async Task Without_the_hosts_part_it_says_what_is_missing()
    {
        var services = new ServiceCollection().AddLogging();
        services.AddHealthChecks().AddUwsgi();
        await using var provider = services.BuildServiceProvider();

        var error = await Assert.ThrowsAsync<InvalidOperationException>(
            () => provider.GetRequiredService<HealthCheckService>().CheckHealthAsync().WithTimeoutAsync());

        Assert.Contains("builder.UseUwsgi()", error.Message, StringComparison.Ordinal);
    }

    private static async Task<(HealthReport Report, HealthReportEntry Entry)> CheckAsync(GatewayTestServer server)
    {
        var report = await server.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync().WithTimeoutAsync();
        return (report, report.Entries["uwsgi"]);
    }

    private static Task<GatewayTestServer> StartAsync(Action<UwsgiHealthCheckOptions>? limits = null) => GatewayTestServer.StartAsync(
        context => context.Response.WriteAsync("hello"),
        options => options.Host = builder => builder.Services.AddHealthChecks().AddUwsgi(limits));
}
