using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Uwsgi.AspNetCore.FunctionalTests.Infrastructure;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.FunctionalTests;

/// <summary>What becomes of a body that the application leaves unread.</summary>
public class RequestDrainTests
{
    private static readonly UwsgiPacket Post = UwsgiPacket.Nginx("POST").WithBody(new byte[1000]);

    [Theory]
    [Trait("Rule", "79")]
    [Trait("Item", "35")]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_large_response_arrives_whole_although_a_large_body_is_unread(bool unix)
    {
        using var socket = new TemporarySocket(unix);
        await using var server = await GatewayTestServer.StartAsync(
            context => context.Response.Body.WriteAsync(new byte[300_000]).AsTask(), options => options.Socket = socket.Address);

        var response = await server.RequestAsync(UwsgiPacket.Nginx("POST").WithBody(new byte[5_000_000]));

        Assert.Equal(300_000, response.Body.Length);
        Assert.Empty(server.Logs.Find("BodyNotDrained"));
    }

    // nginx announces only what it has read so far of a body it does not buffer, which may be nothing; a reset would turn the answer into its own 502.
    [Fact]
    public async Task A_body_is_discarded_when_a_length_of_zero_contradicts_the_clients()
    {
        await using var server = await GatewayTestServer.StartAsync(_ => Task.CompletedTask);
        var packet = UwsgiPacket.Nginx("POST").Set("CONTENT_LENGTH", "0").Add("HTTP_CONTENT_LENGTH", "2000000");
        var connection = await server.ConnectAsync(packet.ToHead());
        Assert.Equal(400, (await connection.Client.ReadHeadAsync()).StatusCode);

        // More than the server's input holds, so that somebody has to take it.
        await connection.Client.SendAsync(new byte[2_000_000]).WithTimeoutAsync();

        Assert.False(connection.Disposed.IsCompleted);
        connection.Client.CompleteSending();
        await connection.Disposed.WithTimeoutAsync();
    }

    [Fact]
    [Trait("Item", "34")]
    [Trait("Item", "35")]
    public async Task A_request_object_is_good_for_the_next_request_after_an_unread_body()
    {
        await using var server = await GatewayTestServer.StartAsync(async context =>
        {
            if (context.Request.Path == "/read")
                await context.Request.Body.CopyToAsync(context.Response.Body);
            else if (context.Request.Path == "/peek")
                await context.Request.BodyReader.ReadAsync();
        });

        foreach (var path in new[] { "/unread", "/peek", "/read", "/unread", "/read" })
        {
            var response = await server.RequestAsync(UwsgiPacket.Nginx("POST", path).WithBody(path));

            Assert.Equal(path == "/read" ? path : "", response.Text);
        }

        Assert.Empty(server.Logs.Find("BodyNotDrained"));
    }

    [Fact]
    [Trait("Rule", "80")]
    public async Task Draining_comes_after_the_request_and_does_not_hold_it_up()
    {
        var disposed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = await GatewayTestServer.StartAsync(
            context =>
            {
                context.RequestServices.GetRequiredService<Scoped>();
                return Task.CompletedTask;
            },
            options =>
            {
                options.Host = host => host.Services.AddScoped(_ => new Scoped(disposed));
                options.Time = new ManualTimeProvider();
            });
        var connection = await server.BeginAsync(Post, 10);

        await disposed.Task.WithTimeoutAsync();
        Assert.Equal(200, (await connection.Client.ReadHeadAsync()).StatusCode);
        Assert.False(connection.Disposed.IsCompleted);
        await connection.Client.SendAsync(new byte[990]);

        await connection.Disposed.WithTimeoutAsync();
        Assert.Empty(server.Logs.Find("BodyNotDrained"));
    }

    [Theory]
    [Trait("Rule", "79")]
    [InlineData(99, 1)]
    [InlineData(1000, 0)]
    public async Task No_more_than_the_limit_is_drained(int limit, int notDrained)
    {
        await using var server = await GatewayTestServer.StartAsync(
            _ => Task.CompletedTask,
            options =>
            {
                options.Uwsgi = uwsgi => uwsgi.Limits.MaxDrainBytes = limit;
                options.Time = new ManualTimeProvider();
            });
        var connection = await server.BeginAsync(Post, 100);
        await connection.Client.ReadHeadAsync();
        if (notDrained == 0)
            await connection.Client.SendAsync(new byte[900]);

        Assert.Empty(await connection.Client.ReadToEndAsync());
        await connection.Disposed.WithTimeoutAsync();
        Assert.Equal(notDrained, server.Logs.Find("BodyNotDrained").Count);
    }

    [Fact]
    [Trait("Rule", "79")]
    public async Task Draining_can_be_switched_off()
    {
        await using var server = await GatewayTestServer.StartAsync(
            _ => Task.CompletedTask,
            options =>
            {
                options.Uwsgi = uwsgi => uwsgi.Limits.DrainTimeout = TimeSpan.Zero;
                options.Time = new ManualTimeProvider();
            });
        var connection = await server.BeginAsync(Post);

        Assert.Equal(200, (await connection.Client.ReadResponseAsync()).StatusCode);
        await connection.Disposed.WithTimeoutAsync();
        Assert.Single(server.Logs.Find("BodyNotDrained"));
    }

    [Theory]
    [Trait("Rule", "79")]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_client_that_goes_while_it_is_drained_is_no_error(bool reset)
    {
        await using var server = await GatewayTestServer.StartAsync(_ => Task.CompletedTask, options => options.Time = new ManualTimeProvider());
        var connection = await server.BeginAsync(Post, 10);
        await connection.Client.ReadHeadAsync();

        if (reset)
            connection.Client.Reset();
        else
            connection.Client.CompleteSending();

        await connection.Disposed.WithTimeoutAsync();
        server.Logs.AssertNothingAbove(LogLevel.Debug, "Uwsgi.AspNetCore");
    }

    private sealed class Scoped(TaskCompletionSource disposed) : IDisposable
    {
        public void Dispose() => disposed.TrySetResult();
    }
}
