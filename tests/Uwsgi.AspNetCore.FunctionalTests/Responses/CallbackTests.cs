using Microsoft.AspNetCore.Http;
using Uwsgi.AspNetCore.FunctionalTests.Infrastructure;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.FunctionalTests.Responses;

public class CallbackTests
{
    [Theory]
    [InlineData("write")]
    [InlineData("empty write")]
    [InlineData("flush")]
    [InlineData("start")]
    [InlineData("complete")]
    [InlineData("return")]
    [Trait("Rule", "1")]
    [Trait("Item", "67")]
    public async Task OnStarting_runs_each_callback_once_and_the_last_one_first(string trigger)
    {
        var calls = new List<string>();
        await using var server = await GatewayTestServer.StartAsync(context =>
        {
            foreach (var name in new[] { "first", "second", "third" })
            {
                context.Response.OnStarting(() =>
                {
                    Assert.False(context.Response.HasStarted);
                    calls.Add(name);
                    context.Response.Headers.Append("X-Order", name);
                    return Task.CompletedTask;
                });
            }

            return StartAsync(context.Response, trigger);
        });

        var response = await server.RequestAsync(UwsgiPacket.Nginx());

        Assert.Equal(["third", "second", "first"], calls);
        Assert.Equal(["third", "second", "first"], response.All("X-Order"));
    }

    [Fact]
    [Trait("Rule", "2")]
    [Trait("Item", "70")]
    public async Task An_OnStarting_callback_may_register_another()
    {
        await using var server = await GatewayTestServer.StartAsync(context =>
        {
            context.Response.OnStarting(() =>
            {
                context.Response.Headers["X-Outer"] = "ran";
                context.Response.OnStarting(() =>
                {
                    context.Response.Headers["X-Inner"] = "ran";
                    return Task.CompletedTask;
                });
                return Task.CompletedTask;
            });
            return context.Response.WriteAsync("hello");
        });

        var response = await server.RequestAsync(UwsgiPacket.Nginx());

        Assert.Equal("ran", response["X-Outer"]);
        Assert.Equal("ran", response["X-Inner"]);
    }

    [Fact]
    [Trait("Rule", "3")]
    [Trait("Item", "69")]
    public async Task OnStarting_cannot_be_registered_after_the_start()
    {
        await using var server = await GatewayTestServer.StartAsync(async context =>
        {
            await context.Response.StartAsync();
            var refused = Assert.Throws<InvalidOperationException>(() => context.Response.OnStarting(() => Task.CompletedTask));
            await context.Response.WriteAsync(refused.Message);
        });

        var response = await server.RequestAsync(UwsgiPacket.Nginx());

        Assert.Contains("already started", response.Text);
    }

    [Theory]
    [InlineData("write")]
    [InlineData("flush")]
    [InlineData("start")]
    [InlineData("complete")]
    [Trait("Rule", "4")]
    [Trait("Item", "71")]
    public async Task A_failing_OnStarting_callback_fails_the_write_and_makes_the_response_a_500(string trigger)
    {
        var earlierRan = false;
        ObjectDisposedException? failure = null;
        await using var server = await GatewayTestServer.StartAsync(async context =>
        {
            context.Response.Headers["X-App"] = "1";
            context.Response.OnStarting(() =>
            {
                earlierRan = true;
                return Task.CompletedTask;
            });
            context.Response.OnStarting(() => throw new InvalidDataException("The callback has failed."));
            failure = await Assert.ThrowsAsync<ObjectDisposedException>(() => StartAsync(context.Response, trigger));
        });
        server.ExpectError("ApplicationError");

        var response = await server.RequestAsync(UwsgiPacket.Nginx());

        Assert.Equal(500, response.StatusCode);
        Assert.Null(response["X-App"]);
        Assert.Equal("0", response["Content-Length"]);
        Assert.IsType<InvalidDataException>(failure!.InnerException);
        Assert.False(earlierRan);
        Assert.IsType<InvalidDataException>(Assert.Single(server.Logs.Find("ApplicationError")).Exception);
    }

    [Fact]
    [Trait("Rule", "4")]
    [Trait("Item", "71")]
    public async Task A_failing_OnStarting_callback_of_an_app_that_wrote_nothing_makes_the_response_a_500()
    {
        await using var server = await GatewayTestServer.StartAsync(context =>
        {
            context.Response.OnStarting(() => throw new InvalidDataException("The callback has failed."));
            return Task.CompletedTask;
        });
        server.ExpectError("ApplicationError");

        var response = await server.RequestAsync(UwsgiPacket.Nginx());

        Assert.Equal(500, response.StatusCode);
    }

    [Fact]
    [Trait("Rule", "5")]
    [Trait("Rule", "22")]
    public async Task OnStarting_of_an_app_that_wrote_nothing_runs_before_the_length_is_decided()
    {
        await using var server = await GatewayTestServer.StartAsync(context =>
        {
            context.Response.OnStarting(() =>
            {
                context.Response.StatusCode = 204;
                return Task.CompletedTask;
            });
            return Task.CompletedTask;
        });

        var response = await server.RequestAsync(UwsgiPacket.Nginx());

        Assert.Equal(204, response.StatusCode);
        Assert.Null(response["Content-Length"]);
    }

    [Fact]
    [Trait("Rule", "5")]
    public async Task OnStarting_does_not_run_when_the_app_threw_before_the_start()
    {
        var ran = false;
        await using var server = await GatewayTestServer.StartAsync(context =>
        {
            context.Response.OnStarting(() =>
            {
                ran = true;
                return Task.CompletedTask;
            });
            throw new InvalidOperationException("The app has failed.");
        });
        server.ExpectError("ApplicationError");

        var response = await server.RequestAsync(UwsgiPacket.Nginx());

        Assert.Equal(500, response.StatusCode);
        Assert.False(ran);
    }

    [Fact]
    [Trait("Rule", "6")]
    [Trait("Item", "68")]
    [Trait("Item", "72")]
    [Trait("Item", "74")]
    public async Task OnCompleted_callbacks_run_last_one_first_and_one_that_fails_is_logged_and_stops_nothing()
    {
        var calls = new List<string>();
        await using var server = await GatewayTestServer.StartAsync(context =>
        {
            foreach (var name in new[] { "first", "second", "third" })
            {
                context.Response.OnCompleted(() =>
                {
                    calls.Add(name);
                    return name == "second" ? throw new InvalidDataException("The callback has failed.") : Task.CompletedTask;
                });
            }

            return context.Response.WriteAsync("hello");
        });
        server.ExpectError("ApplicationError");

        var response = await server.RequestAsync(UwsgiPacket.Nginx());

        Assert.Equal("hello", response.Text);
        Assert.Equal(["third", "second", "first"], calls);
        Assert.IsType<InvalidDataException>(Assert.Single(server.Logs.Find("ApplicationError")).Exception);
    }

    [Fact]
    [Trait("Rule", "7")]
    [Trait("Item", "73")]
    public async Task OnCompleted_runs_when_the_app_threw()
    {
        var status = 0;
        await using var server = await GatewayTestServer.StartAsync(context =>
        {
            context.Response.OnCompleted(() =>
            {
                status = context.Response.StatusCode;
                return Task.CompletedTask;
            });
            throw new InvalidOperationException("The app has failed.");
        });
        server.ExpectError("ApplicationError");

        await server.RequestAsync(UwsgiPacket.Nginx());

        Assert.Equal(500, status);
    }

    [Fact]
    [Trait("Rule", "7")]
    [Trait("Rule", "10")]
    [Trait("Item", "73")]
    [Trait("Item", "77")]
    public async Task OnCompleted_runs_when_the_client_vanished_and_sees_status_499()
    {
        var arrived = Events.New();
        var completed = Events.New<(int Status, bool HasStarted)>();
        await using var server = await GatewayTestServer.StartAsync(async context =>
        {
            context.Response.OnCompleted(() =>
            {
                completed.SetResult((context.Response.StatusCode, context.Response.HasStarted));
                return Task.CompletedTask;
            });
            arrived.SetResult();
            await context.RequestAborted.WaitForCancellationAsync();
        });

        var connection = await server.SendAsync(UwsgiPacket.Nginx());
        await arrived.Task.WithTimeoutAsync();
        connection.Client.Close();

        Assert.Equal((499, false), await completed.Task.WithTimeoutAsync());
        Assert.Equal(499, await StatusAtDisposeAsync(server));
    }

    [Fact]
    [Trait("Rule", "8")]
    [Trait("Item", "70")]
    public async Task An_OnCompleted_callback_may_register_another()
    {
        var calls = new List<string>();
        await using var server = await GatewayTestServer.StartAsync(context =>
        {
            context.Response.OnCompleted(() =>
            {
                calls.Add("outer");
                context.Response.OnCompleted(() =>
                {
                    calls.Add("inner");
                    return Task.CompletedTask;
                });
                return Task.CompletedTask;
            });
            return Task.CompletedTask;
        });

        await server.RequestAsync(UwsgiPacket.Nginx());

        Assert.Equal(["outer", "inner"], calls);
    }

    [Fact]
    [Trait("Rule", "9")]
    [Trait("Item", "74")]
    public async Task OnCompleted_delays_the_end_of_the_request_but_not_the_response()
    {
        var release = Events.New();
        await using var server = await GatewayTestServer.StartAsync(context =>
        {
            context.Response.OnCompleted(() => release.Task);
            context.Response.ContentLength = 5;
            return context.Response.WriteAsync("hello");
        });

        var connection = await server.SendAsync(UwsgiPacket.Nginx());
        await connection.Client.ReadHeadAsync();
        var body = await connection.Client.ReadExactlyAsync(5);
        var finishedEarly = server.Logs.Entries.Any(Events.IsRequestEnd);
        release.SetResult();
        await server.Logs.WaitForRequestEndAsync();

        Assert.Equal("hello"u8.ToArray(), body);
        Assert.False(finishedEarly);
    }

    [Theory]
    [InlineData("throws", 500)]
    [InlineData("aborts", 499)]
    [InlineData("reads too much", 413)]
    [Trait("Rule", "10")]
    [Trait("Item", "77")]
    public async Task The_final_status_is_known_when_the_context_is_disposed(string what, int expected)
    {
        await using var server = await GatewayTestServer.StartAsync(
            async context =>
            {
                context.Response.StatusCode = 202;
                switch (what)
                {
                    case "throws":
                        throw new InvalidOperationException("The app has failed.");
                    case "aborts":
                        context.Abort();
                        break;
                    default:
                        await context.Request.Body.CopyToAsync(Stream.Null);
                        break;
                }
            },
            options => options.Uwsgi = uwsgi => uwsgi.Limits.MaxRequestBodySize = 1);
        if (expected == 500)
            server.ExpectError("ApplicationError");

        var connection = await server.SendAsync(UwsgiPacket.Nginx("POST").WithBody("too much"));
        var status = await StatusAtDisposeAsync(server);
        await connection.Disposed.WithTimeoutAsync();

        Assert.Equal(expected, status);
    }

    // Hosting logs the status when the server disposes its context.
    private static async Task<int> StatusAtDisposeAsync(GatewayTestServer server)
    {
        var finished = await server.Logs.WaitForRequestEndAsync();
        return (int)finished.Values.Single(value => value.Key == "StatusCode").Value!;
    }

    private static Task StartAsync(HttpResponse response, string trigger) => trigger switch
    {
        "write" => response.WriteAsync("hello"),
        "empty write" => response.Body.WriteAsync(ReadOnlyMemory<byte>.Empty).AsTask(),
        "flush" => response.Body.FlushAsync(),
        "start" => response.StartAsync(),
        "complete" => response.CompleteAsync(),
        _ => Task.CompletedTask,
    };
}
