using Microsoft.AspNetCore.Connections.Features;
using Microsoft.Extensions.Logging;
using Uwsgi.AspNetCore.FunctionalTests.Infrastructure;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.FunctionalTests.Gateway;

/// <summary>How long a connection may take to say what it speaks, and what a stopping server does with it.</summary>
public class OnePortTimeTests
{
    private readonly ManualTimeProvider _time = new();

    [Theory]
    [InlineData("", 0)]
    [InlineData("G", 1)]
    [InlineData("300", 1)]
    public async Task Silence_is_closed_without_an_answer_and_a_beginning_is_logged_as_well(string text, int logged)
    {
        await using var server = await StartAsync();
        var connection = await server.ConnectAsync(System.Text.Encoding.Latin1.GetBytes(text));
        await _time.WaitForArmedTimersAsync();

        _time.Advance(TimeSpan.FromSeconds(29));
        var isEarly = connection.Disposed.IsCompleted;
        _time.Advance(TimeSpan.FromSeconds(1));

        Assert.Empty(await connection.Client.ReadToEndAsync());
        Assert.False(isEarly);
        Assert.Equal(logged, server.Logs.Find("RequestRejected").Count);
        Assert.Equal(1, server.Metrics.Sum("uwsgi.server.rejections", "error.type", "head_timeout"));
    }

    [Fact]
    public async Task The_time_until_the_protocol_is_told_counts_as_time_of_the_head()
    {
        await using var server = await StartAsync();

        // So small a buffer that sending goes on only when the server has looked at the bytes before.
        var connection = await server.ConnectAsync(new InMemoryConnectionOptions { InputBufferSize = 2 });
        await _time.WaitForArmedTimersAsync();
        _time.Advance(TimeSpan.FromSeconds(20));
        await connection.Client.SendAsync("300:"u8.ToArray());
        await connection.Client.SendByteByByteAsync("CONTENT"u8.ToArray());

        _time.Advance(TimeSpan.FromSeconds(10));

        Assert.Equal(408, (await connection.Client.ReadResponseAsync()).StatusCode);
    }

    [Fact]
    public async Task A_slow_start_within_the_time_is_served()
    {
        await using var server = await StartAsync();
        var connection = await server.ConnectAsync();
        await _time.WaitForArmedTimersAsync();

        _time.Advance(TimeSpan.FromSeconds(29));
        await connection.Client.SendAsync(Speaker.Http.Request("/late"));

        Assert.Equal("Http /late ", (await connection.Client.ReadResponseAsync()).Text);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("127.0.0.1:0")]
    public async Task A_connection_that_has_sent_nothing_is_closed_at_once_when_the_server_stops(string? socket)
    {
        await using var server = await OnePortTests.StartAsync(options => options.Socket = socket);
        Func<Task<byte[]>> end = socket is null
            ? (await server.ConnectAsync()).Client.ReadToEndAsync
            : (await server.ConnectSocketAsync()).ReadToEndAsync;
        await server.Logs.WaitForAsync("ConnectionStart");

        // No time limit would ever end the stop or the connection, so only its own end can.
        await server.App.StopAsync().WithTimeoutAsync();

        Assert.Empty(await end());
        server.Logs.AssertNothingAbove(LogLevel.Information);
    }

    [Fact]
    public async Task A_request_that_has_begun_to_arrive_is_served_when_the_server_stops()
    {
        await using var server = await OnePortTests.StartAsync();
        var connection = await server.ConnectAsync(new InMemoryConnectionOptions { InputBufferSize = 2 });
        var request = Speaker.Everybody.Single(speaker => speaker.Name == "Scgi").Request("/hello");
        await connection.Client.SendAsync(request.AsMemory(0, 2));

        var stop = server.App.StopAsync();
        await connection.Features.Get<IConnectionLifetimeNotificationFeature>()!.ConnectionClosedRequested.WaitForCancellationAsync();
        await connection.Client.SendAsync(request.AsMemory(2));
        var response = await connection.Client.ReadResponseAsync();
        await stop.WithTimeoutAsync();

        Assert.Equal("Scgi /hello ", response.Text);
    }

    private Task<GatewayTestServer> StartAsync() => OnePortTests.StartAsync(options => options.Time = _time);
}
