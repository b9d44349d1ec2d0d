using System.Text;
using Microsoft.AspNetCore.Http;
using Uwsgi.AspNetCore.FunctionalTests.Responses;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.FunctionalTests.Attacks;

/// <summary>Where a body ends, and what happens to bodies that lie about it.</summary>
public class BodyRuleTests(ProtocolServers servers) : IClassFixture<ProtocolServers>
{
    [Theory]
    [Trait("GatewayRule", "33")]
    [OnEachProtocol("3", 3)]
    [OnEachProtocol("0003", 3)]
    [OnEachProtocol("00000000000000000000000000000003", 3)]
    [OnEachProtocol("0", 0)]
    public async Task A_length_is_a_number_of_any_width(GatewayProtocol protocol, string length, int expected)
    {
        var packet = GatewayWire.Packet(protocol, "POST").WithBody("abc"[..expected]).Set("CONTENT_LENGTH", length);

        Assert.Equal("abc"[..expected], await servers.SeeAsync(protocol, packet, BodyOfAsync));
    }

    [Theory]
    [Trait("GatewayRule", "33")]
    [Trait("Attack", "content length")]
    [OnEachProtocol("+3")]
    [OnEachProtocol("-3")]
    [OnEachProtocol(" 3")]
    [OnEachProtocol("3 ")]
    [OnEachProtocol("3\t")]
    [OnEachProtocol("3,3")]
    [OnEachProtocol("3, 3")]
    [OnEachProtocol("0x3")]
    [OnEachProtocol("3e0")]
    [OnEachProtocol("3.0")]
    [OnEachProtocol("\u00D9\u00A3")]
    [OnEachProtocol("9223372036854775808")]
    [OnEachProtocol("18446744073709551619")]
    [OnEachProtocol("99999999999999999999999999")]
    public async Task A_length_that_is_no_number_is_refused(GatewayProtocol protocol, string length) =>
        Assert.Equal(400, await servers.RefusalAsync(protocol, GatewayWire.Packet(protocol, "POST").WithBody("abc").Set("CONTENT_LENGTH", length)));

    [Theory]
    [Trait("GatewayRule", "33")]
    [Trait("Attack", "content length")]
    [OnEachProtocol("4")]
    [OnEachProtocol("")]
    [OnEachProtocol("-1")]
    public async Task A_second_length_that_differs_is_refused(GatewayProtocol protocol, string second) =>
        Assert.Equal(400, await servers.RefusalAsync(protocol, GatewayWire.Packet(protocol, "POST").WithBody("abc").Add("CONTENT_LENGTH", second)));

    [Theory]
    [Trait("GatewayRule", "33")]
    [Trait("GatewayRule", "34")]
    [Trait("Attack", "content length")]
    [InlineData(GatewayProtocol.Uwsgi, null, "")]
    [InlineData(GatewayProtocol.Uwsgi, "", "")]
    [InlineData(GatewayProtocol.Scgi, "", "")]
    [InlineData(GatewayProtocol.FastCgi, null, "abc")]
    [InlineData(GatewayProtocol.FastCgi, "", "abc")]
    [InlineData(GatewayProtocol.FastCgi, "-1", "abc")]
    public async Task Without_a_length_only_FastCGI_has_a_body(GatewayProtocol protocol, string? length, string expected)
    {
        var packet = GatewayWire.Packet(protocol, "POST").Remove("CONTENT_LENGTH");
        if (length is not null)
            packet.Add("CONTENT_LENGTH", length);
        packet.Body = "abc"u8.ToArray();

        Assert.Equal(expected, await servers.SeeAsync(protocol, packet, BodyOfAsync));
    }

    [Theory]
    [Trait("GatewayRule", "33")]
    [Trait("GatewayRule", "63")]
    [Trait("Attack", "content length")]
    [OnEachProtocol("30000001")]
    [OnEachProtocol("9223372036854775807")]
    public async Task A_huge_length_is_refused_before_a_byte_of_it_is_read(GatewayProtocol protocol, string length)
    {
        await using var server = await AttackServer.StartAsync(protocol, DiscardAsync);
        var peer = await server.OpenAsync(GatewayWire.Head(protocol, GatewayWire.Packet(protocol, "POST").Set("CONTENT_LENGTH", length)));

        Assert.Equal(413, (await peer.ReadResponseAsync()).StatusCode);
        await peer.CloseAsync();
    }

    [Theory]
    [Trait("GatewayRule", "35")]
    [OnEachProtocol("chunked")]
    [OnEachProtocol("gzip, chunked")]
    public async Task A_transfer_coding_beside_a_length_means_nothing(GatewayProtocol protocol, string coding)
    {
        var packet = GatewayWire.Packet(protocol, "PUT").WithBody("3\r\nabc\r\n").Add("HTTP_TRANSFER_ENCODING", coding);

        Assert.Equal("3\r\nabc\r\n", await servers.SeeAsync(protocol, packet, BodyOfAsync));
    }

    [Theory]
    [Trait("GatewayRule", "35")]
    [Trait("Attack", "content length")]
    [InlineData(GatewayProtocol.Uwsgi)]
    [InlineData(GatewayProtocol.Scgi)]
    public async Task A_transfer_coding_without_a_length_is_refused(GatewayProtocol protocol)
    {
        var packet = GatewayWire.Packet(protocol, "PUT").Set("CONTENT_LENGTH", "").Add("HTTP_TRANSFER_ENCODING", "chunked");
        packet.Body = "3\r\nabc\r\n0\r\n\r\n"u8.ToArray();

        Assert.Equal(411, await servers.RefusalAsync(protocol, packet));
    }

    [Fact]
    [Trait("GatewayRule", "35")]
    public async Task A_transfer_coding_says_nothing_on_FastCGI()
    {
        var packet = GatewayWire.Packet(GatewayProtocol.FastCgi, "PUT").Add("HTTP_TRANSFER_ENCODING", "chunked");
        packet.Body = "abc"u8.ToArray();

        Assert.Equal("abc", await servers.SeeAsync(GatewayProtocol.FastCgi, packet, BodyOfAsync));
    }

    [Theory]
    [Trait("GatewayRule", "35")]
    [Trait("GatewayRule", "61")]
    [OnEachProtocol]
    public async Task A_length_and_a_coding_from_uWSGIs_router_are_refused(GatewayProtocol protocol)
    {
        var packet = GatewayWire.Packet(protocol, "PUT").WithBody("abc").Add("HTTP_TRANSFER_ENCODING", "chunked").Add("UWSGI_ROUTER", "http");

        Assert.Equal(400, await servers.RefusalAsync(protocol, packet));
    }

    [Theory]
    [Trait("GatewayRule", "34")]
    [Trait("GatewayRule", "36")]
    [Trait("Attack", "half-close")]
    [OnEachProtocol(true, false)]
    [OnEachProtocol(false, false)]
    [OnEachProtocol(false, true)]
    public async Task A_body_that_ends_early_is_never_a_whole_one(GatewayProtocol protocol, bool abortOnHalfClose, bool marksEnd)
    {
        var seen = Events.New<Exception?>();
        var token = CancellationToken.None;
        await using var server = await AttackServer.StartAsync(
            protocol,
            async context =>
            {
                token = context.RequestAborted;
                seen.TrySetResult(await Record.ExceptionAsync(() => DiscardAsync(context)));
            },
            options => options.AbortOnHalfClose = abortOnHalfClose);
        var packet = GatewayWire.Packet(protocol, "POST").Set("CONTENT_LENGTH", "10");
        var peer = await server.OpenAsync(GatewayWire.Head(protocol, packet), GatewayWire.Body(protocol, "abc"));
        if (marksEnd)
            await peer.SendAsync(GatewayWire.End(protocol));

        peer.Client.CompleteSending();

        Assert.IsAssignableFrom<IOException>(await seen.Task.WithTimeoutAsync());

        // A STDIN with an end that comes too early is a bad request, which can be answered; anything else is a lost connection.
        if (protocol != GatewayProtocol.FastCgi || !marksEnd)
            await token.WaitForCancellationAsync();
        await peer.Connection.Disposed.WithTimeoutAsync();
    }

    [Theory]
    [Trait("GatewayRule", "34")]
    [Trait("Attack", "content length")]
    [InlineData("/read", 400)]
    [InlineData("/ignore", 200)]
    public async Task More_STDIN_than_announced_is_an_error_for_who_reads_it(string path, int status)
    {
        var delivered = Events.New<int>();
        await using var server = await AttackServer.StartAsync(GatewayProtocol.FastCgi, async context =>
        {
            if (context.Request.Path == "/ignore")
                return;

            using var body = new MemoryStream();
            try
            {
                await context.Request.Body.CopyToAsync(body);
            }
            finally
            {
                delivered.TrySetResult((int)body.Length);
            }
        });
        var packet = GatewayWire.Packet(GatewayProtocol.FastCgi, "POST", path).WithBody("abcdef").Set("CONTENT_LENGTH", "3");
        var peer = await server.OpenAsync(GatewayWire.Request(GatewayProtocol.FastCgi, packet, keep: true));

        Assert.Equal(status, (await peer.ReadResponseAsync()).StatusCode);
        if (status == 400)
            Assert.InRange(await delivered.Task.WithTimeoutAsync(), 0, 3);

        // The records delimit requests, so the connection is as good as before.
        await peer.SendAsync(GatewayWire.Request(GatewayProtocol.FastCgi, GatewayWire.Packet(GatewayProtocol.FastCgi, target: "/ignore"), keep: true));
        Assert.Equal(200, (await peer.ReadResponseAsync()).StatusCode);
        await peer.CloseAsync();
    }

    [Theory]
    [Trait("GatewayRule", "37")]
    [Trait("GatewayRule", "61")]
    [Trait("Attack", "content length")]
    [OnEachProtocol("3", "4", null)]
    [OnEachProtocol("3", "30", null)]
    [OnEachProtocol("3", "+3", null)]
    [OnEachProtocol("3", "3, 3", null)]
    [OnEachProtocol("3", "3", "4")]
    [OnEachProtocol("3", "4", "3")]
    public async Task Two_lengths_that_disagree_are_refused(GatewayProtocol protocol, string length, string first, string? second)
    {
        var packet = GatewayWire.Packet(protocol, "POST").WithBody("abc").Set("CONTENT_LENGTH", length).Add("HTTP_CONTENT_LENGTH", first);
        if (second is not null)
            packet.Add("HTTP_CONTENT_LENGTH", second);

        Assert.Equal(400, await servers.RefusalAsync(protocol, packet));
    }

    [Theory]
    [Trait("GatewayRule", "37")]
    [OnEachProtocol("3", "0003")]
    [OnEachProtocol("0003", "3")]
    [OnEachProtocol("3", "")]
    public async Task Two_lengths_that_are_one_number_agree(GatewayProtocol protocol, string length, string clients)
    {
        var packet = GatewayWire.Packet(protocol, "POST").WithBody("abc").Set("CONTENT_LENGTH", length).Add("HTTP_CONTENT_LENGTH", clients);

        Assert.Equal("abc", await servers.SeeAsync(protocol, packet, BodyOfAsync));
    }

    [Theory]
    [Trait("GatewayRule", "38")]
    [OnEachProtocol]
    public async Task A_body_that_never_comes_is_given_up(GatewayProtocol protocol)
    {
        var time = new ManualTimeProvider();
        await using var server = await AttackServer.StartAsync(protocol, DiscardAsync, time: time);
        var packet = GatewayWire.Packet(protocol, "POST").Set("CONTENT_LENGTH", "10");
        var peer = await server.OpenAsync(GatewayWire.Head(protocol, packet), GatewayWire.Body(protocol, "abc"));
        await time.WaitForArmedTimersAsync();

        time.Advance(TimeSpan.FromSeconds(60));

        Assert.Equal(408, (await peer.ReadResponseAsync()).StatusCode);
        peer.Client.Close();
        await peer.Connection.Disposed.WithTimeoutAsync();
    }

    [Theory]
    [Trait("GatewayRule", "39")]
    [Trait("GatewayRule", "61")]
    [Trait("Attack", "unread body")]
    [InlineData(GatewayProtocol.Uwsgi)]
    [InlineData(GatewayProtocol.Scgi)]
    public async Task Bytes_behind_the_body_are_no_second_request(GatewayProtocol protocol)
    {
        var paths = new List<string>();
        await using var server = await AttackServer.StartAsync(protocol, async context =>
        {
            paths.Add(context.Request.Path);
            await context.Response.WriteAsync(await BodyOfAsync(context));
        });
        var first = GatewayWire.Request(protocol, GatewayWire.Packet(protocol, "POST", "/first").WithBody("abc"));
        var second = GatewayWire.Request(protocol, GatewayWire.Packet(protocol, target: "/second"));

        var peer = await server.OpenAsync(first, second);

        Assert.Equal("abc", (await peer.ReadResponseAsync()).Text);
        await peer.CloseAsync();
        Assert.Equal(["/first"], paths);
    }

    [Theory]
    [Trait("GatewayRule", "40")]
    [OnEachProtocol]
    public async Task The_application_runs_before_its_body_has_arrived(GatewayProtocol protocol)
    {
        await using var server = await AttackServer.StartAsync(protocol, async context =>
        {
            await context.Response.WriteAsync("early ");
            await context.Response.Body.FlushAsync();
            await context.Response.WriteAsync(await BodyOfAsync(context));
        });
        var peer = await server.OpenAsync(GatewayWire.Head(protocol, GatewayWire.Packet(protocol, "POST").Set("CONTENT_LENGTH", "4")));
        await peer.Client.ReadThroughAsync("early ");

        await peer.SendAsync(GatewayWire.Body(protocol, "late"), GatewayWire.End(protocol));

        await peer.Client.ReadThroughAsync("late");
        await peer.Client.ReadToEndAsync();
        await peer.Connection.Disposed.WithTimeoutAsync();
    }

    [Theory]
    [Trait("GatewayRule", "61")]
    [Trait("Attack", "unread body")]
    [OnEachProtocol("/unread", false)]
    [OnEachProtocol("/peek", false)]
    [OnEachProtocol("/unread", true)]
    [OnEachProtocol("/peek", true)]
    public async Task A_request_within_an_unread_body_is_never_served(GatewayProtocol protocol, string path, bool isLate)
    {
        var paths = new List<string>();
        await using var server = await AttackServer.StartAsync(protocol, async context =>
        {
            paths.Add(context.Request.Path);
            if (context.Request.Path == "/peek")
                await context.Request.Body.ReadExactlyAsync(new byte[5]);
            await context.Response.WriteAsync("ok");
        });
        var smuggled = GatewayWire.Request(protocol, GatewayWire.Packet(protocol, target: "/smuggled"), keep: true);
        var packet = GatewayWire.Packet(protocol, "POST", path).WithBody(smuggled);
        var peer = await server.OpenAsync(
            GatewayWire.Head(protocol, packet, keep: true), GatewayWire.Body(protocol, smuggled.AsMemory(0, isLate ? 5 : smuggled.Length)));

        Assert.Equal("ok", (await peer.ReadResponseAsync()).Text);
        if (isLate)
            await peer.SendAsync(GatewayWire.Body(protocol, smuggled.AsMemory(5)));
        await peer.SendAsync(GatewayWire.End(protocol));
        if (protocol == GatewayProtocol.FastCgi)
        {
            await peer.SendAsync(GatewayWire.Request(protocol, GatewayWire.Packet(protocol, target: "/next"), keep: true));
            Assert.Equal("ok", (await peer.ReadResponseAsync()).Text);
            Assert.Equal("/next", paths[1]);
            paths.RemoveAt(1);
        }

        await peer.CloseAsync();
        Assert.Equal([path], paths);
    }

    private static Task DiscardAsync(HttpContext context) => context.Request.Body.CopyToAsync(Stream.Null);

    private static async Task<string> BodyOfAsync(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body);
        return Encoding.Latin1.GetString(body.ToArray());
    }
}
