using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Uwsgi.AspNetCore.FunctionalTests.Infrastructure;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.FunctionalTests;

public class PacketTests(SharedServer shared) : IClassFixture<SharedServer>
{
    private static readonly UwsgiPacket Post = UwsgiPacket.Nginx("POST", "/split?x=1").WithBody("the body", "text/plain").Add("HTTP_X_TAG", "tag");
    private static readonly RequestDelegate Echo = async context =>
    {
        var body = await new StreamReader(context.Request.Body).ReadToEndAsync();
        await context.Response.WriteAsync($"{context.Request.Method} {context.Request.Path}{context.Request.QueryString} {context.Request.Headers["X-Tag"]} {body}");
    };

    public static TheoryData<string> MalformedPackets => [.. UwsgiPacket.Malformed().Select(packet => packet.Name)];

    [Fact]
    [Trait("Item", "33")]
    public async Task A_packet_may_arrive_in_two_parts_split_anywhere()
    {
        await using var server = await GatewayTestServer.StartAsync(Echo);
        var packet = Post.ToArray();

        for (var at = 1; at < packet.Length; at++)
        {
            var connection = await server.ConnectAsync(packet.AsMemory(0, at));
            await connection.Client.SendAsync(packet.AsMemory(at));

            Assert.Equal("POST /split?x=1 tag the body", (await connection.Client.ReadResponseAsync()).Text);
        }
    }

    [Theory]
    [Trait("Item", "33")]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(7)]
    [InlineData(64)]
    public async Task A_packet_may_lie_in_many_small_blocks(int blockSize)
    {
        await using var server = await GatewayTestServer.StartAsync(Echo, options => options.Pool = new TinyBlockMemoryPool(blockSize));

        Assert.Equal("POST /split?x=1 tag the body", (await server.RequestAsync(Post)).Text);
    }

    [Fact]
    [Trait("Item", "33")]
    public async Task A_packet_may_arrive_byte_by_byte()
    {
        await using var server = await GatewayTestServer.StartAsync(Echo, options => options.Socket = "127.0.0.1:0");
        using var client = await server.ConnectSocketAsync();

        await client.SendByteByByteAsync(Post.ToArray());

        Assert.Equal("POST /split?x=1 tag the body", (await client.ReadResponseAsync()).Text);
    }

    [Theory]
    [Trait("Rule", "56")]
    [Trait("Item", "18")]
    [MemberData(nameof(MalformedPackets))]
    public async Task A_malformed_packet_is_refused(string name)
    {
        var before = shared.Server.Metrics.Sum("uwsgi.server.rejections");

        Assert.Equal(400, await shared.RefusalAsync(UwsgiPacket.Malformed().Single(packet => packet.Name == name).Bytes));
        Assert.Equal(before + 1, shared.Server.Metrics.Sum("uwsgi.server.rejections"));
    }

    [Theory]
    [Trait("Rule", "56")]
    [Trait("Item", "7")]
    [InlineData(0, 0)]
    [InlineData(1, 1)]
    [InlineData(3, 1)]
    [InlineData(4, 1)]
    [InlineData(100, 1)]
    public async Task A_packet_that_ends_too_early_closes_the_connection_quietly(int length, int rejections)
    {
        await using var server = await GatewayTestServer.StartAsync(_ => throw new InvalidOperationException("Never reached."));
        var connection = await server.ConnectAsync();
        await connection.Client.SendAsync(Post.ToArray().AsMemory(0, length));

        connection.Client.CompleteSending();

        Assert.Empty(await connection.Client.ReadToEndAsync());
        await connection.Disposed.WithTimeoutAsync();
        Assert.Null(connection.AbortReason);
        Assert.Equal(rejections, server.Metrics.Sum("uwsgi.server.rejections", "error.type", "unexpected_end"));
        server.Logs.AssertNothingAbove(LogLevel.Information);
    }

    [Theory]
    [InlineData(0, 200)]
    [InlineData(5, 200)]
    [InlineData(30, 200)]
    [InlineData(1, 501)]
    [InlineData(200, 501)]
    public async Task Other_modifiers_are_requests_or_refused_by_one_list(byte modifier1, int status)
    {
        var packet = UwsgiPacket.Nginx();
        packet.Modifier1 = modifier1;

        Assert.Equal(status, status == 200 ? await shared.SeeAsync(packet, _ => 200) : await shared.RefusalAsync(packet));
    }

    [Fact]
    [Trait("Rule", "56")]
    public async Task An_http_client_is_told_that_it_is_on_the_wrong_port()
    {
        var status = await shared.RefusalAsync(UwsgiPacket.HttpRequest());

        Assert.Equal(400, status);
        Assert.Contains(shared.Server.Logs.Find("WrongProtocol"), entry => entry.Level == LogLevel.Warning && entry.Message.Contains("uwsgi_pass"));
    }

    [Fact]
    public async Task A_ping_is_answered_without_the_application()
    {
        await using var server = await GatewayTestServer.StartAsync(_ => throw new InvalidOperationException("Never reached."));
        var connection = await server.ConnectAsync(UwsgiPacket.Ping());

        Assert.Equal([100, 0, 0, 1], await connection.Client.ReadToEndAsync());
    }
}
