using System.Globalization;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Uwsgi.AspNetCore.FunctionalTests.Infrastructure;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.FunctionalTests;

/// <summary>What sockets may do differently from a connection in memory; each on TCP and on a unix socket.</summary>
public class RequestSocketTests
{
    private readonly TaskCompletionSource _started = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    [Theory]
    [Trait("Item", "26")]
    [InlineData(false, 65535)]
    [InlineData(false, 1024 * 1024)]
    [InlineData(false, 30_000_000)]
    [InlineData(true, 65537)]
    [InlineData(true, 30_000_000)]
    public async Task A_large_upload_arrives_whole(bool unix, int size)
    {
        using var socket = new TemporarySocket(unix);
        await using var server = await StartAsync(socket, async context =>
            await context.Response.WriteAsync(Convert.ToHexString(await SHA256.HashDataAsync(context.Request.Body))));
        var body = new byte[size];
        new Random(size).NextBytes(body);

        Assert.Equal(Convert.ToHexString(SHA256.HashData(body)), (await server.RequestAsync(UwsgiPacket.Nginx("PUT").WithBody(body))).Text);
    }

    [Theory]
    [Trait("Item", "23")]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Many_requests_are_served_at_the_same_time(bool unix)
    {
        const int Count = 50;
        using var socket = new TemporarySocket(unix);
        var arrived = new CountdownEvent(Count);
        await using var server = await StartAsync(socket, async context =>
        {
            if (arrived.Signal())
                _started.SetResult();
            await _started.Task.WithTimeoutAsync();
            await context.Response.WriteAsync(context.Request.Path);
        });

        var responses = await Task.WhenAll(Enumerable.Range(0, Count).Select(i => server.RequestAsync(UwsgiPacket.Nginx(target: $"/{i}"))));

        Assert.Equal(Enumerable.Range(0, Count).Select(i => string.Create(CultureInfo.InvariantCulture, $"/{i}")), responses.Select(response => response.Text));
    }

    [Theory]
    [Trait("Item", "24")]
    [InlineData(false, 0)]
    [InlineData(false, 3)]
    [InlineData(false, 100)]
    [InlineData(true, 0)]
    [InlineData(true, 3)]
    [InlineData(true, 100)]
    public async Task A_reset_before_or_in_a_head_is_not_logged_above_information(bool unix, int length)
    {
        using var socket = new TemporarySocket(unix);
        await using var server = await StartAsync(socket, _ => throw new InvalidOperationException("Never reached."));
        using (var client = await server.ConnectSocketAsync())
        {
            // The event loop's socket takes no notice of a TCP peer for the second in which its first bytes may come.
            if (length == 0)
                await server.Logs.WaitForAsync("ConnectionStart");
            await client.SendAsync(UwsgiPacket.Nginx().ToArray().AsMemory(0, length));
            client.Reset();
        }

        // Kestrel says so when it is through with a connection.
        await server.Logs.WaitForAsync("ConnectionStop");

        // A unix socket knows no reset: there it is a head that ends too early.
        server.Logs.AssertNothingAbove(unix ? LogLevel.Information : LogLevel.Debug, "Uwsgi.AspNetCore");
        server.Logs.AssertNothingAbove(LogLevel.Debug, "Microsoft.AspNetCore.Server.Kestrel");
    }

    [Theory]
    [Trait("Item", "24")]
    [Trait("Item", "25")]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_reset_in_the_middle_of_a_body_fails_the_read_and_is_not_logged_above_debug(bool unix)
    {
        using var socket = new TemporarySocket(unix);
        Exception? error = null;
        var token = CancellationToken.None;
        await using var server = await StartAsync(socket, async context =>
        {
            token = context.RequestAborted;
            await context.Request.Body.ReadExactlyAsync(new byte[4]);
            var read = context.Request.Body.CopyToAsync(Stream.Null);
            _started.SetResult();
            try
            {
                await read;
            }
            catch (Exception caught)
            {
                error = caught;
                throw;
            }
            finally
            {
                _ended.SetResult();
            }
        });
        using var client = await server.ConnectSocketAsync();
        await client.SendAsync(UwsgiPacket.Nginx("POST").WithBody("12345").ToArray().AsMemory()[..^1]);
        await _started.Task.WithTimeoutAsync();

        client.Reset();

        await _ended.Task.WithTimeoutAsync();
        await token.WaitForCancellationAsync();
        await server.Logs.WaitForAsync("ConnectionStop");
        Assert.IsAssignableFrom<IOException>(error);
        server.Logs.AssertNothingAbove(LogLevel.Debug, "Uwsgi.AspNetCore");
        server.Logs.AssertNothingAbove(LogLevel.Debug, "Microsoft.AspNetCore.Server.Kestrel");
    }

    [Theory]
    [Trait("Rule", "66")]
    [Trait("Item", "109")]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public async Task The_token_fires_when_the_web_server_closes_or_resets(bool unix, bool reset)
    {
        using var socket = new TemporarySocket(unix);
        await using var server = await StartAsync(socket, async context =>
        {
            var aborted = context.RequestAborted;
            _started.SetResult();
            await aborted.WaitForCancellationAsync();
            _ended.SetResult();
            aborted.ThrowIfCancellationRequested();
        });
        using var client = await server.ConnectSocketAsync();
        await client.SendAsync(UwsgiPacket.Nginx().ToArray());
        await _started.Task.WithTimeoutAsync();

        if (reset)
            client.Reset();
        else
            client.CompleteSending();

        await _ended.Task.WithTimeoutAsync();
        await server.Logs.WaitForAsync("ConnectionStop");
        server.Logs.AssertNothingAbove(LogLevel.Debug, "Uwsgi.AspNetCore");
    }

    [Theory]
    [Trait("Item", "114")]
    [Trait("Item", "115")]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_token_fires_when_a_write_fails(bool unix)
    {
        using var socket = new TemporarySocket(unix);
        await using var server = await StartAsync(
            socket,
            async context =>
            {
                while (!context.RequestAborted.IsCancellationRequested)
                    await context.Response.Body.WriteAsync(new byte[100_000]);
                _ended.SetResult();
            },
            uwsgi => uwsgi.AbortOnHalfClose = false);
        using var client = await server.ConnectSocketAsync();
        await client.SendAsync(UwsgiPacket.Nginx().ToArray());
        await client.ReadHeadAsync();

        client.Reset();

        await _ended.Task.WithTimeoutAsync();
        await server.Logs.WaitForAsync("ConnectionStop");
        server.Logs.AssertNothingAbove(LogLevel.Debug, "Uwsgi.AspNetCore");
    }

    [Theory]
    [Trait("Item", "116")]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_client_that_goes_right_after_its_request_is_not_logged_above_debug(bool unix)
    {
        using var socket = new TemporarySocket(unix);
        await using var server = await StartAsync(socket, context => context.Response.WriteAsync(new string('x', 200_000), context.RequestAborted));
        using (var client = await server.ConnectSocketAsync())
        {
            await client.SendAsync(UwsgiPacket.Nginx().ToArray());
            client.Reset();
        }

        await server.Logs.WaitForAsync("ConnectionStop");

        server.Logs.AssertNothingAbove(LogLevel.Debug, "Uwsgi.AspNetCore");
        server.Logs.AssertNothingAbove(LogLevel.Debug, "Microsoft.AspNetCore.Server.Kestrel");
    }

    [Theory]
    [Trait("Item", "111")]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Abort_is_a_reset_on_tcp_and_an_end_on_a_unix_socket(bool unix)
    {
        using var socket = new TemporarySocket(unix);
        await using var server = await StartAsync(socket, async context =>
        {
            context.Response.ContentLength = 10;
            await context.Response.WriteAsync("12345");
            _started.SetResult();
            await _ended.Task.WithTimeoutAsync();
            context.Abort();
        });
        using var client = await server.ConnectSocketAsync();
        await client.SendAsync(UwsgiPacket.Nginx().ToArray());
        await client.ReadThroughAsync("12345");
        _ended.SetResult();

        var (bytes, wasReset) = await client.ReadToEndOrResetAsync();

        Assert.Empty(bytes);
        Assert.Equal(!unix, wasReset);
    }

    [Theory]
    [Trait("Rule", "69")]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_half_closed_socket_can_be_answered(bool unix)
    {
        using var socket = new TemporarySocket(unix);
        await using var server = await StartAsync(
            socket, context => context.Request.Body.CopyToAsync(context.Response.Body), uwsgi => uwsgi.AbortOnHalfClose = false);
        using var client = await server.ConnectSocketAsync();
        await client.SendAsync(UwsgiPacket.Nginx("POST").WithBody("12345").ToArray());

        client.CompleteSending();

        Assert.Equal("12345", (await client.ReadResponseAsync()).Text);
    }

    private static Task<GatewayTestServer> StartAsync(TemporarySocket socket, RequestDelegate app, Action<UwsgiOptions>? configure = null) =>
        GatewayTestServer.StartAsync(
            app,
            options =>
            {
                options.Socket = socket.Address;
                options.Uwsgi = configure;
            });
}
