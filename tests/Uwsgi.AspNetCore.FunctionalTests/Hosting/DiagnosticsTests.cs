using System.Diagnostics.Metrics;
using System.Reflection;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Uwsgi.AspNetCore.Diagnostics;
using Uwsgi.AspNetCore.FunctionalTests.Infrastructure;
using Uwsgi.AspNetCore.FunctionalTests.Responses;
using Uwsgi.AspNetCore.Testing;
using Uwsgi.AspNetCore.Transport.Loop;

namespace Uwsgi.AspNetCore.FunctionalTests.Hosting;

/// <summary>What operators see: metrics and logs.</summary>
[Trait("Item", "139")]
public class DiagnosticsTests
{
    [Theory]
    [InlineData("127.0.0.1:0", "tcp")]
    [InlineData("unix", "unix")]
    public async Task Kestrels_connection_metrics_count_gateway_connections_and_name_the_protocol(string socket, string transport)
    {
        var directory = Directory.CreateTempSubdirectory("uwsgi-metrics-");
        await using (var server = await GatewayTestServer.StartAsync(
            context => context.Response.WriteAsync("hello"),
            options => options.Socket = socket == "unix" ? Path.Combine(directory.FullName, "app.sock") : socket))
        {
            using var kestrel = Collect(server, "Microsoft.AspNetCore.Server.Kestrel");

            await server.RequestAsync(UwsgiPacket.Nginx());

            var duration = await kestrel.WaitForAsync(measurement => measurement.Instrument == "kestrel.connection.duration");
            Assert.Equal("uwsgi", duration["network.protocol.name"]);
            Assert.Equal(transport, duration["network.transport"]);
            await kestrel.WaitForAsync(measurement => measurement is { Instrument: "kestrel.active_connections", Value: -1 });
            Assert.Equal(0, kestrel.Sum("kestrel.active_connections"));
        }

        directory.Delete(recursive: true);
    }

    [Theory]
    [InlineData("HTTP/1.1", "1.1")]
    [InlineData("HTTP/2.0", "2")]
    [InlineData("HTTP/3.0", "3")]
    public async Task Request_durations_carry_status_route_scheme_and_the_clients_protocol(string protocol, string version)
    {
        await using var server = await GatewayTestServer.StartAsync(context =>
        {
            context.Response.StatusCode = 404;
            return Task.CompletedTask;
        });
        using var hosting = Collect(server, "Microsoft.AspNetCore.Hosting");

        await server.RequestAsync(UwsgiPacket.Nginx("POST", https: true).Set("SERVER_PROTOCOL", protocol));

        var duration = await hosting.WaitForAsync(measurement => measurement.Instrument == "http.server.request.duration");
        Assert.Equal(404, duration["http.response.status_code"]);
        Assert.Equal("POST", duration["http.request.method"]);
        Assert.Equal("https", duration["url.scheme"]);
        Assert.Equal(version, duration["network.protocol.version"]);
        Assert.Null(duration["error.type"]);
        Assert.Equal(0, hosting.Sum("http.server.active_requests"));
    }

    [Fact]
    public async Task Our_own_instruments_count_requests_pings_upgrades_and_rejections()
    {
        var release = Events.New();
        await using var server = await GatewayTestServer.StartAsync(async context =>
        {
            await context.Response.StartAsync();
            await context.Response.Body.FlushAsync();
            await release.Task;
        });

        var running = await server.SendAsync(UwsgiPacket.Nginx());
        await running.Client.ReadHeadAsync();
        var ping = await server.ConnectAsync();
        await ping.Client.SendAsync(UwsgiPacket.Ping());
        var pong = await ping.Client.ReadToEndAsync();
        await server.RequestAsync(UwsgiPacket.HttpRequest());
        server.Metrics.RecordObservable();
        release.SetResult();
        await running.Disposed.WithTimeoutAsync();

        Assert.Equal([100, 0, 0, 1], pong);
        Assert.Equal(1, server.Metrics.Sum("uwsgi.server.requests"));
        Assert.Equal(1, server.Metrics.Sum("uwsgi.server.active_requests"));
        Assert.Equal(1, server.Metrics.Sum("uwsgi.server.pings"));
        Assert.Equal(0, server.Metrics.Sum("uwsgi.server.upgraded_connections"));
        Assert.Equal(1, server.Metrics.Sum("uwsgi.server.rejections", "error.type", "http_on_gateway_port"));
    }

    [Fact]
    public async Task An_unexpected_exception_is_the_durations_error_type()
    {
        await using var server = await GatewayTestServer.StartAsync(_ => throw new InvalidDataException("The app has failed."));
        using var hosting = Collect(server, "Microsoft.AspNetCore.Hosting");
        server.ExpectError("ApplicationError");

        await server.RequestAsync(UwsgiPacket.Nginx());

        var duration = await hosting.WaitForAsync(measurement => measurement.Instrument == "http.server.request.duration");
        Assert.Equal("System.IO.InvalidDataException", duration["error.type"]);
    }

    [Theory]
    [InlineData("ping", "Ping", 26, LogLevel.Debug)]
    [InlineData("http", "WrongProtocol", 27, LogLevel.Warning)]
    [InlineData("malformed", "RequestRejected", 22, LogLevel.Information)]
    [InlineData("modifier", "RequestRejected", 22, LogLevel.Information)]
    public async Task Events_of_connections_keep_their_ids_names_and_levels(string what, string name, int id, LogLevel level)
    {
        await using var server = await GatewayTestServer.StartAsync(_ => Task.CompletedTask);
        var bytes = what switch
        {
            "ping" => UwsgiPacket.Ping(),
            "http" => UwsgiPacket.HttpRequest(),
            "modifier" => UwsgiPacket.Raw(33, 0, 0, []),
            _ => UwsgiPacket.Malformed().First().Bytes,
        };

        var connection = await server.ConnectAsync();
        await connection.Client.SendAsync(bytes);
        connection.Client.CompleteSending();
        var logged = await server.Logs.WaitForAsync(name);

        Assert.Equal((id, level, "Uwsgi.AspNetCore.Connections"), (logged.EventId.Id, logged.Level, logged.Category));
        Assert.Contains(connection.ConnectionId, logged.Message);
    }

    [Fact]
    public void Every_event_has_an_id_of_its_own_and_the_name_of_its_method()
    {
        var ids = typeof(EventIds).GetFields(BindingFlags.Public | BindingFlags.Static).ToDictionary(field => field.Name, field => (int)field.GetValue(null)!);
        // What Kestrel logs about a connection keeps Kestrel's numbers.
        var events = typeof(UwsgiOptions).Assembly.GetTypes()
            .Where(type => type != typeof(KestrelLog))
            .SelectMany(type => type.GetMethods(BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static))
            .Select(method => (method.Name, Attribute: method.GetCustomAttribute<LoggerMessageAttribute>()))
            .Where(method => method.Attribute is not null)
            .ToArray();

        Assert.Equal(ids.Count, ids.Values.Distinct().Count());
        Assert.Equal(events.Length, events.Select(method => method.Attribute!.EventId).Distinct().Count());
        Assert.All(events, method =>
        {
            Assert.Equal(method.Name, method.Attribute!.EventName);
            Assert.Equal(ids[method.Name], method.Attribute.EventId);
        });
        Assert.Empty(ids.Keys.Except(events.Select(method => method.Name)));
    }

    private static MetricCollector Collect(GatewayTestServer server, string meter) =>
        new(meter, server.Services.GetRequiredService<IMeterFactory>());
}
