using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Uwsgi.AspNetCore.FunctionalTests.Infrastructure;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.FunctionalTests;

public class RequestLifetimeTests
{
    private readonly TaskCompletionSource _started = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _go = new(TaskCreationOptions.RunContinuationsAsynchronously);

    [Fact]
    [Trait("Rule", "64")]
    public async Task A_token_asked_for_after_the_client_has_gone_is_cancelled_at_once()
    {
        var wasCancelled = false;
        await using var server = await GatewayTestServer.StartAsync(async context =>
        {
            _started.SetResult();
            await ConnectionClosed(context).WaitForCancellationAsync();
            wasCancelled = context.RequestAborted.IsCancellationRequested;
        });
        var connection = await server.SendAsync(UwsgiPacket.Nginx());
        await _started.Task.WithTimeoutAsync();

        connection.Client.Close();

        await connection.Disposed.WithTimeoutAsync();
        Assert.True(wasCancelled);
    }

    [Fact]
    [Trait("Rule", "64")]
    public async Task A_request_has_one_token()
    {
        await using var server = await GatewayTestServer.StartAsync(context =>
        {
            Assert.True(context.RequestAborted.CanBeCanceled);
            Assert.Equal(context.RequestAborted, context.RequestAborted);
            return Task.CompletedTask;
        });

        Assert.Equal(200, (await server.RequestAsync(UwsgiPacket.Nginx())).StatusCode);
    }

    [Fact]
    [Trait("Rule", "65")]
    public async Task Callbacks_do_not_run_on_the_thread_that_aborts()
    {
        using var abortReturned = new ManualResetEventSlim();
        var returnedFirst = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = await GatewayTestServer.StartAsync(async context =>
        {
            context.RequestAborted.Register(() => returnedFirst.SetResult(
                abortReturned.Wait(TestTimeouts.Default) && Thread.CurrentThread.IsThreadPoolThread));
            context.Abort();
            abortReturned.Set();
            await returnedFirst.Task;
        });
        var connection = await server.SendAsync(UwsgiPacket.Nginx());

        await connection.Disposed.WithTimeoutAsync();

        Assert.True(await returnedFirst.Task);
    }

    [Fact]
    [Trait("Rule", "65")]
    public async Task A_callback_that_throws_is_logged_and_harms_nobody()
    {
        await using var server = await GatewayTestServer.StartAsync(async context =>
        {
            context.RequestAborted.Register(() => throw new InvalidOperationException("Boom."));
            context.Abort();
            await context.RequestAborted.WaitForCancellationAsync();
        });
        var connection = await server.SendAsync(UwsgiPacket.Nginx());

        await connection.Disposed.WithTimeoutAsync();

        var entry = await server.Logs.WaitForAsync("AbortCallbackFailed");
        Assert.Equal(LogLevel.Warning, entry.Level);
        Assert.Equal("Boom.", Assert.IsType<AggregateException>(entry.Exception).InnerException!.Message);
    }

    [Theory]
    [Trait("Rule", "66")]
    [Trait("Rule", "71")]
    [Trait("Item", "109")]
    [Trait("Item", "110")]
    [InlineData("fin")]
    [InlineData("close")]
    [InlineData("reset")]
    [InlineData("shutdown")]
    public async Task The_tokens_fire_when_the_connection_ends_under_a_request(string how)
    {
        await using var server = await GatewayTestServer.StartAsync(async context =>
        {
            var aborted = context.RequestAborted;
            Assert.False(aborted.IsCancellationRequested);
            _started.SetResult();
            await aborted.WaitForCancellationAsync();
            await ConnectionClosed(context).WaitForCancellationAsync();
            aborted.ThrowIfCancellationRequested();
        });
        var connection = await server.SendAsync(UwsgiPacket.Nginx());
        await _started.Task.WithTimeoutAsync();

        switch (how)
        {
            case "fin":
                connection.Client.CompleteSending();
                break;
            case "close":
                connection.Client.Close();
                break;
            case "reset":
                connection.Client.Reset();
                break;
            default:
                await Record.ExceptionAsync(() => server.App.StopAsync(new CancellationToken(canceled: true)));
                break;
        }

        await connection.Disposed.WithTimeoutAsync();
        Assert.Single(server.Logs.Find("RequestCancelled"));
        server.Logs.AssertNothingAbove(LogLevel.Debug, "Uwsgi.AspNetCore");
    }

    [Fact]
    [Trait("Rule", "66")]
    [Trait("Item", "110")]
    [Trait("Item", "111")]
    [Trait("Item", "117")]
    public async Task Abort_ends_the_connection_at_once()
    {
        var completed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = await GatewayTestServer.StartAsync(async context =>
        {
            context.Response.OnCompleted(() =>
            {
                completed.SetResult();
                return Task.CompletedTask;
            });
            await context.Response.WriteAsync("never mind");
            context.Abort();
            await context.RequestAborted.WaitForCancellationAsync();
            await ConnectionClosed(context).WaitForCancellationAsync();
            _started.SetResult();
            await _go.Task.WithTimeoutAsync();
        });
        var connection = await server.SendAsync(UwsgiPacket.Nginx());
        await _started.Task.WithTimeoutAsync();

        // The application is still there when the client has noticed.
        await Assert.ThrowsAnyAsync<IOException>(connection.Client.ReadToEndAsync);
        _go.SetResult();

        await completed.Task.WithTimeoutAsync();
        await connection.Disposed.WithTimeoutAsync();
        Assert.Equal(LogLevel.Information, Assert.Single(server.Logs.Find("ApplicationAborted")).Level);
        server.Logs.AssertNothingAbove(LogLevel.Information, "Uwsgi.AspNetCore");
    }

    [Theory]
    [Trait("Rule", "66")]
    [Trait("Item", "113")]
    [Trait("Item", "114")]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_client_that_has_gone_unnoticed_is_noticed_by_a_write(bool abort)
    {
        await using var server = await GatewayTestServer.StartAsync(
            async context =>
            {
                var aborted = context.RequestAborted;
                _started.SetResult();
                await ConnectionClosed(context).WaitForCancellationAsync();
                Assert.False(aborted.IsCancellationRequested);

                if (abort)
                    context.Abort();
                else
                    Assert.True((await context.Response.BodyWriter.WriteAsync(new byte[100])).IsCompleted);
                await aborted.WaitForCancellationAsync();
            },
            options => options.Uwsgi = uwsgi => uwsgi.AbortOnHalfClose = false);
        var connection = await server.SendAsync(UwsgiPacket.Nginx());
        await _started.Task.WithTimeoutAsync();

        connection.Client.Close();

        await connection.Disposed.WithTimeoutAsync();
    }

    [Theory]
    [Trait("Rule", "67")]
    [Trait("Item", "119")]
    [InlineData("complete")]
    [InlineData("last byte by stream")]
    [InlineData("last byte by writer")]
    public async Task The_token_does_not_fire_once_the_response_is_complete(string how)
    {
        var fired = false;
        var token = CancellationToken.None;
        await using var server = await GatewayTestServer.StartAsync(async context =>
        {
            token = context.RequestAborted;
            token.Register(() => fired = true);
            if (how == "complete")
            {
                await context.Response.WriteAsync("12345");
                await context.Response.CompleteAsync();
            }
            else
            {
                context.Response.ContentLength = 5;
                await context.Response.WriteAsync("123");
                if (how == "last byte by stream")
                {
                    await context.Response.WriteAsync("45");
                }
                else
                {
                    "45"u8.CopyTo(context.Response.BodyWriter.GetSpan(2));
                    context.Response.BodyWriter.Advance(2);
                    await context.Response.BodyWriter.FlushAsync();
                }
            }

            await ConnectionClosed(context).WaitForCancellationAsync();
            Assert.False(context.RequestAborted.IsCancellationRequested);
        });
        var connection = await server.SendAsync(UwsgiPacket.Nginx());
        await connection.Client.ReadThroughAsync("12345");

        connection.Client.Close();

        await connection.Disposed.WithTimeoutAsync();
        await server.DisposeAsync();
        Assert.False(fired);
        Assert.False(token.IsCancellationRequested);
    }

    [Fact]
    [Trait("Rule", "67")]
    public async Task The_token_still_fires_before_the_last_byte()
    {
        await using var server = await GatewayTestServer.StartAsync(async context =>
        {
            context.Response.ContentLength = 5;
            await context.Response.WriteAsync("1234");
            await context.RequestAborted.WaitForCancellationAsync();
        });
        var connection = await server.SendAsync(UwsgiPacket.Nginx());
        await connection.Client.ReadThroughAsync("1234");

        connection.Client.Close();

        await connection.Disposed.WithTimeoutAsync();
        server.Logs.AssertNothingAbove(LogLevel.Debug, "Uwsgi.AspNetCore");
    }

    [Fact]
    [Trait("Rule", "68")]
    public async Task The_token_can_be_replaced_for_the_rest_of_the_request()
    {
        using var own = new CancellationTokenSource();
        var replace = true;
        await using var server = await GatewayTestServer.StartAsync(context =>
        {
            if (replace)
            {
                context.RequestAborted = own.Token;
                Assert.Equal(own.Token, context.RequestAborted);
            }
            else
            {
                Assert.NotEqual(own.Token, context.RequestAborted);
                Assert.False(context.RequestAborted.IsCancellationRequested);
            }

            return Task.CompletedTask;
        });

        await server.RequestAsync(UwsgiPacket.Nginx());
        await own.CancelAsync();
        replace = false;

        Assert.Equal(200, (await server.RequestAsync(UwsgiPacket.Nginx())).StatusCode);
    }

    [Theory]
    [Trait("Rule", "69")]
    [Trait("Item", "119")]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_half_closed_connection_is_an_abort_or_is_answered_as_the_option_says(bool abortOnHalfClose)
    {
        var aborted = CancellationToken.None;
        await using var server = await GatewayTestServer.StartAsync(
            async context =>
            {
                aborted = context.RequestAborted;
                _started.SetResult();
                await ConnectionClosed(context).WaitForCancellationAsync();
                if (abortOnHalfClose)
                    await aborted.WaitForCancellationAsync();
                await context.Response.WriteAsync("answer");
            },
            options => options.Uwsgi = uwsgi => uwsgi.AbortOnHalfClose = abortOnHalfClose);
        var connection = await server.SendAsync(UwsgiPacket.Nginx());
        await _started.Task.WithTimeoutAsync();

        connection.Client.CompleteSending();

        if (abortOnHalfClose)
            Assert.Empty(await connection.Client.ReadToEndAsync());
        else
            Assert.Equal("answer", (await connection.Client.ReadResponseAsync()).Text);
        await connection.Disposed.WithTimeoutAsync();
        Assert.Equal(abortOnHalfClose, aborted.IsCancellationRequested);
    }

    [Fact]
    [Trait("Rule", "69")]
    public async Task A_half_closed_connection_can_still_bring_its_whole_body()
    {
        await using var server = await GatewayTestServer.StartAsync(
            context => context.Request.Body.CopyToAsync(context.Response.Body), options => options.Uwsgi = uwsgi => uwsgi.AbortOnHalfClose = false);
        var connection = await server.BeginAsync(UwsgiPacket.Nginx("POST").WithBody("12345"), 2);

        await connection.Client.SendAsync("345");
        connection.Client.CompleteSending();

        Assert.Equal("12345", (await connection.Client.ReadResponseAsync()).Text);
    }

    [Fact]
    [Trait("Rule", "70")]
    [Trait("Rule", "71")]
    public async Task A_token_never_serves_a_request_of_another_connection()
    {
        var tokens = new List<CancellationToken>();
        await using var server = await GatewayTestServer.StartAsync(context =>
        {
            tokens.Add(context.RequestAborted);
            Assert.False(context.RequestAborted.IsCancellationRequested);
            return Task.CompletedTask;
        });

        await server.RequestAsync(UwsgiPacket.Nginx());
        await server.RequestAsync(UwsgiPacket.Nginx());

        Assert.NotEqual(tokens[0], tokens[1]);
        Assert.False(tokens[1].IsCancellationRequested);
    }

    [Fact]
    [Trait("Rule", "70")]
    public async Task A_cancelled_token_source_is_not_used_again()
    {
        var tokens = new List<CancellationToken>();
        await using var server = await GatewayTestServer.StartAsync(async context =>
        {
            tokens.Add(context.RequestAborted);
            if (context.Request.Path == "/abort")
            {
                context.Abort();
                await context.RequestAborted.WaitForCancellationAsync();
            }
        });
        var connection = await server.SendAsync(UwsgiPacket.Nginx(target: "/abort"));
        await connection.Disposed.WithTimeoutAsync();

        await server.RequestAsync(UwsgiPacket.Nginx());

        Assert.NotEqual(tokens[0], tokens[1]);
        Assert.False(tokens[1].IsCancellationRequested);
    }

    [Theory]
    [Trait("Item", "112")]
    [Trait("Item", "38")]
    [Trait("Rule", "55")]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_request_can_be_aborted_in_the_middle_of_a_read(bool useStream)
    {
        await using var server = await GatewayTestServer.StartAsync(async context =>
        {
            Task read = useStream ? context.Request.Body.ReadAsync(new byte[1]).AsTask() : context.Request.BodyReader.ReadAsync().AsTask();
            Assert.False(read.IsCompleted);
            context.Abort();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => read);
            await context.RequestAborted.WaitForCancellationAsync();
        });
        var connection = await server.BeginAsync(UwsgiPacket.Nginx("POST").WithBody("12345"));

        await Assert.ThrowsAnyAsync<IOException>(connection.Client.ReadToEndAsync);
        await connection.Disposed.WithTimeoutAsync();
    }

    [Fact]
    [Trait("Item", "115")]
    public async Task An_application_can_handle_a_client_that_goes_in_the_middle_of_the_response()
    {
        Exception? error = null;
        await using var server = await GatewayTestServer.StartAsync(async context =>
        {
            try
            {
                while (true)
                    await context.Response.Body.WriteAsync(new byte[10_000], context.RequestAborted);
            }
            catch (OperationCanceledException caught)
            {
                error = caught;
                throw;
            }
        });
        var connection = await server.SendAsync(UwsgiPacket.Nginx());
        await connection.Client.ReadHeadAsync();

        connection.Client.Close();

        await connection.Disposed.WithTimeoutAsync();
        Assert.NotNull(error);
        server.Logs.AssertNothingAbove(LogLevel.Debug, "Uwsgi.AspNetCore");
    }

    [Fact]
    [Trait("Item", "118")]
    [Trait("Rule", "71")]
    public async Task A_client_that_lingers_after_the_answer_does_not_hold_anything_up()
    {
        await using var server = await GatewayTestServer.StartAsync(context => context.Response.WriteAsync("answer"));

        var connection = await server.SendAsync(UwsgiPacket.Nginx());
        await connection.Disposed.WithTimeoutAsync();
        Assert.Equal("answer", (await connection.Client.ReadResponseAsync()).Text);
        connection.Client.Close();

        server.Logs.AssertNothingAbove(LogLevel.Debug, "Uwsgi.AspNetCore");
    }

    [Fact]
    [Trait("Item", "120")]
    public async Task Scoped_services_are_disposed_when_the_client_has_gone()
    {
        var disposed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = await GatewayTestServer.StartAsync(
            async context =>
            {
                context.RequestServices.GetRequiredService<Scoped>();
                _started.SetResult();
                await context.RequestAborted.WaitForCancellationAsync();
            },
            options => options.Host = host => host.Services.AddScoped(_ => new Scoped(disposed)));
        var connection = await server.SendAsync(UwsgiPacket.Nginx());
        await _started.Task.WithTimeoutAsync();

        connection.Client.Reset();

        await disposed.Task.WithTimeoutAsync();
        await connection.Disposed.WithTimeoutAsync();
    }

    private static CancellationToken ConnectionClosed(HttpContext context) =>
        context.Features.GetRequiredFeature<IConnectionLifetimeFeature>().ConnectionClosed;

    private sealed class Scoped(TaskCompletionSource disposed) : IDisposable
    {
        public void Dispose() => disposed.SetResult();
    }
}
