using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Uwsgi.AspNetCore.FunctionalTests.Infrastructure;
using Uwsgi.AspNetCore.Testing;
using static Uwsgi.AspNetCore.Testing.FastCgiBytes;

namespace Uwsgi.AspNetCore.FunctionalTests.FastCgi;

/// <summary>Waits that have to end, and objects that serve one request after another.</summary>
public class FastCgiWaitTests
{
    private readonly ManualTimeProvider _time = new();
    private readonly TaskCompletionSource _started = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _release = new(TaskCreationOptions.RunContinuationsAsynchronously);

    [Fact]
    public async Task A_connection_is_idle_as_well_when_its_request_has_ended_behind_a_pending_read()
    {
        await using var server = await FastCgiTestServer.StartAsync(
            async context =>
            {
                _started.SetResult();
                await _release.Task;
                await context.Response.WriteAsync("done");
            },
            time: _time);
        var client = new FastCgiClient(await server.ConnectAsync(applicationScheduler: PipeScheduler.Inline));

        await _time.WaitForArmedTimersAsync();

        // Inline: the read loop waits for input again when this returns.
        await client.SendAsync(Request(1, UwsgiPacket.Nginx()));
        await _started.Task.WithTimeoutAsync();
        Assert.Equal("done", (await client.FinishOnlyRequestAsync(_time, _release)).Response.Text);

        var end = client.AssertClosedAsync();
        _time.Advance(TimeSpan.FromSeconds(130));

        await end;
    }

    [Fact]
    public async Task An_application_may_abort_twice()
    {
        await using var server = await FastCgiTestServer.StartAsync(context =>
        {
            context.Abort();
            context.Abort();
            return Task.CompletedTask;
        });
        var client = await server.OpenAsync(Request(1, UwsgiPacket.Nginx()));

        await Assert.ThrowsAsync<ConnectionResetException>(client.ReadRecordAsync);
        await client.Connection.Disposed.WithTimeoutAsync();
    }

    [Fact]
    public async Task The_last_bytes_must_be_taken_in_time_as_well()
    {
        await using var server = await FastCgiTestServer.StartAsync(
            async context =>
            {
                context.Response.ContentLength = 100;
                var writing = context.Response.Body.WriteAsync(new byte[100]);
                Assert.False(writing.IsCompleted);
                _started.SetResult();
                await writing;
            },
            WithRate, _time);
        var client = await OpenNarrowAsync(server);
        await client.SendAsync(Request(1, UwsgiPacket.Nginx()));
        await _started.Task.WithTimeoutAsync();

        _time.Advance(TimeSpan.FromHours(1));

        await client.Connection.Disposed.WithTimeoutAsync();
    }

    [Fact]
    public async Task A_peer_that_takes_no_answer_of_several_is_cut_off()
    {
        var writing = 0;
        await using var server = await FastCgiTestServer.StartAsync(
            async context =>
            {
                var write = context.Response.Body.WriteAsync(new byte[100_000]);
                Assert.False(write.IsCompleted);
                if (Interlocked.Increment(ref writing) == 2)
                    _started.SetResult();
                await write;
            },
            WithRate, _time);
        var client = await OpenNarrowAsync(server);
        await client.SendAsync(Request(1, UwsgiPacket.Nginx()), Request(2, UwsgiPacket.Nginx()));
        await _started.Task.WithTimeoutAsync();

        _time.Advance(TimeSpan.FromHours(1));

        await client.Connection.Disposed.WithTimeoutAsync();
    }

    [Fact]
    public async Task A_refusal_that_is_not_taken_does_not_hold_the_connection_for_ever()
    {
        await using var server = await FastCgiTestServer.StartAsync(FastCgiTestServer.EchoAsync, WithRate, _time);
        var client = await OpenNarrowAsync(server, Request(1, UwsgiPacket.Nginx().Set("HTTP_X", "a\nb"), keep: false));

        // The request was there at once, so nothing but the refusal waits in time.
        await _time.WaitForArmedTimersAsync();
        _time.Advance(TimeSpan.FromHours(1));

        await client.Connection.Disposed.WithTimeoutAsync();
    }

    [Fact]
    public async Task A_message_of_STDERR_that_is_not_taken_does_not_hold_the_connection_for_ever()
    {
        await using var server = await FastCgiTestServer.StartAsync(
            async context =>
            {
                var writing = context.Features.Get<IFastCgiFeature>()!.WriteErrorAsync("as good as a response").AsTask();
                Assert.False(writing.IsCompleted);
                _started.SetResult();
                await writing;
            },
            WithRate, _time);
        var client = await OpenNarrowAsync(server);
        await client.SendAsync(Request(1, UwsgiPacket.Nginx()));
        await _started.Task.WithTimeoutAsync();

        _time.Advance(TimeSpan.FromHours(1));

        await client.Connection.Disposed.WithTimeoutAsync();
    }

    [Fact]
    public async Task A_message_of_a_request_that_is_over_is_no_others()
    {
        IFastCgiFeature? first = null;
        await using var server = await FastCgiTestServer.StartAsync(async context =>
        {
            var feature = context.Features.Get<IFastCgiFeature>()!;
            first ??= feature;
            if (context.Request.Path == "/second")
            {
                try
                {
                    await first.WriteErrorAsync("the first's secret");
                }
                catch (ObjectDisposedException)
                {
                }
            }
        });
        var client = new FastCgiClient(await server.ConnectAsync(applicationScheduler: PipeScheduler.Inline));
        await client.SendAsync(Request(1, UwsgiPacket.Nginx()));
        await client.ReadAnswerAsync(1);
        await client.SendAsync(Request(1, UwsgiPacket.Nginx(target: "/second")));

        Assert.Equal("", (await client.ReadAnswerAsync(1)).Stderr);
    }

    [Fact]
    public async Task A_write_that_waits_for_the_peer_can_be_cancelled()
    {
        using var cancel = new CancellationTokenSource();
        var outcome = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = await FastCgiTestServer.StartAsync(async context =>
        {
            var writing = context.Response.Body.WriteAsync(new byte[10_000], cancel.Token);
            Assert.False(writing.IsCompleted);
            _started.SetResult();
            try
            {
                await writing;
                outcome.SetResult(false);
            }
            catch (OperationCanceledException)
            {
                outcome.SetResult(true);
            }
        });
        var client = await OpenNarrowAsync(server);
        await client.SendAsync(Request(1, UwsgiPacket.Nginx()));
        await _started.Task.WithTimeoutAsync();

        await cancel.CancelAsync();

        Assert.True(await outcome.Task.WithTimeoutAsync());
    }

    [Fact]
    public async Task A_request_that_keeps_its_thread_does_not_hold_up_its_siblings()
    {
        using var served = new ManualResetEventSlim();
        await using var server = await FastCgiTestServer.StartAsync(context =>
        {
            if (context.Request.Path == "/busy")
            {
                _started.SetResult();
                Assert.True(served.Wait(TestTimeouts.Default));
            }
            else
            {
                served.Set();
            }

            return Task.CompletedTask;
        });
        var client = await server.OpenAsync(Request(1, UwsgiPacket.Nginx(target: "/busy")));
        await _started.Task.WithTimeoutAsync();
        await client.SendAsync(Request(2, UwsgiPacket.Nginx()));

        Assert.Equal(200, (await client.ReadAnswerAsync(2)).Response.StatusCode);
    }

    [Fact]
    public async Task The_time_to_say_what_is_spoken_counts_for_FastCGI_as_well()
    {
        await using var server = await GatewayTestServer.StartAsync(FastCgiTestServer.EchoAsync, options =>
        {
            options.Protocol = null;
            options.Time = _time;
        });
        var connection = await server.ConnectAsync(applicationScheduler: PipeScheduler.Inline);
        await _time.WaitForArmedTimersAsync();
        _time.Advance(TimeSpan.FromSeconds(29));
        await connection.Client.SendAsync(new byte[] { 1 });

        await _time.AdvancePastAsync(TimeSpan.FromSeconds(3), connection.Disposed);

        await connection.Disposed.WithTimeoutAsync();
    }

    private static void WithRate(UwsgiOptions options) =>
        options.Limits.MinResponseDataRate = new MinDataRate(bytesPerSecond: 240, gracePeriod: TimeSpan.FromSeconds(5));

    // A peer that reads nothing, with next to nothing between it and the server.
    private static async Task<FastCgiClient> OpenNarrowAsync(GatewayTestServer server, byte[]? firstBytes = null) =>
        new(await server.ConnectAsync(new InMemoryConnectionOptions { OutputBufferSize = 16, ApplicationScheduler = PipeScheduler.Inline }, firstBytes));
}
