using System.Buffers;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;
using Uwsgi.AspNetCore.FunctionalTests.Infrastructure;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.FunctionalTests.Responses;

public class LengthTests
{
    [Theory]
    [InlineData("GET", 200, "0")]
    [InlineData("POST", 201, "0")]
    [InlineData("GET", 404, "0")]
    [InlineData("GET", 205, "0")]
    [InlineData("HEAD", 200, null)]
    [InlineData("HEAD", 404, null)]
    [InlineData("GET", 204, null)]
    [InlineData("GET", 304, null)]
    [InlineData("CONNECT", 200, null)]
    [InlineData("CONNECT", 403, "0")]
    [Trait("Rule", "23")]
    [Trait("Item", "53")]
    [Trait("Item", "54")]
    [Trait("Item", "55")]
    [Trait("Item", "56")]
    public async Task A_response_without_a_body_says_so_where_it_may(string method, int status, string? expected)
    {
        await using var server = await GatewayTestServer.StartAsync(context =>
        {
            context.Response.StatusCode = status;
            return Task.CompletedTask;
        });

        var response = await server.RequestAsync(Request(method));

        Assert.Equal(status, response.StatusCode);
        Assert.Equal(expected, response["Content-Length"]);
        Assert.Null(response["Transfer-Encoding"]);
    }

    [Fact]
    [Trait("Rule", "24")]
    [Trait("Item", "56")]
    public async Task A_body_of_unknown_length_is_ended_by_the_connection()
    {
        await using var server = await GatewayTestServer.StartAsync(async context =>
        {
            await context.Response.WriteAsync("hello ");
            await context.Response.WriteAsync("world");
        });

        var response = await server.RequestAsync(UwsgiPacket.Nginx());

        Assert.Empty(response.Headers);
        Assert.Equal("hello world", response.Text);
    }

    [Fact]
    [Trait("Rule", "25")]
    [Trait("Item", "85")]
    public async Task A_body_that_is_whole_before_anything_was_sent_gets_its_length()
    {
        await using var server = await GatewayTestServer.StartAsync(context =>
        {
            for (var i = 0; i < 3000; i++)
                context.Response.BodyWriter.Write("hello "u8);
            Assert.False(context.Response.HasStarted);
            context.Response.Headers["X-Late"] = "1";
            return Task.CompletedTask;
        });

        var response = await server.RequestAsync(UwsgiPacket.Nginx());

        Assert.Equal("18000", response["Content-Length"]);
        Assert.Equal("1", response["X-Late"]);
        Assert.Equal(string.Concat(Enumerable.Repeat("hello ", 3000)), response.Text);
    }

    [Fact]
    [Trait("Rule", "25")]
    public async Task A_body_completed_before_anything_was_sent_gets_its_length()
    {
        await using var server = await GatewayTestServer.StartAsync(context =>
        {
            context.Response.BodyWriter.Write("hello"u8);
            return context.Response.CompleteAsync();
        });

        var response = await server.RequestAsync(UwsgiPacket.Nginx());

        Assert.Equal("5", response["Content-Length"]);
        Assert.Equal("hello", response.Text);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [Trait("Rule", "26")]
    [Trait("Item", "60")]
    public async Task Writing_more_than_was_announced_throws_and_cuts_the_connection(bool synchronous)
    {
        Exception? refused = null;
        await using var server = await GatewayTestServer.StartAsync(
            async context =>
            {
                context.Response.ContentLength = 11;
                await context.Response.WriteAsync("hello, ");
                try
                {
                    if (synchronous)
                        context.Response.Body.Write("world!"u8);
                    else
                        await context.Response.WriteAsync("world!");
                }
                catch (Exception exception)
                {
                    refused = exception;
                    throw;
                }
            },
            options => options.Uwsgi = uwsgi => uwsgi.AllowSynchronousIO = true);
        server.ExpectError("ApplicationError");

        var connection = await server.SendAsync(UwsgiPacket.Nginx());

        await Assert.ThrowsAsync<ConnectionResetException>(connection.Client.ReadToEndAsync);
        Assert.IsType<InvalidOperationException>(refused);
        Assert.Contains("too many bytes", refused.Message);
        Assert.NotNull(connection.AbortReason);
    }

    [Fact]
    [Trait("Rule", "26")]
    [Trait("Item", "60")]
    public async Task The_write_that_is_too_much_is_not_sent()
    {
        await using var server = await GatewayTestServer.StartAsync(async context =>
        {
            context.Response.ContentLength = 5;
            await context.Response.WriteAsync("hello");
            await Assert.ThrowsAsync<InvalidOperationException>(() => context.Response.WriteAsync("!"));
            Assert.Throws<InvalidOperationException>(() => context.Response.BodyWriter.Write("!"u8));
        });

        var response = await server.RequestAsync(UwsgiPacket.Nginx());

        Assert.Equal("hello", response.Text);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [Trait("Rule", "26")]
    [Trait("Item", "61")]
    public async Task Writing_more_than_was_announced_before_the_start_is_a_500(bool flushes)
    {
        await using var server = await GatewayTestServer.StartAsync(context =>
        {
            context.Response.ContentLength = 5;
            context.Response.Headers["X-App"] = "1";
            if (flushes)
                return WriteAsync(context, "hello, world");
            context.Response.BodyWriter.Write("hello, world"u8);
            return Task.CompletedTask;
        });
        server.ExpectError("ApplicationError");

        var response = await server.RequestAsync(UwsgiPacket.Nginx());

        Assert.Equal("HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n", response.ToString());
    }

    [Fact]
    [Trait("Rule", "27")]
    [Trait("Item", "62")]
    public async Task Writing_less_than_was_announced_is_logged_and_cuts_the_response()
    {
        await using var server = await GatewayTestServer.StartAsync(async context =>
        {
            context.Response.ContentLength = 13;
            await context.Response.WriteAsync("hello, world");
        });
        server.ExpectError("ApplicationError");

        var connection = await server.SendAsync(UwsgiPacket.Nginx());

        await Assert.ThrowsAsync<ConnectionResetException>(connection.Client.ReadToEndAsync);
        Assert.Contains("too few bytes", server.Logs.Find("ApplicationError").Single().Exception!.Message);
    }

    [Fact]
    [Trait("Rule", "27")]
    [Trait("Item", "63")]
    public async Task Writing_less_than_was_announced_is_not_logged_when_the_request_was_aborted()
    {
        await using var server = await GatewayTestServer.StartAsync(async context =>
        {
            context.Response.ContentLength = 13;
            await context.Response.WriteAsync("hello, world");
            context.Abort();
        });

        var connection = await server.SendAsync(UwsgiPacket.Nginx());
        await connection.Disposed.WithTimeoutAsync();

        Assert.Empty(server.Logs.Find("ApplicationError"));
    }

    [Fact]
    [Trait("Rule", "27")]
    [Trait("Item", "64")]
    public async Task Announcing_a_length_and_writing_nothing_is_a_500()
    {
        await using var server = await GatewayTestServer.StartAsync(context =>
        {
            context.Response.ContentLength = 5;
            return Task.CompletedTask;
        });
        server.ExpectError("ApplicationError");

        var response = await server.RequestAsync(UwsgiPacket.Nginx());

        Assert.Equal("HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n", response.ToString());
    }

    [Fact]
    [Trait("Rule", "27")]
    [Trait("Item", "65")]
    public async Task Announcing_nothing_and_writing_nothing_is_fine()
    {
        await using var server = await GatewayTestServer.StartAsync(context =>
        {
            context.Response.ContentLength = 0;
            return Task.CompletedTask;
        });

        var response = await server.RequestAsync(UwsgiPacket.Nginx());

        Assert.Equal("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", response.ToString());
    }

    [Fact]
    [Trait("Rule", "22")]
    [Trait("Item", "66")]
    public async Task The_first_write_is_checked_against_the_length_set_in_OnStarting()
    {
        await using var server = await GatewayTestServer.StartAsync(context =>
        {
            context.Response.ContentLength = 100;
            context.Response.OnStarting(() =>
            {
                context.Response.ContentLength = 5;
                return Task.CompletedTask;
            });
            return WriteAsync(context, "hello!");
        });
        server.ExpectError("ApplicationError");

        var response = await server.RequestAsync(UwsgiPacket.Nginx());

        Assert.Equal(500, response.StatusCode);
    }

    [Fact]
    [Trait("Rule", "22")]
    [Trait("Item", "66")]
    public async Task Later_writes_are_checked_against_the_length_set_in_OnStarting()
    {
        await using var server = await GatewayTestServer.StartAsync(async context =>
        {
            context.Response.OnStarting(() =>
            {
                context.Response.ContentLength = 5;
                return Task.CompletedTask;
            });
            await context.Response.WriteAsync("hell");
            await Assert.ThrowsAsync<InvalidOperationException>(() => context.Response.WriteAsync("oo"));
            await context.Response.WriteAsync("o");
        });

        var response = await server.RequestAsync(UwsgiPacket.Nginx());

        Assert.Equal("5", response["Content-Length"]);
        Assert.Equal("hello", response.Text);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [Trait("Rule", "29")]
    [Trait("Item", "57")]
    [Trait("Item", "59")]
    public async Task The_body_of_a_HEAD_response_is_accepted_discarded_and_logged_once(bool synchronous)
    {
        await using var server = await GatewayTestServer.StartAsync(
            async context =>
            {
                if (synchronous)
                    context.Response.Body.Write("hello"u8);
                else
                    await context.Response.WriteAsync("hello");
                await context.Response.WriteAsync("world");
                context.Response.BodyWriter.Write("!"u8);
                await context.Response.BodyWriter.FlushAsync();
            },
            options => options.Uwsgi = uwsgi => uwsgi.AllowSynchronousIO = true);

        var response = await server.RequestAsync(Request("HEAD"));

        Assert.Equal("HTTP/1.1 200 OK\r\n\r\n", response.ToString());
        var logged = Assert.Single(server.Logs.Find("HeadBodyDiscarded"));
        Assert.Equal(Microsoft.Extensions.Logging.LogLevel.Debug, logged.Level);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(5)]
    [InlineData(42)]
    [Trait("Rule", "28")]
    [Trait("Rule", "29")]
    [Trait("Item", "58")]
    public async Task The_length_of_a_HEAD_response_is_the_apps_business(int written)
    {
        await using var server = await GatewayTestServer.StartAsync(context =>
        {
            context.Response.ContentLength = 42;
            context.Response.BodyWriter.Write(new byte[written]);
            return Task.CompletedTask;
        });

        var response = await server.RequestAsync(Request("HEAD"));

        Assert.Equal("HTTP/1.1 200 OK\r\nContent-Length: 42\r\n\r\n", response.ToString());
    }

    [Theory]
    [InlineData(204)]
    [InlineData(205)]
    [InlineData(304)]
    [InlineData(101)]
    [InlineData(103)]
    [Trait("Rule", "30")]
    [Trait("Rule", "31")]
    [Trait("Item", "92")]
    public async Task A_body_where_there_can_be_none_is_refused_by_the_write(int status)
    {
        await using var server = await GatewayTestServer.StartAsync(async context =>
        {
            context.Response.StatusCode = status;
            await Assert.ThrowsAsync<InvalidOperationException>(() => WriteAsync(context, "hello"));
            Assert.False(context.Response.HasStarted);
            context.Response.StatusCode = 200;
        });

        var response = await server.RequestAsync(UwsgiPacket.Nginx());

        Assert.Equal("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", response.ToString());
    }

    [Theory]
    [InlineData(204)]
    [InlineData(205)]
    [InlineData(304)]
    [Trait("Rule", "30")]
    [Trait("Rule", "31")]
    public async Task A_body_where_there_can_be_none_is_a_500_at_the_end(int status)
    {
        await using var server = await GatewayTestServer.StartAsync(context =>
        {
            context.Response.BodyWriter.Write("hello"u8);
            context.Response.StatusCode = status;
            return Task.CompletedTask;
        });
        server.ExpectError("ApplicationError");

        var response = await server.RequestAsync(UwsgiPacket.Nginx());

        Assert.Equal("HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n", response.ToString());
    }

    [Theory]
    [InlineData(304, 42L, "42")]
    [InlineData(304, 0L, "0")]
    [InlineData(204, 0L, null)]
    [InlineData(205, 0L, "0")]
    [Trait("Rule", "28")]
    [Trait("Rule", "30")]
    [Trait("Item", "92")]
    public async Task The_lengths_that_such_a_response_may_announce_are_kept_or_dropped(int status, long announced, string? expected)
    {
        await using var server = await GatewayTestServer.StartAsync(context =>
        {
            context.Response.StatusCode = status;
            context.Response.ContentLength = announced;
            return Task.CompletedTask;
        });

        var response = await server.RequestAsync(UwsgiPacket.Nginx());

        Assert.Equal(status, response.StatusCode);
        Assert.Equal(expected, response["Content-Length"]);
    }

    [Theory]
    [InlineData(204, true)]
    [InlineData(204, false)]
    [InlineData(205, true)]
    [InlineData(205, false)]
    [Trait("Rule", "30")]
    [Trait("Rule", "31")]
    [Trait("Item", "92")]
    public async Task The_lengths_that_such_a_response_must_not_announce_are_an_error(int status, bool starts)
    {
        await using var server = await GatewayTestServer.StartAsync(async context =>
        {
            context.Response.StatusCode = status;
            context.Response.ContentLength = 5;
            if (starts)
            {
                await Assert.ThrowsAsync<InvalidOperationException>(() => context.Response.StartAsync());
                throw new InvalidDataException("Seen.");
            }
        });
        server.ExpectError("ApplicationError");

        var response = await server.RequestAsync(UwsgiPacket.Nginx());

        Assert.Equal("HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n", response.ToString());
        Assert.Equal(starts, server.Logs.Find("ApplicationError").Single().Exception is InvalidDataException);
    }

    // The framework's own WriteAsync for text starts the response first.
    private static Task WriteAsync(HttpContext context, string text) =>
        context.Response.Body.WriteAsync(System.Text.Encoding.ASCII.GetBytes(text)).AsTask();

    private static UwsgiPacket Request(string method) =>
        method == "CONNECT" ? UwsgiPacket.Nginx(method, "/").Set("REQUEST_URI", "example.test:443") : UwsgiPacket.Nginx(method);
}
