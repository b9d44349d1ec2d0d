using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Uwsgi.AspNetCore.FunctionalTests.FastCgi;
using Uwsgi.AspNetCore.FunctionalTests.Infrastructure;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.FunctionalTests.Upgrades;

/// <summary>WebSocket handshakes as web servers pass them on over SCGI, and lighttpd from 1.4.74 on over FastCGI.</summary>
public class GatewayUpgradeTests
{
    private const ushort Id = 1;

    // What the client of the recording sent through the tunnel.
    private static readonly byte[] Frames = [0x81, 0x85, 1, 2, 3, 4, .. "abcde"u8, .. "quit"u8];

    private static readonly ReadOnlyMemory<byte> Handshake = Capture.Get("fastcgi/lighttpd185-websocket").Bytes;

    // Behind the head come two STDIN records, and no end of STDIN.
    private static readonly ReadOnlyMemory<byte> Head = Handshake[..^(Frames.Length + 16)];

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Over_FastCGI_the_open_STDIN_and_STDOUT_are_the_tunnel(bool byteByByte)
    {
        await using var server = await StartFastCgiAsync();
        var client = await server.OpenAsync();
        await (byteByByte ? client.Connection.Client.SendByteByByteAsync(Handshake) : client.Connection.Client.SendAsync(Handshake));

        var (head, echo) = await ReadTunnelAsync(client, Frames.Length);
        await client.SendAsync(FastCgiBytes.Record(FastCgiBytes.StdinType, Id, "more"u8));
        var more = await client.ReadRecordAsync();
        await client.SendAsync(FastCgiBytes.End(FastCgiBytes.StdinType, Id));
        var end = await client.ReadAnswerAsync(Id);

        Assert.Equal(("Status:", 101, "websocket"), (head.Version, head.StatusCode, head["Upgrade"]));
        Assert.Equal(Frames, echo);
        Assert.Equal((FastCgiBytes.StdoutType, "more"), (more.Type, Encoding.ASCII.GetString(more.Content)));
        Assert.Equal((FastCgiBytes.Complete, 0), (end.ProtocolStatus, end.Stdout.Length));
        await client.AssertClosedAsync();
    }

    [Fact]
    public async Task Over_FastCGI_the_app_may_speak_first_and_hang_up()
    {
        await using var server = await StartFastCgiAsync(async stream => await stream.WriteAsync("welcome"u8.ToArray()));
        var client = await server.OpenAsync();
        await client.Connection.Client.SendAsync(Head);

        var answer = await client.ReadAnswerAsync(Id);

        Assert.Equal((FastCgiBytes.Complete, 101, "welcome"), (answer.ProtocolStatus, answer.Response.StatusCode, answer.Response.Text));
        await client.AssertClosedAsync();
    }

    [Fact]
    public async Task Over_FastCGI_the_end_of_the_connection_ends_the_tunnel()
    {
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = await StartFastCgiAsync(async stream =>
        {
            await Record.ExceptionAsync(() => EchoAsync(stream));
            ended.SetResult();
        });
        var client = await server.OpenAsync();
        await client.Connection.Client.SendAsync(Handshake);
        await ReadTunnelAsync(client, Frames.Length);

        client.Connection.Client.CompleteSending();

        await ended.Task.WithTimeoutAsync();
        await client.Connection.Disposed.WithTimeoutAsync();
    }

    [Fact]
    public async Task Over_FastCGI_without_the_option_the_handshake_is_answered_as_any_request()
    {
        await using var server = await FastCgiTestServer.StartAsync(context => TunnelAsync(context, EchoAsync));
        var client = await server.OpenAsync();
        await client.Connection.Client.SendAsync(Head);

        var answer = await client.ReadAnswerAsync(Id);

        Assert.Equal((FastCgiBytes.Complete, 426), (answer.ProtocolStatus, answer.Response.StatusCode));
        Assert.Null(answer.Response["Upgrade"]);
    }

    [Theory]
    [InlineData("scgi/nginx-websocket", "\u0081\u0085\u0001\u0002\u0003\u0004abcdesecond framequit", "")]
    [InlineData("scgi/lighttpd-websocket", "", "sent by a later version")]
    public async Task Over_SCGI_what_follows_the_head_is_the_tunnel(string capture, string recorded, string later)
    {
        await using var server = await GatewayTestServer.StartAsync(
            context => TunnelAsync(context, EchoAsync), options => options.Protocol = GatewayProtocol.Scgi);
        var connection = await server.ConnectAsync(Capture.Get(capture).Bytes.ToArray());

        var head = await connection.Client.ReadHeadAsync();
        await connection.Client.SendAsync(later);
        var echo = await connection.Client.ReadExactlyAsync(recorded.Length + later.Length);
        connection.Client.CompleteSending();

        Assert.Equal(("Status:", 101, "websocket"), (head.Version, head.StatusCode, head["Upgrade"]));
        Assert.Equal(recorded + later, Encoding.Latin1.GetString(echo));
        Assert.Empty(await connection.Client.ReadToEndAsync());
    }

    private static Task<GatewayTestServer> StartFastCgiAsync(Func<Stream, Task>? talk = null) =>
        FastCgiTestServer.StartAsync(context => TunnelAsync(context, talk ?? EchoAsync), uwsgi => uwsgi.AllowFastCgiUpgrade = true);

    private static async Task TunnelAsync(HttpContext context, Func<Stream, Task> talk)
    {
        var upgrade = context.Features.Get<IHttpUpgradeFeature>();
        if (upgrade?.IsUpgradableRequest != true)
        {
            context.Response.StatusCode = StatusCodes.Status426UpgradeRequired;
            return;
        }

        context.Response.Headers.Upgrade = context.Request.Headers.Upgrade;
        await using var stream = await upgrade.UpgradeAsync();
        await talk(stream);
    }

    private static async Task EchoAsync(Stream stream)
    {
        var buffer = new byte[1024];
        while (await stream.ReadAsync(buffer) is > 0 and var count)
            await stream.WriteAsync(buffer.AsMemory(0, count));
    }

    /// <summary>Reads STDOUT until the head and so many bytes behind it have come.</summary>
    private static async Task<(RawResponse Head, byte[] Tunnel)> ReadTunnelAsync(FastCgiClient client, int count)
    {
        var stdout = new List<byte>();
        var head = 0;
        while (head == 0 || stdout.Count < head + count)
        {
            var record = await client.ReadRecordAsync();
            Assert.Equal((FastCgiBytes.StdoutType, Id), (record.Type, record.Id));
            stdout.AddRange(record.Content);
            head = Encoding.Latin1.GetString([.. stdout]).IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4;
            head = head == 3 ? 0 : head;
        }

        return (RawResponse.Parse([.. stdout[..head]]), [.. stdout[head..]]);
    }
}
