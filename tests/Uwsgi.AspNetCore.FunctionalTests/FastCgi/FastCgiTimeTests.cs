using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Uwsgi.AspNetCore.Testing;
using static Uwsgi.AspNetCore.Testing.FastCgiBytes;

namespace Uwsgi.AspNetCore.FunctionalTests.FastCgi;

/// <summary>Time limits on a clock that the tests move, and the end of the server.</summary>
public class FastCgiTimeTests
{
    private readonly ManualTimeProvider _time = new();

    [Theory]
    [InlineData(0)]
    [InlineData(5)]
    public async Task A_connection_that_never_speaks_is_closed(int length)
    {
        await using var server = await FastCgiTestServer.StartAsync(FastCgiTestServer.EchoAsync, time: _time);
        var client = await server.OpenAsync(Begin(1)[..length]);
        await _time.WaitForArmedTimersAsync();

        _time.Advance(TimeSpan.FromSeconds(30));

        await client.AssertClosedAsync();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Params_that_do_not_arrive_in_time_are_answered_408(bool keep)
    {
        await using var server = await FastCgiTestServer.StartAsync(FastCgiTestServer.EchoAsync, time: _time);
        var client = await server.OpenAsync(Begin(1, keep), Record(ParamsType, 1, [1, 1, 65]));
        await _time.WaitForArmedTimersAsync();

        _time.Advance(TimeSpan.FromSeconds(30));

        Assert.Equal(408, (await client.ReadAnswerAsync(1)).Response.StatusCode);
        if (keep)
        {
            await client.SendAsync(Request(2, UwsgiPacket.Nginx()));
            Assert.Equal("/ ", (await client.ReadAnswerAsync(2)).Response.Text);
        }
        else
        {
            await client.SendAsync(End(StdinType, 1));
            await client.AssertClosedAsync();
        }
    }

    [Fact]
    [Trait("GatewayRule", "53")]
    public async Task An_idle_kept_connection_is_closed_late()
    {
        var running = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = await FastCgiTestServer.StartAsync(
            _ =>
            {
                running.SetResult();
                return release.Task;
            },
            time: _time);
        var client = await server.OpenAsync();
        await client.SendAsync(Request(1, UwsgiPacket.Nginx()));
        await running.Task.WithTimeoutAsync();
        await client.FinishOnlyRequestAsync(_time, release);

        var end = client.AssertClosedAsync();
        _time.Advance(TimeSpan.FromSeconds(31));
        Assert.False(end.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(130));

        await end;
    }

    [Fact]
    public async Task Records_that_lead_nowhere_do_not_keep_an_idle_connection()
    {
        await using var server = await FastCgiTestServer.StartAsync(FastCgiTestServer.EchoAsync, time: _time);
        var client = await server.OpenAsync(Record(GetValuesType, 0));
        await client.ReadRecordAsync();
        await _time.WaitForArmedTimersAsync();
        _time.Advance(TimeSpan.FromSeconds(29));

        await client.SendAsync(Record(GetValuesType, 0), Record(StdinType, 7, "nobody's"u8));
        await client.ReadRecordAsync();
        var end = client.AssertClosedAsync();
        await _time.AdvancePastAsync(TimeSpan.FromSeconds(2), end);

        await end;
    }

    [Fact]
    public async Task A_body_nobody_reads_holds_up_the_others_only_so_long()
    {
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var aborted = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = await FastCgiTestServer.StartAsync(
            async context =>
            {
                if (context.Request.Path == "/stalled")
                {
                    using var registration = context.RequestAborted.Register(aborted.SetResult);
                    await release.Task;
                }

                await FastCgiTestServer.EchoAsync(context);
            },
            time: _time);
        var client = await server.OpenAsync(
            Head(1, UwsgiPacket.Nginx("POST", "/stalled").Set("CONTENT_LENGTH", "300000")),
            Head(2, UwsgiPacket.Nginx("POST", "/sibling").Set("CONTENT_LENGTH", "3")));
        var sending = client.SendAsync(Stream(StdinType, 1, new byte[300_000]), Record(StdinType, 2, "abc"u8), End(StdinType, 2));

        // The sibling's own wait for its body, and the wait for the stalled one.
        await _time.WaitForArmedTimersAsync(2);
        _time.Advance(TimeSpan.FromSeconds(6));
        await aborted.Task.WithTimeoutAsync();

        await sending.WithTimeoutAsync();
        Assert.Equal(503, (await client.ReadAnswerAsync(1)).Response.StatusCode);
        Assert.Equal("/sibling abc", (await client.ReadAnswerAsync(2)).Response.Text);
        release.SetResult();
    }

    [Fact]
    public async Task A_body_may_wait_for_its_application_for_any_time_when_no_other_request_waits()
    {
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = await FastCgiTestServer.StartAsync(
            async context =>
            {
                await release.Task;
                await FastCgiTestServer.EchoAsync(context);
            },
            time: _time);
        var client = await server.OpenAsync(Head(1, UwsgiPacket.Nginx("POST").Set("CONTENT_LENGTH", "300000")));
        var sending = client.SendAsync(Stream(StdinType, 1, new byte[300_000]), End(StdinType, 1));
        _time.Advance(TimeSpan.FromHours(1));
        release.SetResult();

        await sending.WithTimeoutAsync();
        Assert.Equal(300_002, (await client.ReadAnswerAsync(1)).Response.Body.Length);
    }

    [Fact]
    public async Task A_rest_of_a_body_that_does_not_come_delays_the_end_only_so_long()
    {
        await using var server = await FastCgiTestServer.StartAsync(context => context.Response.WriteAsync("early"), time: _time);
        var client = await server.OpenAsync(Head(1, UwsgiPacket.Nginx("POST").Set("CONTENT_LENGTH", "9"), keep: false), Record(StdinType, 1, "123"u8));
        Assert.Equal("early", (await client.ReadAnswerAsync(1)).Response.Text);

        await _time.WaitForArmedTimersAsync();
        _time.Advance(TimeSpan.FromSeconds(6));

        await client.AssertClosedAsync();
    }

    [Fact]
    public async Task A_stopping_server_closes_idle_connections_and_finishes_what_runs()
    {
        var running = new TaskCompletionSource<IConnectionLifetimeNotificationFeature>(TaskCreationOptions.RunContinuationsAsynchronously);
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = await FastCgiTestServer.StartAsync(async context =>
        {
            if (context.Request.Path == "/slow")
            {
                running.TrySetResult(context.Features.GetRequiredFeature<IConnectionLifetimeNotificationFeature>());
                await release.Task;
            }

            await context.Response.WriteAsync("done");
        });
        var silent = await server.OpenAsync();
        var idle = await server.OpenAsync(Request(1, UwsgiPacket.Nginx()));
        await idle.ReadAnswerAsync(1);
        var busy = await server.OpenAsync(Request(1, UwsgiPacket.Nginx(target: "/slow")), Begin(3));
        var closing = await running.Task.WithTimeoutAsync();

        var stopping = server.App.StopAsync();
        await silent.AssertClosedAsync();
        await idle.AssertClosedAsync();

        // The server may be on its way from one connection to the next.
        closing.RequestClose();
        await busy.SendAsync(Begin(5));
        Assert.Equal(Overloaded, (await busy.ReadAnswerAsync(5)).ProtocolStatus);
        await busy.SendAsync(Stream(ParamsType, 3, Pairs(UwsgiPacket.Nginx())), End(ParamsType, 3), End(StdinType, 3));
        Assert.Equal("done", (await busy.ReadAnswerAsync(3)).Response.Text);
        release.SetResult();
        Assert.Equal("done", (await busy.ReadAnswerAsync(1)).Response.Text);
        await busy.AssertClosedAsync();
        await stopping.WithTimeoutAsync();
    }
}
