using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Uwsgi.AspNetCore.FunctionalTests.Infrastructure;
using Uwsgi.AspNetCore.FunctionalTests.Responses;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.FunctionalTests.Hosting;

/// <summary>Who may connect, and how many.</summary>
public class AccessTests
{
    [Theory]
    [InlineData("127.0.0.1", "", true)]
    [InlineData("127.8.9.1", "", true)]
    [InlineData("::1", "", true)]
    [InlineData("::ffff:127.0.0.1", "", true)]
    [InlineData("192.0.2.7", "", false)]
    [InlineData("::ffff:192.0.2.7", "", false)]
    [InlineData("fe80::1", "", false)]
    [InlineData("10.1.2.3", "10.0.0.0/8", true)]
    [InlineData("::ffff:10.1.2.3", "10.0.0.0/8", true)]
    [InlineData("11.1.2.3", "10.0.0.0/8", false)]
    [InlineData("127.0.0.1", "10.0.0.0/8", false)]
    [InlineData("127.0.0.1", "10.0.0.0/8;127.0.0.0/8", true)]
    [InlineData("192.0.2.7", "192.0.2.7", true)]
    [InlineData("192.0.2.8", "192.0.2.7", false)]
    [InlineData("192.0.2.8", "192.0.2.9/29", true)]
    [InlineData("fd00::5", "fd00::/8", true)]
    [InlineData("fd00::5", "fe00::/8", false)]
    [InlineData("192.0.2.8", "0.0.0.0/0", true)]
    public async Task AllowFrom_decides_who_may_connect(string peer, string allowed, bool expected)
    {
        await using var server = await GatewayTestServer.StartAsync(
            context => context.Response.WriteAsync("hello"),
            options => options.Uwsgi = uwsgi =>
            {
                foreach (var entry in allowed.Split(';', StringSplitOptions.RemoveEmptyEntries))
                    uwsgi.AllowFrom.Add(entry);
            });

        var connection = await server.ConnectAsync(From(peer));
        await connection.Client.SendAsync(UwsgiPacket.Nginx().ToArray());
        var answer = await Record.ExceptionAsync(connection.Client.ReadToEndAsync);
        await connection.Disposed.WithTimeoutAsync();

        Assert.Equal(expected, answer is null);
        Assert.Equal(expected ? 0 : 1, server.Metrics.Sum("uwsgi.server.rejections", "error.type", "peer_not_allowed"));
    }

    [Fact]
    public async Task Peers_without_an_address_are_not_asked_for_one()
    {
        await using var server = await GatewayTestServer.StartAsync(
            context => context.Response.WriteAsync("hello"),
            options => options.Uwsgi = uwsgi => uwsgi.AllowFrom.Add("192.0.2.7"));

        var connection = await server.ConnectAsync(new InMemoryConnectionOptions { RemoteEndPoint = new UnixDomainSocketEndPoint("/run/nginx.sock") });
        await connection.Client.SendAsync(UwsgiPacket.Nginx().ToArray());

        Assert.Equal("hello", (await connection.Client.ReadResponseAsync()).Text);
    }

    [Fact]
    public async Task A_refused_peer_is_named_once_in_a_warning()
    {
        await using var server = await GatewayTestServer.StartAsync(_ => Task.CompletedTask);

        foreach (var peer in new[] { "192.0.2.7", "192.0.2.7", "192.0.2.8", "192.0.2.7" })
            await (await server.ConnectAsync(From(peer))).Disposed.WithTimeoutAsync();

        Assert.Equal(["192.0.2.7", "192.0.2.8"], server.Logs.Find("PeerRefused").Select(entry => $"{entry.Values[0].Value}"));
        Assert.Equal(2, server.Logs.Find("PeerRefusedAgain").Count);
        Assert.All(server.Logs.Find("PeerRefused"), entry => Assert.Equal(LogLevel.Warning, entry.Level));
        Assert.All(server.Logs.Find("PeerRefusedAgain"), entry => Assert.Equal(LogLevel.Debug, entry.Level));
    }

    [Fact]
    public async Task A_refused_peer_on_TCP_gets_nothing()
    {
        var builder = HostedApp.CreateBuilder();
        builder.UseUwsgi(uwsgi =>
        {
            uwsgi.Sockets.Add("127.0.0.1:0");
            uwsgi.AllowFrom.Add("192.0.2.7");
        });
        await using var app = await HostedApp.StartAsync(builder);

        // The refusal may be so quick that connecting fails already.
        var answer = await Record.ExceptionAsync(async () =>
        {
            using var client = await UwsgiClient.ConnectAsync(app.Urls.Single());
            Assert.Empty((await client.ReadToEndOrResetAsync()).Bytes);
        });

        Assert.True(answer is null or SocketException { SocketErrorCode: SocketError.ConnectionReset }, $"{answer}");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_connection_beyond_the_limit_is_closed_without_an_answer(bool byKestrelsLimit)
    {
        var release = Events.New();
        await using var server = await GatewayTestServer.StartAsync(
            async context =>
            {
                await context.Response.StartAsync();
                await context.Response.Body.FlushAsync();
                await release.Task;
            },
            options =>
            {
                if (byKestrelsLimit)
                    options.Host = host => host.WebHost.ConfigureKestrel(kestrel => kestrel.Limits.MaxConcurrentConnections = 1);
                else
                    options.Uwsgi = uwsgi => uwsgi.Limits.MaxConcurrentConnections = 1;
            });

        var first = await server.SendAsync(UwsgiPacket.Nginx());
        await first.Client.ReadHeadAsync();
        var second = await server.SendAsync(UwsgiPacket.Nginx());
        var answer = await second.Client.ReadToEndAsync();
        release.SetResult();
        await first.Client.ReadToEndAsync();
        await first.Disposed.WithTimeoutAsync();
        var third = await server.RequestAsync(UwsgiPacket.Nginx());

        Assert.Empty(answer);
        Assert.Equal(200, third.StatusCode);
        if (!byKestrelsLimit)
        {
            Assert.Equal(LogLevel.Warning, Assert.Single(server.Logs.Find("ConnectionLimitReached")).Level);
            Assert.Equal(1, server.Metrics.Sum("uwsgi.server.rejections", "error.type", "connection_limit"));
        }
    }

    private static InMemoryConnectionOptions From(string peer) => new() { RemoteEndPoint = new IPEndPoint(IPAddress.Parse(peer), 50000) };
}
