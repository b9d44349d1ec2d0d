using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;
using Uwsgi.AspNetCore.FunctionalTests.Infrastructure;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.FunctionalTests.Scgi;

public class ScgiTests
{
    private readonly ManualTimeProvider _time = new();

    [Theory]
    [MemberData(nameof(Capture.Scgi), MemberType = typeof(Capture))]
    public async Task Every_capture_is_answered(Capture capture) =>
        await AssertAnsweredAsync(capture, client => client.SendAsync(capture.Bytes));

    [Theory]
    [MemberData(nameof(Capture.Scgi), MemberType = typeof(Capture))]
    public async Task Every_capture_is_answered_byte_by_byte(Capture capture) => await AssertAnsweredAsync(capture, async client =>
    {
        var start = Math.Min(capture.Bytes.Length, 1000);
        await client.SendByteByByteAsync(capture.Bytes[..start]);
        await client.SendAsync(capture.Bytes[start..]);
    });

    [Fact]
    public async Task The_head_is_a_cgi_head_with_the_status_last()
    {
        await using var server = await StartAsync(context =>
        {
            context.Response.StatusCode = 302;
            context.Response.Headers.Location = "/elsewhere";
            return Task.CompletedTask;
        });

        var response = await server.RequestAsync(Netstring("0", "REQUEST_METHOD|GET|REQUEST_URI|/a|"));

        Assert.Equal("Status", response.Headers[^1].Key);
        Assert.Equal(302, response.StatusCode);
    }

    [Fact]
    public async Task The_body_is_as_long_as_announced()
    {
        await using var server = await StartAsync(EchoAsync);

        var response = await server.RequestAsync(Netstring("3", "REQUEST_METHOD|POST|REQUEST_URI|/a|", "abcdef"));

        Assert.Equal("/a abc", response.Text);
    }

    [Fact]
    public async Task A_body_that_ends_early_is_no_whole_body()
    {
        var seen = new TaskCompletionSource<Exception?>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = await StartAsync(async context =>
            seen.TrySetResult(await Record.ExceptionAsync(() => context.Request.Body.CopyToAsync(Stream.Null))));
        var connection = await server.ConnectAsync(Netstring("9", "REQUEST_METHOD|POST|REQUEST_URI|/a|", "abc"));
        connection.Client.CompleteSending();

        Assert.IsType<BadHttpRequestException>(await seen.Task.WithTimeoutAsync());
    }

    [Theory]
    [InlineData("x")]
    [InlineData("05:hello,")]
    [InlineData("-5:")]
    [InlineData("12345678:")]
    [InlineData("5:hello;")]
    [InlineData("0:,")]
    [InlineData("5:hello,")]
    [InlineData("GET / HTTP/1.1\r\n\r\n")]
    public async Task What_is_no_scgi_head_is_answered_400(string text)
    {
        await using var server = await StartAsync(_ => throw new InvalidOperationException("Never reached."));

        Assert.Equal(400, await server.RefusalAsync(Encoding.Latin1.GetBytes(text)));
    }

    [Theory]
    [InlineData("+3")]
    [InlineData("3, 3")]
    [InlineData("99999999999999999999")]
    [InlineData("-1")]
    public async Task A_length_that_is_no_number_is_answered_400(string length)
    {
        await using var server = await StartAsync(_ => throw new InvalidOperationException("Never reached."));

        Assert.Equal(400, await server.RefusalAsync(Netstring(length, "REQUEST_METHOD|POST|REQUEST_URI|/a|")));
    }

    [Fact]
    public async Task Two_lengths_are_answered_400()
    {
        await using var server = await StartAsync(_ => throw new InvalidOperationException("Never reached."));

        Assert.Equal(400, await server.RefusalAsync(Netstring("3", "REQUEST_METHOD|POST|REQUEST_URI|/a|CONTENT_LENGTH|4|")));
    }

    [Fact]
    public async Task A_coding_without_a_length_is_answered_411()
    {
        await using var server = await StartAsync(_ => throw new InvalidOperationException("Never reached."));

        Assert.Equal(411, await server.RefusalAsync(Netstring("", "REQUEST_METHOD|POST|REQUEST_URI|/a|HTTP_TRANSFER_ENCODING|chunked|")));
    }

    [Fact]
    public async Task A_head_larger_than_the_limit_is_answered_431_before_it_arrives()
    {
        await using var server = await StartAsync(_ => throw new InvalidOperationException("Never reached."));

        Assert.Equal(431, await server.RefusalAsync("70000:CONTENT_LENGTH"u8.ToArray()));
    }

    [Fact]
    public async Task A_head_that_does_not_arrive_in_time_is_answered_408()
    {
        await using var server = await StartAsync(_ => throw new InvalidOperationException("Never reached."), time: _time);
        var connection = await server.ConnectAsync("300:CONTENT"u8.ToArray());
        await _time.WaitForArmedTimersAsync();

        _time.Advance(TimeSpan.FromSeconds(30));

        Assert.Equal(408, (await connection.Client.ReadResponseAsync()).StatusCode);
    }

    [Fact]
    public async Task A_failure_before_the_answer_is_a_500()
    {
        await using var server = await StartAsync(_ => throw new InvalidOperationException("Boom."));
        server.ExpectError("ApplicationError");

        Assert.Equal(500, (await server.RequestAsync(Netstring("0", "REQUEST_METHOD|GET|REQUEST_URI|/a|"))).StatusCode);
    }

    [Fact]
    public async Task A_large_body_goes_both_ways()
    {
        await using var server = await StartAsync(context => context.Request.Body.CopyToAsync(context.Response.Body));
        var body = new string('x', 2_000_000);

        var response = await server.RequestAsync(Netstring("2000000", "REQUEST_METHOD|POST|REQUEST_URI|/a|", body));

        Assert.Equal(body, response.Text);
    }

    private static async Task EchoAsync(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body);
        await context.Response.WriteAsync($"{context.Request.Path} {Encoding.Latin1.GetString(body.ToArray())}");
    }

    private static byte[] Netstring(string length, string variables, string body = "")
    {
        var block = $"CONTENT_LENGTH|{length}|SCGI|1|{variables}".Replace('|', '\0');
        return Encoding.Latin1.GetBytes($"{block.Length.ToString(CultureInfo.InvariantCulture)}:{block},{body}");
    }

    private static Task<GatewayTestServer> StartAsync(
        RequestDelegate app, Action<UwsgiOptions>? configure = null, TimeProvider? time = null) =>
        GatewayTestServer.StartAsync(app, options =>
        {
            options.Protocol = GatewayProtocol.Scgi;
            options.Uwsgi = configure;
            options.Time = time;
        });

    private static async Task AssertAnsweredAsync(Capture capture, Func<InMemoryClient, Task> send)
    {
        await using var server = await StartAsync(
            async context =>
            {
                using var body = new MemoryStream();
                try
                {
                    await context.Request.Body.CopyToAsync(body);
                }
                catch (BadHttpRequestException)
                {
                    return;
                }

                await context.Response.WriteAsync(Convert.ToHexStringLower(SHA256.HashData(body.ToArray())));
            },
            options =>
            {
                options.BufferSize = 128 * 1024;
                options.Limits.MaxRequestHeaderCount = 200;
                options.AbortOnHalfClose = false;
            });
        var connection = await server.ConnectAsync();
        var reading = connection.Client.ReadResponseAsync();
        await send(connection.Client);
        connection.Client.CompleteSending();

        RawResponse response;
        try
        {
            response = await reading;
        }
        catch (ConnectionResetException)
        {
            Assert.Contains("abort-mid-upload", capture.Name);
            return;
        }

        Assert.Equal("Status:", response.Version);
        if (response.StatusCode == 200)
            Assert.Equal(IsHead(capture.Netstring.Variables) ? "" : capture.Netstring.BodySha256, response.Text);
        else
            Assert.InRange(response.StatusCode, 400, 431);
    }

    private static bool IsHead(IEnumerable<CapturedVariable> variables) =>
        variables.Any(variable => variable is { Name: "REQUEST_METHOD", Value: "HEAD" });
}
