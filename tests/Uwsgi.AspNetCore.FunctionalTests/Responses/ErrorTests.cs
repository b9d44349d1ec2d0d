using System.Diagnostics.Metrics;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Uwsgi.AspNetCore.FunctionalTests.Infrastructure;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.FunctionalTests.Responses;

public class ErrorTests
{
    [Fact]
    [Trait("Rule", "50")]
    [Trait("Item", "75")]
    public async Task Failing_before_the_start_is_a_bare_500_logged_with_both_ids_and_handed_to_the_host()
    {
        var id = "";
        await using var server = await GatewayTestServer.StartAsync(context =>
        {
            id = context.TraceIdentifier;
            context.Response.StatusCode = 201;
            context.Features.Get<IHttpResponseFeature>()!.ReasonPhrase = "Made";
            context.Response.Headers["X-App"] = "1";
            context.Response.BodyWriter.GetSpan(5).Fill((byte)'x');
            context.Response.BodyWriter.Advance(5);
            throw new InvalidDataException("The app has failed.");
        });
        using var hosting = new MetricCollector("Microsoft.AspNetCore.Hosting", server.Services.GetRequiredService<IMeterFactory>());
        server.ExpectError("ApplicationError");

        var connection = await server.SendAsync(UwsgiPacket.Nginx());
        var response = await connection.Client.ReadResponseAsync();

        Assert.Equal("HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n", response.ToString());
        var logged = Assert.Single(server.Logs.Find("ApplicationError"));
        Assert.Equal(LogLevel.Error, logged.Level);
        Assert.IsType<InvalidDataException>(logged.Exception);
        Assert.Contains(connection.ConnectionId, logged.Message);
        Assert.Contains(id, logged.Message);
        var duration = await hosting.WaitForAsync(measurement => measurement.Instrument == "http.server.request.duration");
        Assert.Equal(typeof(InvalidDataException).FullName, duration["error.type"]);
        Assert.Equal(500, duration["http.response.status_code"]);
    }

    [Fact]
    [Trait("Rule", "51")]
    [Trait("Item", "76")]
    public async Task Failing_after_the_start_resets_a_TCP_connection()
    {
        await using var server = await GatewayTestServer.StartAsync(
            async context =>
            {
                await context.Response.WriteAsync("hello");
                throw new InvalidDataException("The app has failed.");
            },
            options => options.Socket = "127.0.0.1:0");
        server.ExpectError("ApplicationError");

        using var client = await server.ConnectSocketAsync();
        await client.SendAsync(UwsgiPacket.Nginx().ToArray());
        var (_, wasReset) = await client.ReadToEndOrResetAsync();

        Assert.True(wasReset);
    }

    [Fact]
    [Trait("Rule", "51")]
    [Trait("Item", "76")]
    public async Task Failing_within_an_announced_length_leaves_the_response_short()
    {
        await using var server = await GatewayTestServer.StartAsync(async context =>
        {
            context.Response.ContentLength = 11;
            await context.Response.WriteAsync("hello");
            throw new InvalidDataException("The app has failed.");
        });
        server.ExpectError("ApplicationError");

        var connection = await server.SendAsync(UwsgiPacket.Nginx());

        await Assert.ThrowsAsync<ConnectionResetException>(connection.Client.ReadToEndAsync);
        Assert.NotNull(connection.AbortReason);
        Assert.IsType<InvalidDataException>(Assert.Single(server.Logs.Find("ApplicationError")).Exception);
    }

    [Theory]
    [InlineData(400)]
    [InlineData(408)]
    [InlineData(413)]
    [Trait("Rule", "52")]
    [Trait("Item", "78")]
    public async Task A_bad_request_that_reaches_the_server_is_answered_with_its_status(int status)
    {
        await using var server = await GatewayTestServer.StartAsync(context =>
        {
            context.Response.Headers["X-App"] = "1";
            throw new BadHttpRequestException("That was bad.", status);
        });

        var response = await server.RequestAsync(UwsgiPacket.Nginx());

        Assert.Equal(status, response.StatusCode);
        Assert.Equal(["Content-Length"], response.Headers.Select(header => header.Key));
        Assert.Equal(LogLevel.Debug, Assert.Single(server.Logs.Find("BadRequest")).Level);
        server.Logs.AssertNothingAbove(LogLevel.Information, "Uwsgi");
    }

    [Fact]
    [Trait("Rule", "52")]
    [Trait("Item", "78")]
    public async Task An_app_that_swallows_a_bad_request_gives_its_own_answer()
    {
        await using var server = await GatewayTestServer.StartAsync(
            async context =>
            {
                var bad = await Assert.ThrowsAnyAsync<BadHttpRequestException>(() => context.Request.Body.CopyToAsync(Stream.Null));
                context.Response.StatusCode = 422;
                await context.Response.WriteAsync($"no: {bad.StatusCode}");
            },
            options => options.Uwsgi = uwsgi => uwsgi.Limits.MaxRequestBodySize = 1);

        var response = await server.RequestAsync(UwsgiPacket.Nginx("POST").WithBody("too much"));

        Assert.Equal(422, response.StatusCode);
        Assert.Equal("no: 413", response.Text);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [Trait("Rule", "53")]
    public async Task An_app_that_gives_up_when_the_client_is_gone_has_not_failed(bool cancels)
    {
        var arrived = Events.New();
        await using var server = await GatewayTestServer.StartAsync(async context =>
        {
            arrived.SetResult();
            await context.RequestAborted.WaitForCancellationAsync();
            throw cancels ? new OperationCanceledException(context.RequestAborted) : new IOException("Nobody there.");
        });

        var connection = await server.SendAsync(UwsgiPacket.Nginx());
        await arrived.Task.WithTimeoutAsync();
        connection.Client.Close();

        var finished = await server.Logs.WaitForRequestEndAsync();
        Assert.Equal(499, finished.Values.Single(value => value.Key == "StatusCode").Value);
        Assert.Equal(LogLevel.Debug, Assert.Single(server.Logs.Find("RequestCancelled")).Level);
        server.Logs.AssertNothingAbove(LogLevel.Information);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [Trait("Rule", "53")]
    public async Task The_same_exceptions_are_failures_while_the_client_is_there(bool cancels)
    {
        await using var server = await GatewayTestServer.StartAsync(
            _ => throw (cancels ? new OperationCanceledException() : new IOException("The disk is full.")));
        server.ExpectError("ApplicationError");

        var response = await server.RequestAsync(UwsgiPacket.Nginx());

        Assert.Equal(500, response.StatusCode);
    }

    [Fact]
    [Trait("Rule", "54")]
    public async Task Several_failures_reach_the_host_together()
    {
        await using var server = await GatewayTestServer.StartAsync(context =>
        {
            context.Response.OnStarting(() => throw new InvalidDataException("The callback has failed."));
            return context.Response.WriteAsync("hello");
        });
        using var hosting = new MetricCollector("Microsoft.AspNetCore.Hosting", server.Services.GetRequiredService<IMeterFactory>());
        server.ExpectError("ApplicationError");

        await server.RequestAsync(UwsgiPacket.Nginx());

        var duration = await hosting.WaitForAsync(measurement => measurement.Instrument == "http.server.request.duration");
        Assert.Equal(typeof(AggregateException).FullName, duration["error.type"]);
    }

    [Fact]
    [Trait("Rule", "55")]
    [Trait("Item", "111")]
    [Trait("Item", "117")]
    public async Task Abort_ends_the_connection_at_once_and_the_request_in_order()
    {
        var seen = new List<string>();
        await using var server = await GatewayTestServer.StartAsync(async context =>
        {
            context.Response.OnCompleted(() =>
            {
                seen.Add("completed");
                return Task.CompletedTask;
            });
            var token = context.RequestAborted;
            var read = context.Request.Body.ReadAsync(new byte[10]).AsTask();
            context.Abort();
            await token.WaitForCancellationAsync();
            seen.Add("token");
            Assert.NotNull(await Record.ExceptionAsync(async () => await read.WithTimeoutAsync()));
            seen.Add("read");
        });

        var connection = await server.ConnectAsync();
        await connection.Client.SendAsync(UwsgiPacket.Nginx("POST").Set("CONTENT_LENGTH", "5").ToHead());
        await Assert.ThrowsAsync<ConnectionResetException>(connection.Client.ReadToEndAsync);
        var finished = await server.Logs.WaitForRequestEndAsync();

        Assert.Equal(["token", "read", "completed"], seen);
        Assert.Equal(499, finished.Values.Single(value => value.Key == "StatusCode").Value);
        Assert.Equal(LogLevel.Information, Assert.Single(server.Logs.Find("ApplicationAborted")).Level);
    }

    [Fact]
    [Trait("Rule", "55")]
    public async Task Abort_after_the_start_cuts_the_response()
    {
        await using var server = await GatewayTestServer.StartAsync(async context =>
        {
            context.Response.ContentLength = 10;
            await context.Response.WriteAsync("hello");
            context.Abort();
            await context.Response.WriteAsync("hello");
        });

        var connection = await server.SendAsync(UwsgiPacket.Nginx());

        await Assert.ThrowsAsync<ConnectionResetException>(connection.Client.ReadToEndAsync);
    }

    [Fact]
    [Trait("Rule", "56")]
    public async Task A_malformed_packet_is_a_400_that_the_app_never_sees()
    {
        var requests = 0;
        await using var server = await GatewayTestServer.StartAsync(_ =>
        {
            requests++;
            return Task.CompletedTask;
        });
        var malformed = UwsgiPacket.Malformed().ToArray();

        foreach (var (name, bytes) in malformed)
        {
            var connection = await server.ConnectAsync();
            await connection.Client.SendAsync(bytes);
            connection.Client.CompleteSending();
            var answer = await connection.Client.ReadToEndAsync();

            // A packet that ends too early has nobody left to answer to.
            Assert.True(answer.Length == 0 || RawResponse.Parse(answer).StatusCode == 400, name);
            await connection.Disposed.WithTimeoutAsync();
        }

        Assert.Equal(0, requests);
        Assert.Equal(malformed.Length, server.Metrics.Sum("uwsgi.server.rejections"));
        server.Logs.AssertNothingAbove(LogLevel.Information);
    }
}
