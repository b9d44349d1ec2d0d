using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using Uwsgi.AspNetCore.FunctionalTests.Infrastructure;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.FunctionalTests;

public class RequestBodyLimitTests
{
    private static readonly UwsgiPacket SixBytes = UwsgiPacket.Nginx("POST").WithBody("123456");

    [Fact]
    [Trait("Rule", "76")]
    public async Task The_default_limit_is_Kestrels()
    {
        long? limit = 0;
        await using var server = await GatewayTestServer.StartAsync(context =>
        {
            limit = LimitOf(context).MaxRequestBodySize;
            return Task.CompletedTask;
        });

        await server.RequestAsync(SixBytes);

        Assert.Equal(30_000_000, limit);
    }

    [Theory]
    [Trait("Rule", "76")]
    [Trait("Item", "39")]
    [InlineData(5, 413)]
    [InlineData(6, 200)]
    [InlineData(0, 413)]
    [InlineData(null, 200)]
    public async Task A_body_over_the_global_limit_fails_the_first_read(int? limit, int status)
    {
        await using var server = await StartAsync(ReadAsync, limit);

        var response = await server.RequestAsync(SixBytes);

        Assert.Equal(status, response.StatusCode);
        Assert.Equal(status == 200 ? "123456" : "", response.Text);
        Assert.Equal(status == 200 ? 0 : 1, server.Logs.Find("BadRequest").Count);
        server.Logs.AssertNothingAbove(LogLevel.Debug, "Uwsgi.AspNetCore");
    }

    [Fact]
    [Trait("Rule", "76")]
    public async Task Kestrels_limit_counts_when_no_other_is_set()
    {
        await using var server = await GatewayTestServer.StartAsync(
            ReadAsync, options => options.Host = host => host.WebHost.ConfigureKestrel(kestrel => kestrel.Limits.MaxRequestBodySize = 5));

        Assert.Equal(413, (await server.RequestAsync(SixBytes)).StatusCode);
    }

    [Fact]
    [Trait("Item", "39")]
    public async Task A_request_can_have_a_lower_limit()
    {
        await using var server = await StartAsync(
            context =>
            {
                LimitOf(context).MaxRequestBodySize = 5;
                return ReadAsync(context);
            },
            100);

        Assert.Equal(413, (await server.RequestAsync(SixBytes)).StatusCode);
    }

    [Theory]
    [Trait("Rule", "76")]
    [Trait("Item", "40")]
    [InlineData(null)]
    [InlineData(6)]
    public async Task A_request_can_lift_the_limit_before_its_first_read(int? limit)
    {
        await using var server = await StartAsync(
            context =>
            {
                LimitOf(context).MaxRequestBodySize = limit;
                return ReadAsync(context);
            },
            0);

        Assert.Equal("123456", (await server.RequestAsync(SixBytes)).Text);
    }

    [Theory]
    [Trait("Rule", "76")]
    [Trait("Item", "41")]
    [InlineData("GET")]
    [InlineData("POST")]
    public async Task No_body_is_not_too_large_for_any_limit(string method)
    {
        await using var server = await StartAsync(ReadAsync, 0);

        Assert.Equal(200, (await server.RequestAsync(UwsgiPacket.Nginx(method))).StatusCode);
    }

    [Fact]
    [Trait("Rule", "76")]
    public async Task A_body_over_the_limit_that_nobody_reads_harms_nobody()
    {
        await using var server = await StartAsync(context => context.Response.WriteAsync("unread"), 5);

        Assert.Equal("unread", (await server.RequestAsync(SixBytes)).Text);
    }

    [Fact]
    [Trait("Item", "42")]
    public async Task The_limit_is_fixed_by_the_first_read()
    {
        await using var server = await StartAsync(
            async context =>
            {
                var limit = LimitOf(context);
                Assert.False(limit.IsReadOnly);
                Assert.Throws<ArgumentOutOfRangeException>(() => limit.MaxRequestBodySize = -1);
                Assert.Equal(1, await context.Request.Body.ReadAsync(new byte[1]));
                Assert.True(limit.IsReadOnly);
                Assert.Throws<InvalidOperationException>(() => limit.MaxRequestBodySize = 10);
            },
            100);

        Assert.Equal(200, (await server.RequestAsync(SixBytes)).StatusCode);
    }

    [Fact]
    [Trait("Item", "42")]
    public async Task The_limit_is_fixed_by_an_upgrade()
    {
        await using var server = await GatewayTestServer.StartAsync(async context =>
        {
            await using var tunnel = await context.Features.GetRequiredFeature<IHttpUpgradeFeature>().UpgradeAsync();
            Assert.True(LimitOf(context).IsReadOnly);
            Assert.Throws<InvalidOperationException>(() => LimitOf(context).MaxRequestBodySize = 10);
            await tunnel.WriteAsync("checked"u8.ToArray());
        });
        var connection = await server.SendAsync(UwsgiPacket.Nginx().Add("HTTP_CONNECTION", "Upgrade").Add("HTTP_UPGRADE", "test"));

        Assert.Equal("checked", (await connection.Client.ReadResponseAsync()).Text);
    }

    [Fact]
    [Trait("Item", "43")]
    [Trait("Rule", "52")]
    public async Task Every_further_read_fails_in_the_same_way_and_the_swallowed_error_is_no_error()
    {
        await using var server = await StartAsync(
            async context =>
            {
                var first = await Assert.ThrowsAsync<BadHttpRequestException>(() => ReadAsync(context));
                var second = await Assert.ThrowsAsync<BadHttpRequestException>(async () => await context.Request.BodyReader.ReadAsync());
                Assert.Throws<BadHttpRequestException>(() => context.Request.BodyReader.TryRead(out _));
                Assert.Equal((413, first.Message), (second.StatusCode, second.Message));
                await context.Response.WriteAsync("swallowed");
            },
            5);

        var response = await server.RequestAsync(SixBytes);

        Assert.Equal((200, "swallowed"), (response.StatusCode, response.Text));
    }

    [Fact]
    [Trait("Item", "44")]
    public async Task A_requests_own_limit_ends_with_it()
    {
        var lower = true;
        await using var server = await StartAsync(
            context =>
            {
                if (lower)
                    LimitOf(context).MaxRequestBodySize = 5;
                lower = false;
                return context.Response.WriteAsync($"{LimitOf(context).MaxRequestBodySize}");
            },
            100);

        Assert.Equal("5", (await server.RequestAsync(SixBytes)).Text);
        Assert.Equal("100", (await server.RequestAsync(SixBytes)).Text);
    }

    // Drained, within limits, only so that the answer is not lost; see RequestDrainTests for the limits.
    [Fact]
    [Trait("Rule", "77")]
    public async Task The_client_gets_the_413_whole_although_it_is_still_sending()
    {
        await using var server = await GatewayTestServer.StartAsync(
            ReadAsync,
            options =>
            {
                options.Socket = "127.0.0.1:0";
                options.Uwsgi = uwsgi => uwsgi.Limits.MaxRequestBodySize = 5;
            });

        var response = await server.RequestAsync(UwsgiPacket.Nginx("POST").WithBody(new byte[8 * 1024 * 1024]));

        Assert.Equal((413, "0"), (response.StatusCode, response["Content-Length"]));
    }

    private static Task<GatewayTestServer> StartAsync(RequestDelegate app, long? limit) =>
        GatewayTestServer.StartAsync(app, options => options.Uwsgi = uwsgi => uwsgi.Limits.MaxRequestBodySize = limit);

    private static async Task ReadAsync(HttpContext context) =>
        await context.Response.WriteAsync(await new StreamReader(context.Request.Body).ReadToEndAsync());

    private static IHttpMaxRequestBodySizeFeature LimitOf(HttpContext context) => context.Features.GetRequiredFeature<IHttpMaxRequestBodySizeFeature>();
}
