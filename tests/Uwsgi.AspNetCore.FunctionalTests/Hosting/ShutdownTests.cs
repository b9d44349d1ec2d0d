using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Uwsgi.AspNetCore.FunctionalTests.Infrastructure;
using Uwsgi.AspNetCore.FunctionalTests.Responses;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.FunctionalTests.Hosting;

public class ShutdownTests
{
    [Theory]
    [InlineData(null)]
    [InlineData("127.0.0.1:0")]
    [Trait("Item", "135")]
    public async Task An_idle_connection_is_closed_at_once(string? socket)
    {
        await using var server = await StartAsync(_ => Task.CompletedTask, socket);
        var end = await ConnectAsync(server);

        // No time limit would ever end the stop or the connection, so only its own end can.
        await server.App.StopAsync().WithTimeoutAsync();

        Assert.Empty(await end());
        server.Logs.AssertNothingAbove(LogLevel.Information);

        async Task<Func<Task<byte[]>>> ConnectAsync(GatewayTestServer started)
        {
            if (socket is null)
            {
                var connection = await started.ConnectAsync();
                await started.Logs.WaitForAsync("ConnectionStart");
                return connection.Client.ReadToEndAsync;
            }

            var client = await started.ConnectSocketAsync();
            await started.Logs.WaitForAsync("ConnectionStart");
            return client.ReadToEndAsync;
        }
    }

    [Fact]
    [Trait("Item", "135")]
    public async Task A_request_that_has_begun_to_arrive_is_served()
    {
        await using var server = await StartAsync(context => context.Response.WriteAsync("served"), null);

        // So small a buffer that sending ends only when the server has looked at the bytes.
        var connection = await server.ConnectAsync(new InMemoryConnectionOptions { InputBufferSize = 2 });
        var packet = UwsgiPacket.Nginx().ToArray();
        await connection.Client.SendAsync(packet.AsMemory(0, 10));
        var stop = server.App.StopAsync();
        await connection.Features.Get<IConnectionLifetimeNotificationFeature>()!.ConnectionClosedRequested.WaitForCancellationAsync();
        var isOver = stop.IsCompleted;
        await connection.Client.SendAsync(packet.AsMemory(10));
        var response = await connection.Client.ReadResponseAsync();
        await stop.WithTimeoutAsync();

        Assert.False(isOver);
        Assert.Equal("served", response.Text);
    }

    [Theory]
    [InlineData("127.0.0.1:0")]
    [InlineData("unix")]
    [Trait("Item", "135")]
    public async Task A_running_request_is_finished_and_no_new_one_accepted(string socket)
    {
        var directory = Directory.CreateTempSubdirectory("uwsgi-stop-");
        var arrived = Events.New();
        var unbound = Events.New();
        var release = Events.New();
        await using var server = await StartAsync(
            async context =>
            {
                arrived.SetResult();

                // Connections are asked to close after the listeners were unbound.
                await context.Features.Get<IConnectionLifetimeNotificationFeature>()!.ConnectionClosedRequested.WaitForCancellationAsync();
                unbound.SetResult();
                await release.Task;
                await context.Response.WriteAsync("finished");
            },
            socket == "unix" ? Path.Combine(directory.FullName, "app.sock") : socket);
        var address = server.Address;

        using var client = await server.ConnectSocketAsync();
        await client.SendAsync(UwsgiPacket.Nginx().ToArray());
        await arrived.Task.WithTimeoutAsync();
        var stop = server.App.StopAsync();
        await unbound.Task.WithTimeoutAsync();
        var refused = await Assert.ThrowsAnyAsync<SocketException>(() => UwsgiClient.ConnectAsync(address));
        var isOver = stop.IsCompleted;
        release.SetResult();
        var response = await client.ReadResponseAsync();
        await stop.WithTimeoutAsync();

        Assert.Contains(refused.SocketErrorCode, new[] { SocketError.ConnectionRefused, SocketError.AddressNotAvailable });
        Assert.False(isOver);
        Assert.Equal("finished", response.Text);
        directory.Delete(recursive: true);
    }

    [Fact]
    [Trait("Item", "135")]
    public async Task A_request_that_outlives_the_time_is_aborted_and_hears_of_it()
    {
        var arrived = Events.New();
        await using var server = await StartAsync(
            async context =>
            {
                var closing = context.Features.Get<IConnectionLifetimeNotificationFeature>()!.ConnectionClosedRequested;
                var aborted = context.RequestAborted;
                arrived.SetResult();
                await closing.WaitForCancellationAsync();
                await aborted.WaitForCancellationAsync();
                aborted.ThrowIfCancellationRequested();
            },
            "127.0.0.1:0");
        using var timeIsOver = new CancellationTokenSource();

        using var client = await server.ConnectSocketAsync();
        await client.SendAsync(UwsgiPacket.Nginx().ToArray());
        await arrived.Task.WithTimeoutAsync();
        var stop = server.App.StopAsync(timeIsOver.Token);
        await timeIsOver.CancelAsync();
        await Record.ExceptionAsync(() => stop.WithTimeoutAsync());
        var (answer, _) = await client.ReadToEndOrResetAsync();
        var finished = await server.Logs.WaitForRequestEndAsync();

        Assert.Empty(answer);
        Assert.Equal(499, finished.Values.Single(value => value.Key == "StatusCode").Value);
    }

    [Fact]
    [Trait("Item", "135")]
    [Trait("Rule", "42")]
    public async Task An_app_that_ignores_everything_does_not_keep_the_server_and_its_late_write_hurts_nobody()
    {
        var arrived = Events.New();
        var release = Events.New();
        var late = Events.New<Exception?>();
        await using var server = await StartAsync(
            async context =>
            {
                var response = context.Response;
                arrived.SetResult();
                await release.Task;
                late.SetResult(await Record.ExceptionAsync(() => response.WriteAsync("too late")));
            },
            "127.0.0.1:0");

        using var client = await server.ConnectSocketAsync();
        await client.SendAsync(UwsgiPacket.Nginx().ToArray());
        await arrived.Task.WithTimeoutAsync();
        await Record.ExceptionAsync(() => server.App.StopAsync(new CancellationToken(canceled: true)).WithTimeoutAsync());
        var (answer, _) = await client.ReadToEndOrResetAsync();
        release.SetResult();
        var failure = await late.Task.WithTimeoutAsync();

        Assert.Empty(answer);
        Assert.True(failure is null or ObjectDisposedException, $"{failure}");
    }

    [Fact]
    [Trait("Item", "135")]
    public async Task An_app_can_ask_for_the_connections_end()
    {
        await using var server = await StartAsync(
            context =>
            {
                context.Connection.RequestClose();
                return context.Response.WriteAsync("goodbye");
            },
            null);

        var response = await server.RequestAsync(UwsgiPacket.Nginx());

        Assert.Equal("HTTP/1.1 200 OK\r\n\r\ngoodbye", response.ToString());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Trait("Item", "134")]
    public async Task Connection_middleware_that_throws_costs_its_own_connection_only(bool inFront)
    {
        using var logs = new LogSink();
        var transport = new InMemoryTransport();
        var builder = HostedApp.CreateBuilder(logs);
        builder.UseUwsgi();
        builder.Services.AddSingleton<IConnectionListenerFactory>(transport);
        var connections = 0;
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen =>
        {
            ConnectionDelegate Throwing(ConnectionDelegate next) => connection =>
                Interlocked.Increment(ref connections) == 1 ? throw new InvalidDataException("The middleware has failed.") : next(connection);
            if (inFront)
                listen.Use(Throwing);
            listen.UseUwsgi();
            if (!inFront)
                listen.Use(Throwing);
        }));
        await using var app = await HostedApp.StartAsync(builder);

        // What stands behind UseUwsgi() never runs: the endpoint has no HTTP layer to lead to.
        var first = await transport.ConnectAsync();
        await first.Client.SendAsync(UwsgiPacket.Nginx(target: "/first").ToArray());
        var firstAnswer = await first.Client.ReadToEndAsync();
        var second = await transport.ConnectAsync();
        await second.Client.SendAsync(UwsgiPacket.Nginx(target: "/second").ToArray());
        var secondAnswer = await second.Client.ReadResponseAsync();
        await app.StopAsync().WithTimeoutAsync();

        Assert.Equal(inFront, firstAnswer.Length == 0);
        Assert.Equal("/second", secondAnswer.Text);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [Trait("Item", "134")]
    public async Task Connections_that_end_before_a_request_make_no_noise(bool resets)
    {
        await using var server = await StartAsync(context => context.Response.WriteAsync("hello"), null);

        var connection = await server.ConnectAsync();
        if (resets)
            connection.Client.Reset();
        else
            connection.Client.Close();
        await connection.Disposed.WithTimeoutAsync();
        var response = await server.RequestAsync(UwsgiPacket.Nginx());

        Assert.Equal("hello", response.Text);
        server.Logs.AssertNothingAbove(LogLevel.Debug, "Uwsgi");
        server.Logs.AssertNothingAbove(LogLevel.Debug, "Microsoft.AspNetCore.Server");
    }

    [Fact]
    [Trait("Item", "137")]
    public async Task A_server_cannot_be_started_twice_and_can_be_stopped_twice()
    {
        var builder = HostedApp.CreateBuilder();
        builder.UseUwsgi(uwsgi => uwsgi.Sockets.Add("127.0.0.1:0"));
        await using var app = await HostedApp.StartAsync(builder);
        var server = app.Services.GetRequiredService<IServer>();
        var address = app.Urls.Single();

        var twice = await Assert.ThrowsAsync<InvalidOperationException>(() => server.StartAsync(new OtherApplication(), default));
        await HostedApp.AssertAnswersAsync(address);
        await server.StopAsync(default).WithTimeoutAsync();
        await server.StopAsync(default).WithTimeoutAsync();

        Assert.Contains("already", twice.Message);
        await HostedApp.AssertRefusesAsync(address);
    }

    [Fact]
    [Trait("Item", "137")]
    public async Task A_socket_that_cannot_be_bound_fails_the_start_and_frees_the_others()
    {
        using var taken = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        taken.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        taken.Listen();
        var directory = Directory.CreateTempSubdirectory("uwsgi-bind-");
        var path = Path.Combine(directory.FullName, "app.sock");
        var builder = HostedApp.CreateBuilder();
        builder.UseUwsgi(uwsgi =>
        {
            uwsgi.Sockets.Add(path);
            uwsgi.Sockets.Add($"{taken.LocalEndPoint}");
        });

        var failure = await Assert.ThrowsAsync<IOException>(() => HostedApp.StartAsync(builder));

        Assert.Contains($"uwsgi://{taken.LocalEndPoint}", failure.Message);
        Assert.False(File.Exists(path));
        directory.Delete(recursive: true);
    }

    private static Task<GatewayTestServer> StartAsync(RequestDelegate app, string? socket) => GatewayTestServer.StartAsync(app, options =>
    {
        options.Socket = socket;
        options.Uwsgi = uwsgi => uwsgi.Limits.RequestHeadersTimeout = TimeSpan.FromHours(1);
        options.Host = host => host.Services.Configure<HostOptions>(hostOptions => hostOptions.ShutdownTimeout = Timeout.InfiniteTimeSpan);
    });

    private sealed class OtherApplication : IHttpApplication<int>
    {
        public int CreateContext(IFeatureCollection contextFeatures) => throw new InvalidOperationException("Not the application of this server.");

        public Task ProcessRequestAsync(int context) => Task.CompletedTask;

        public void DisposeContext(int context, Exception? exception)
        {
        }
    }
}
