using System.Globalization;
using System.Text;
using Microsoft.AspNetCore.Http;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.FunctionalTests.Attacks;

/// <summary>Heads that come in pieces, late, too large or not at all.</summary>
public class FramingRuleTests
{
    private readonly ManualTimeProvider _time = new();

    [Theory]
    [Trait("GatewayRule", "1")]
    [Trait("GatewayRule", "8")]
    [Trait("GatewayRule", "9")]
    [OnEachProtocol]
    public async Task A_request_may_arrive_byte_by_byte(GatewayProtocol protocol)
    {
        await using var server = await AttackServer.StartAsync(protocol, EchoAsync);
        var peer = await server.OpenAsync();

        await peer.Client.SendByteByByteAsync(GatewayWire.Request(protocol, GatewayWire.Packet(protocol, "POST", "/a").WithBody("body")));

        Assert.Equal("/a body", (await peer.ReadResponseAsync()).Text);
        await peer.CloseAsync();
    }

    [Theory]
    [Trait("GatewayRule", "1")]
    [InlineData(0)]
    [InlineData(7)]
    [InlineData(255)]
    public async Task A_stream_may_be_records_of_one_byte_with_any_padding(byte padding)
    {
        await using var server = await AttackServer.StartAsync(GatewayProtocol.FastCgi, EchoAsync);
        var packet = GatewayWire.Packet(GatewayProtocol.FastCgi, "POST", "/a").WithBody("body");

        var peer = await server.OpenAsync(
            FastCgiBytes.Begin(1, keep: false),
            FastCgiBytes.Stream(FastCgiBytes.ParamsType, 1, FastCgiBytes.Pairs(packet), size: 1, padding),
            FastCgiBytes.Record(FastCgiBytes.ParamsType, 1, padding: padding),
            FastCgiBytes.Stream(FastCgiBytes.StdinType, 1, packet.Body, size: 1, padding),
            FastCgiBytes.Record(FastCgiBytes.StdinType, 1, padding: padding));

        Assert.Equal("/a body", (await peer.ReadResponseAsync()).Text);
        await peer.AssertEndAsync();
    }

    [Fact]
    [Trait("GatewayRule", "1")]
    public async Task A_short_length_may_have_the_long_form()
    {
        await using var server = await AttackServer.StartAsync(GatewayProtocol.FastCgi, EchoAsync);
        var pairs = new List<byte>();
        foreach (var (name, value) in GatewayWire.Packet(GatewayProtocol.FastCgi, target: "/long").Variables)
            pairs.AddRange([0x80, 0, 0, (byte)name.Length, 0x80, 0, 0, (byte)value.Length, .. Encoding.Latin1.GetBytes(name + value)]);

        var peer = await server.OpenAsync(
            FastCgiBytes.Begin(1, keep: false), FastCgiBytes.Record(FastCgiBytes.ParamsType, 1, pairs.ToArray()),
            FastCgiBytes.End(FastCgiBytes.ParamsType, 1), FastCgiBytes.End(FastCgiBytes.StdinType, 1));

        Assert.Equal("/long ", (await peer.ReadResponseAsync()).Text);
        await peer.AssertEndAsync();
    }

    [Theory]
    [Trait("GatewayRule", "2")]
    [InlineData(GatewayProtocol.FastCgi)]
    [InlineData(GatewayProtocol.Scgi)]
    public async Task Params_of_more_than_64_KiB_are_served_within_a_larger_limit(GatewayProtocol protocol)
    {
        await using var server = await AttackServer.StartAsync(
            protocol,
            context => context.Response.WriteAsync($"{context.Request.Headers["X-Large"].ToString().Length}"),
            options => options.BufferSize = 300_000);

        var response = await server.RequestAsync(GatewayWire.Packet(protocol).Add("HTTP_X_LARGE", new string('x', 200_000)));

        Assert.Equal("200000", response.Text);
    }

    [Theory]
    [Trait("GatewayRule", "2")]
    [Trait("GatewayRule", "63")]
    [Trait("Attack", "param bombs")]
    [OnEachProtocol]
    public async Task Params_beyond_the_limit_are_answered_431(GatewayProtocol protocol)
    {
        await using var server = await AttackServer.StartAsync(protocol, NeverAsync, options => options.BufferSize = 2048);

        Assert.Equal(431, await server.RefusalAsync(GatewayWire.Packet(protocol).Add("HTTP_X_LARGE", new string('x', 2048))));
    }

    [Theory]
    [Trait("GatewayRule", "2")]
    [Trait("GatewayRule", "63")]
    [Trait("Attack", "param bombs")]
    [OnEachProtocol("HTTP_X{0}")]
    [OnEachProtocol("HTTP_X")]
    [OnEachProtocol("HTTP_{0}:")]
    public async Task Many_tiny_headers_are_answered_431(GatewayProtocol protocol, string name)
    {
        await using var server = await AttackServer.StartAsync(protocol, NeverAsync);
        var packet = GatewayWire.Packet(protocol);
        for (var i = 0; i < 3000; i++)
            packet.Add(string.Format(CultureInfo.InvariantCulture, name, i), "");

        Assert.Equal(431, await server.RefusalAsync(packet));
    }

    [Theory]
    [Trait("GatewayRule", "63")]
    [Trait("Attack", "param bombs")]
    [OnEachProtocol]
    public async Task Many_tiny_variables_are_served(GatewayProtocol protocol)
    {
        await using var server = await AttackServer.StartAsync(
            protocol, context => context.Response.WriteAsync(context.GetServerVariable("A") ?? "none"));
        var packet = GatewayWire.Packet(protocol);
        for (var i = 0; i < 12_000; i++)
            packet.Add("A", "");
        packet.Add("A", "last");

        Assert.Equal("last", (await server.RequestAsync(packet)).Text);
    }

    [Theory]
    [Trait("GatewayRule", "8")]
    [Trait("GatewayRule", "63")]
    [Trait("Attack", "param bombs")]
    [InlineData("9999999:", 431)]
    [InlineData("65536:", 431)]
    [InlineData("99999999:", 400)]
    [InlineData("00:,", 400)]
    [InlineData("+5:", 400)]
    [InlineData(" 5:", 400)]
    [InlineData("5 :", 400)]
    [InlineData(":", 400)]
    public async Task A_netstrings_length_is_checked_before_it_arrives(string start, int status)
    {
        await using var server = await AttackServer.StartAsync(GatewayProtocol.Scgi, NeverAsync);

        Assert.Equal(status, await server.RefusalAsync(Encoding.Latin1.GetBytes(start)));
    }

    [Theory]
    [Trait("GatewayRule", "8")]
    [InlineData("SCGI|1|CONTENT_LENGTH|0|REQUEST_METHOD|GET|REQUEST_URI|/|")]
    [InlineData("CONTENT_LENGTH|0|REQUEST_METHOD|GET|REQUEST_URI|/|")]
    [InlineData("CONTENT_LENGTH|0|SCGI|2|REQUEST_METHOD|GET|REQUEST_URI|/|")]
    [InlineData("CONTENT_LENGTH|0|SCGI|1|REQUEST_METHOD|GET|REQUEST_URI|")]
    [InlineData("CONTENT_LENGTH|0|SCGI|1|REQUEST_METHOD|GET|REQUEST_URI|/")]
    [InlineData("CONTENT_LENGTH|0|SCGI|1|REQUEST_METHOD|GET||/|")]
    public async Task What_SCGI_requires_must_be_there(string variables)
    {
        await using var server = await AttackServer.StartAsync(GatewayProtocol.Scgi, NeverAsync);
        var block = variables.Replace('|', '\0');

        Assert.Equal(400, await server.RefusalAsync(Encoding.Latin1.GetBytes($"{block.Length}:{block},")));
    }

    [Theory]
    [Trait("GatewayRule", "5")]
    [Trait("GatewayRule", "63")]
    [Trait("Attack", "param bombs")]
    [InlineData("01FFFFFFFF41")]
    [InlineData("FFFFFFFF0041")]
    [InlineData("FFFFFFFFFFFFFFFF41")]
    [InlineData("8000000080000001")]
    [InlineData("80")]
    public async Task A_huge_length_of_a_pair_is_answered_400_and_ends_the_connection(string hex)
    {
        await using var server = await AttackServer.StartAsync(GatewayProtocol.FastCgi, NeverAsync);
        var peer = await server.OpenAsync(
            FastCgiBytes.Begin(1), FastCgiBytes.Record(FastCgiBytes.ParamsType, 1, Convert.FromHexString(hex)),
            FastCgiBytes.End(FastCgiBytes.ParamsType, 1), FastCgiBytes.End(FastCgiBytes.StdinType, 1));

        Assert.Equal(400, (await peer.ReadResponseAsync()).StatusCode);
        await peer.AssertEndAsync();
    }

    [Theory]
    [Trait("GatewayRule", "9")]
    [Trait("GatewayRule", "63")]
    [Trait("Attack", "param bombs")]
    [InlineData("FFFF41")]
    [InlineData("010041FFFF")]
    [InlineData("000001")]
    [InlineData("01")]
    public async Task A_huge_length_within_a_packet_is_answered_400(string hex)
    {
        await using var server = await AttackServer.StartAsync(GatewayProtocol.Uwsgi, NeverAsync);
        var block = Convert.FromHexString(hex);

        Assert.Equal(400, await server.RefusalAsync(UwsgiPacket.Raw(0, (ushort)block.Length, 0, block)));
    }

    [Theory]
    [Trait("GatewayRule", "10")]
    [Trait("Attack", "slow drip")]
    [OnEachProtocol]
    public async Task A_head_that_drips_in_is_given_up_in_time(GatewayProtocol protocol)
    {
        await using var server = await AttackServer.StartAsync(protocol, NeverAsync, time: _time);
        var head = GatewayWire.Head(protocol, GatewayWire.Packet(protocol));
        var peer = await server.OpenAsync(head[..16]);

        for (var i = 16; i < 45; i++)
        {
            await _time.WaitForArmedTimersAsync();
            _time.Advance(TimeSpan.FromSeconds(1));
            await peer.SendAsync(head[i..(i + 1)]);
        }

        var response = peer.ReadResponseAsync();
        await _time.AdvancePastAsync(TimeSpan.FromSeconds(2), response);

        Assert.Equal(408, (await response).StatusCode);
        peer.Client.Close();
        await peer.Connection.Disposed.WithTimeoutAsync();
    }

    [Theory]
    [Trait("GatewayRule", "10")]
    [OnEachProtocol]
    public async Task A_connection_that_never_speaks_is_closed_without_an_answer(GatewayProtocol protocol)
    {
        await using var server = await AttackServer.StartAsync(protocol, NeverAsync, time: _time);
        var peer = await server.OpenAsync();
        await _time.WaitForArmedTimersAsync();

        _time.Advance(TimeSpan.FromSeconds(31));

        await peer.AssertEndAsync();
    }

    [Theory]
    [Trait("GatewayRule", "10")]
    [Trait("GatewayRule", "63")]
    [OnEachProtocol]
    public async Task Idle_connections_beyond_the_limit_are_closed(GatewayProtocol protocol)
    {
        await using var server = await AttackServer.StartAsync(
            protocol, EchoAsync, options => options.Limits.MaxConcurrentConnections = 1, _time);
        var idle = await server.OpenAsync(GatewayWire.Head(protocol, GatewayWire.Packet(protocol))[..3]);
        await _time.WaitForArmedTimersAsync();

        await (await server.OpenAsync()).AssertEndAsync();
        idle.Client.Close();
        await idle.Connection.Disposed.WithTimeoutAsync();

        Assert.Equal("/ ", (await server.RequestAsync(GatewayWire.Packet(protocol))).Text);
    }

    private static Task NeverAsync(HttpContext context) => throw new InvalidOperationException("Never reached.");

    private static async Task EchoAsync(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body);
        await context.Response.WriteAsync($"{context.Request.Path} {Encoding.Latin1.GetString(body.ToArray())}");
    }
}
