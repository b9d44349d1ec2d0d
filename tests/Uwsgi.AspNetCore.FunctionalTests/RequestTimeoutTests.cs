using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Microsoft.Extensions.Logging;
using Uwsgi.AspNetCore.FunctionalTests.Infrastructure;
using Uwsgi.AspNetCore.Testing;
using MinDataRate = Microsoft.AspNetCore.Server.Kestrel.Core.MinDataRate;

namespace Uwsgi.AspNetCore.FunctionalTests;

/// <summary>Time limits, on a clock that the tests move. What waits is known to wait before time passes.</summary>
public class RequestTimeoutTests
{
    private static readonly UwsgiPacket Post = UwsgiPacket.Nginx("POST").WithBody("12345");

    private readonly ManualTimeProvider _time = new();
    private readonly TaskCompletionSource _waiting = new(TaskCreationOptions.RunContinuationsAsynchronously);

    [Theory]
    [Trait("Rule", "83")]
    [Trait("Item", "121")]
    [InlineData(1)]
    [InlineData(4)]
    [InlineData(50)]
    public async Task A_head_that_does_not_arrive_in_time_is_answered_408(int length)
    {
        await using var server = await StartAsync(_ => throw new InvalidOperationException("Never reached."));
        var connection = await server.ConnectAsync(Post.ToArray().AsMemory(0, length));
        await _time.WaitForArmedTimersAsync();

        _time.Advance(TimeSpan.FromSeconds(29));
        var answer = connection.Client.ReadResponseAsync();
        Assert.False(answer.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal(408, (await answer).StatusCode);
        Assert.Equal(1, server.Metrics.Sum("uwsgi.server.rejections", "error.type", "head_timeout"));
        server.Logs.AssertNothingAbove(LogLevel.Information);
    }

    [Fact]
    [Trait("Rule", "83")]
    [Trait("Item", "121")]
    public async Task A_client_that_never_speaks_is_closed_in_silence()
    {
        await using var server = await StartAsync(_ => throw new InvalidOperationException("Never reached."));
        var connection = await server.ConnectAsync();
        await _time.WaitForArmedTimersAsync();

        _time.Advance(TimeSpan.FromSeconds(30));

        Assert.Empty(await connection.Client.ReadToEndAsync());
        server.Logs.AssertNothingAbove(LogLevel.Debug, "Uwsgi.AspNetCore");
    }

    [Fact]
    [Trait("Rule", "83")]
    [Trait("Item", "121")]
    public async Task More_bytes_of_a_head_buy_no_more_time()
    {
        await using var server = await StartAsync(_ => throw new InvalidOperationException("Never reached."));
        var packet = Post.ToHead();
        var connection = await server.ConnectAsync(packet.AsMemory(0, 10));
        await _time.WaitForArmedTimersAsync();

        for (var second = 0; second < 30; second++)
        {
            await connection.Client.SendAsync(packet.AsMemory(10 + second, 1));
            _time.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.Equal(408, (await connection.Client.ReadResponseAsync()).StatusCode);
    }

    [Fact]
    [Trait("Rule", "83")]
    [Trait("Item", "121")]
    public async Task The_time_for_heads_is_an_option()
    {
        await using var server = await StartAsync(
            _ => throw new InvalidOperationException("Never reached."), uwsgi => uwsgi.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(2));
        var connection = await server.ConnectAsync(Post.ToArray().AsMemory(0, 10));
        await _time.WaitForArmedTimersAsync();

        _time.Advance(TimeSpan.FromSeconds(2));

        Assert.Equal(408, (await connection.Client.ReadResponseAsync()).StatusCode);
    }

    [Fact]
    [Trait("Rule", "83")]
    public async Task The_time_of_a_head_ends_with_it()
    {
        await using var server = await StartAsync(async context =>
        {
            _waiting.SetResult();
            await context.RequestAborted.WaitForCancellationAsync();
        });
        var packet = UwsgiPacket.Nginx().ToArray();
        var connection = await server.ConnectAsync(packet.AsMemory(0, 10));
        await _time.WaitForArmedTimersAsync();
        await connection.Client.SendAsync(packet.AsMemory(10));
        await _waiting.Task.WithTimeoutAsync();

        _time.Advance(TimeSpan.FromHours(1));

        Assert.Null(connection.AbortReason);
        connection.Client.Close();
        await connection.Disposed.WithTimeoutAsync();
        Assert.Empty(server.Logs.Find("RequestRejected"));
    }

    [Theory]
    [Trait("Rule", "81")]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_body_that_stops_coming_fails_the_read_with_408(bool useStream)
    {
        await using var server = await StartAsync(context => useStream ? ReadFromStreamAsync(context) : ReadFromPipeAsync(context));
        var connection = await server.BeginAsync(Post);
        await _waiting.Task.WithTimeoutAsync();

        _time.Advance(TimeSpan.FromSeconds(59));
        var answer = connection.Client.ReadResponseAsync();
        Assert.False(answer.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal(408, (await answer).StatusCode);
        await connection.Disposed.WithTimeoutAsync();
        Assert.Single(server.Logs.Find("BadRequest"));
        server.Logs.AssertNothingAbove(LogLevel.Debug, "Uwsgi.AspNetCore");
    }

    [Fact]
    [Trait("Rule", "81")]
    public async Task The_time_between_two_reads_is_an_option_and_starts_anew_with_every_read()
    {
        var reads = new SemaphoreSlim(0);
        await using var server = await StartAsync(
            async context =>
            {
                for (var i = 0; i < 5; i++)
                {
                    var read = context.Request.Body.ReadExactlyAsync(new byte[1]);
                    reads.Release();
                    await read;
                }
            },
            uwsgi => uwsgi.Limits.RequestBodyTimeout = TimeSpan.FromSeconds(10));
        var connection = await server.BeginAsync(Post);

        foreach (var data in "12345"u8.ToArray())
        {
            Assert.True(await reads.WaitAsync(TestTimeouts.Default));
            _time.Advance(TimeSpan.FromSeconds(9));
            await connection.Client.SendAsync(new[] { data });
        }

        Assert.Equal(200, (await connection.Client.ReadResponseAsync()).StatusCode);
    }

    [Theory]
    [Trait("Rule", "81")]
    [Trait("Item", "45")]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_body_slower_than_the_minimum_rate_fails_the_read_with_408(bool perRequest)
    {
        var rate = new MinDataRate(bytesPerSecond: 240, gracePeriod: TimeSpan.FromSeconds(5));
        await using var server = await StartAsync(
            context =>
            {
                if (perRequest)
                    context.Features.GetRequiredFeature<IHttpMinRequestBodyDataRateFeature>().MinDataRate = rate;
                return ReadFromPipeAsync(context);
            },
            uwsgi => uwsgi.Limits.MinRequestBodyDataRate = perRequest ? null : rate);
        var connection = await server.BeginAsync(Post);
        await _waiting.Task.WithTimeoutAsync();

        // Exactly the grace period is still allowed.
        _time.Advance(TimeSpan.FromSeconds(5));
        var answer = connection.Client.ReadResponseAsync();
        Assert.False(answer.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal(408, (await answer).StatusCode);
    }

    [Fact]
    [Trait("Rule", "81")]
    [Trait("Item", "45")]
    public async Task Bytes_count_once_towards_the_rate_however_often_they_are_looked_at()
    {
        // 10 bytes a second are asked for. One comes every second; the reader consumes nothing and sees all of them every time.
        var reads = new SemaphoreSlim(0);
        await using var server = await StartAsync(
            async context =>
            {
                while (true)
                {
                    var reading = context.Request.BodyReader.ReadAsync();
                    reads.Release();
                    var read = await reading;
                    context.Request.BodyReader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
                }
            },
            uwsgi => uwsgi.Limits.MinRequestBodyDataRate = new MinDataRate(bytesPerSecond: 10, gracePeriod: TimeSpan.FromSeconds(30)));
        var connection = await server.BeginAsync(UwsgiPacket.Nginx("POST").WithBody(new byte[1000]));
        var answer = connection.Client.ReadResponseAsync();

        for (var second = 0; second < 40; second++)
        {
            var read = reads.WaitAsync(TestTimeouts.Default);
            if (await Task.WhenAny(read, answer) == answer)
                break;
            _time.Advance(TimeSpan.FromSeconds(1));
            await connection.Client.SendAsync(new byte[1]);
        }

        // After the grace period 310 bytes are due and 30 have come, which were looked at 465 times.
        Assert.Equal(408, (await answer).StatusCode);
        Assert.InRange(_time.GetTimestamp(), TimeSpan.FromSeconds(31).Ticks, TimeSpan.FromSeconds(32).Ticks);
    }

    [Fact]
    [Trait("Rule", "81")]
    [Trait("Item", "45")]
    public async Task Bytes_that_need_no_waiting_count_towards_the_rate_too()
    {
        // A hundred kilobytes at once, then a pause that the average can bear.
        const int First = 100_000;
        await using var server = await StartAsync(
            async context =>
            {
                await context.Request.Body.ReadExactlyAsync(new byte[First]);
                var read = context.Request.Body.ReadExactlyAsync(new byte[1]);
                _waiting.SetResult();
                await read;
            },
            uwsgi => uwsgi.Limits.MinRequestBodyDataRate = new MinDataRate(bytesPerSecond: 240, gracePeriod: TimeSpan.FromSeconds(5)));
        var packet = UwsgiPacket.Nginx("POST").WithBody(new byte[First + 1]);
        var connection = await server.BeginAsync(packet, First, System.IO.Pipelines.PipeScheduler.Inline);
        await _waiting.Task.WithTimeoutAsync();

        _time.Advance(TimeSpan.FromSeconds(50));
        await connection.Client.SendAsync(new byte[1]);

        Assert.Equal(200, (await connection.Client.ReadResponseAsync()).StatusCode);
    }

    [Theory]
    [Trait("Rule", "81")]
    [Trait("Item", "45")]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_request_can_switch_the_minimum_rate_off_and_none_is_the_default(bool isSet)
    {
        await using var server = await StartAsync(
            context =>
            {
                context.Features.GetRequiredFeature<IHttpMinRequestBodyDataRateFeature>().MinDataRate = null;
                return ReadFromPipeAsync(context);
            },
            uwsgi => uwsgi.Limits.MinRequestBodyDataRate = isSet ? new MinDataRate(240, TimeSpan.FromSeconds(5)) : null);
        var connection = await server.BeginAsync(Post);
        await _waiting.Task.WithTimeoutAsync();

        _time.Advance(TimeSpan.FromSeconds(50));
        await connection.Client.SendAsync("12345");

        Assert.Equal(200, (await connection.Client.ReadResponseAsync()).StatusCode);
    }

    [Fact]
    [Trait("Rule", "81")]
    public async Task Time_in_which_nobody_reads_is_not_the_clients()
    {
        var go = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = await StartAsync(
            async context =>
            {
                _waiting.SetResult();
                await go.Task.WithTimeoutAsync();
                var read = context.Request.Body.ReadExactlyAsync(new byte[5]);
                Assert.False(read.IsCompleted);
                await context.Response.StartAsync();
                await context.Response.Body.FlushAsync();
                await read;
            },
            uwsgi => uwsgi.Limits.MinRequestBodyDataRate = new MinDataRate(240, TimeSpan.FromSeconds(5)));
        var connection = await server.BeginAsync(Post);
        await _waiting.Task.WithTimeoutAsync();

        _time.Advance(TimeSpan.FromHours(1));
        go.SetResult();
        await connection.Client.ReadHeadAsync();
        _time.Advance(TimeSpan.FromSeconds(4));
        await connection.Client.SendAsync("12345");

        Assert.Empty(await connection.Client.ReadToEndAsync());
    }

    [Fact]
    [Trait("Item", "47")]
    [Trait("Rule", "52")]
    public async Task The_connection_ends_even_if_the_application_swallows_the_time_out()
    {
        await using var server = await StartAsync(async context =>
        {
            var error = await Assert.ThrowsAsync<BadHttpRequestException>(() => ReadFromPipeAsync(context));
            await context.Response.WriteAsync($"swallowed {error.StatusCode}");
        });
        var connection = await server.BeginAsync(Post);
        await _waiting.Task.WithTimeoutAsync();

        _time.Advance(TimeSpan.FromSeconds(60));

        var response = await connection.Client.ReadResponseAsync();
        Assert.Equal((200, "swallowed 408"), (response.StatusCode, response.Text));
        await connection.Disposed.WithTimeoutAsync();
    }

    [Theory]
    [Trait("Rule", "82")]
    [Trait("Item", "123")]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_client_that_takes_the_response_too_slowly_is_cut_off(bool perRequest)
    {
        var rate = new MinDataRate(bytesPerSecond: 10_000, gracePeriod: TimeSpan.FromSeconds(5));
        await using var server = await StartAsync(
            async context =>
            {
                if (perRequest)
                    context.Features.GetRequiredFeature<IHttpMinResponseDataRateFeature>().MinDataRate = rate;
                var write = context.Response.BodyWriter.WriteAsync(new byte[100_000]);
                Assert.False(write.IsCompleted);
                _waiting.SetResult();
                Assert.True((await write).IsCompleted);
                await context.RequestAborted.WaitForCancellationAsync();
            },
            uwsgi => uwsgi.Limits.MinResponseDataRate = perRequest ? null : rate);
        var connection = await server.SendAsync(UwsgiPacket.Nginx());
        await _waiting.Task.WithTimeoutAsync();

        // 100,000 bytes may take 10 seconds.
        _time.Advance(TimeSpan.FromSeconds(9));
        Assert.Null(connection.AbortReason);
        _time.Advance(TimeSpan.FromSeconds(2));

        await connection.Disposed.WithTimeoutAsync();
        Assert.NotNull(connection.AbortReason);
        server.Logs.AssertNothingAbove(LogLevel.Information, "Uwsgi.AspNetCore");
    }

    [Fact]
    [Trait("Rule", "82")]
    [Trait("Item", "123")]
    public async Task A_client_may_take_its_time_by_default()
    {
        await using var server = await StartAsync(async context =>
        {
            var write = context.Response.BodyWriter.WriteAsync(new byte[100_000]);
            _waiting.SetResult();
            await write;
        });
        var connection = await server.SendAsync(UwsgiPacket.Nginx());
        await _waiting.Task.WithTimeoutAsync();

        _time.Advance(TimeSpan.FromHours(1));

        Assert.Equal(100_000, (await connection.Client.ReadResponseAsync()).Body.Length);
    }

    [Fact]
    [Trait("Rule", "79")]
    [Trait("Item", "46")]
    public async Task A_body_that_is_not_drained_in_time_ends_the_connection()
    {
        await using var server = await StartAsync(context => context.Response.WriteAsync("early"));
        var connection = await server.BeginAsync(Post, 1);
        await connection.Client.ReadThroughAsync("early");
        await _time.WaitForArmedTimersAsync();

        _time.Advance(TimeSpan.FromSeconds(4));
        Assert.False(connection.Disposed.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(1));

        await connection.Disposed.WithTimeoutAsync();
        Assert.Empty(await connection.Client.ReadToEndAsync());
        Assert.Single(server.Logs.Find("BodyNotDrained"));
    }

    [Fact]
    public async Task A_clock_without_waits_stops_ticking()
    {
        await using var server = await StartAsync(_ => Task.CompletedTask);
        var connection = await server.ConnectAsync(Post.ToArray().AsMemory(0, 10));
        await _time.WaitForArmedTimersAsync();
        await connection.Client.SendAsync(Post.ToArray().AsMemory(10));
        await connection.Disposed.WithTimeoutAsync();

        _time.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal(0, _time.ArmedTimers);
    }

    private Task<GatewayTestServer> StartAsync(RequestDelegate app, Action<UwsgiOptions>? configure = null) => GatewayTestServer.StartAsync(
        app,
        options =>
        {
            options.Time = _time;
            options.Uwsgi = configure;
        });

    private async Task ReadFromPipeAsync(HttpContext context)
    {
        var read = context.Request.BodyReader.ReadAsync();
        _waiting.TrySetResult();
        var result = await read;
        context.Request.BodyReader.AdvanceTo(result.Buffer.End);
    }

    private async Task ReadFromStreamAsync(HttpContext context)
    {
        var read = context.Request.Body.CopyToAsync(Stream.Null);
        _waiting.TrySetResult();
        await read;
    }
}
