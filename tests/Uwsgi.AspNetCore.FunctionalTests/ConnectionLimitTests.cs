using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Hosting;
using Uwsgi.AspNetCore.FunctionalTests.Infrastructure;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.FunctionalTests;

public class ConnectionLimitTests
{
    private static readonly UwsgiPacket Upgrade = UwsgiPacket.Nginx(target: "/upgrade").Add("HTTP_CONNECTION", "Upgrade").Add("HTTP_UPGRADE", "test");

    [Theory]
    [Trait("Item", "124")]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_connection_over_the_limit_is_closed_without_a_byte(bool kestrelsLimit)
    {
        await using var server = await StartAsync(kestrelsLimit);
        var first = await server.SendAsync(UwsgiPacket.Nginx());
        await first.Client.ReadThroughAsync("started");

        var second = await server.SendAsync(UwsgiPacket.Nginx());

        Assert.Empty(await second.Client.ReadToEndAsync());
        await second.Disposed.WithTimeoutAsync();
        if (!kestrelsLimit)
        {
            Assert.Equal(1, server.Metrics.Sum("uwsgi.server.rejections", "error.type", "connection_limit"));
            Assert.Single(server.Logs.Find("ConnectionLimitReached"));
        }
    }

    [Theory]
    [Trait("Item", "124")]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_connection_that_has_ended_does_not_count(bool kestrelsLimit)
    {
        await using var server = await StartAsync(kestrelsLimit);
        for (var i = 0; i < 3; i++)
        {
            var connection = await server.SendAsync(UwsgiPacket.Nginx());
            await connection.Client.ReadThroughAsync("started");
            connection.Client.Close();
            await connection.Disposed.WithTimeoutAsync();
        }
    }

    [Theory]
    [Trait("Item", "124")]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_upgraded_connection_counts_against_a_limit_of_its_own(bool kestrelsLimit)
    {
        await using var server = await StartAsync(kestrelsLimit);
        var tunnel = await server.SendAsync(Upgrade);
        await tunnel.Client.ReadThroughAsync("upgraded");

        var second = await server.SendAsync(UwsgiPacket.Nginx());

        await second.Client.ReadThroughAsync("started");

        // The end of the tunnel gives back what it had taken, and only that.
        tunnel.Client.Close();
        await tunnel.Disposed.WithTimeoutAsync();
        var third = await server.SendAsync(UwsgiPacket.Nginx());
        Assert.Empty(await third.Client.ReadToEndAsync());
    }

    private static Task<GatewayTestServer> StartAsync(bool kestrelsLimit) => GatewayTestServer.StartAsync(
        async context =>
        {
            if (context.Request.Path == "/upgrade")
            {
                await using var tunnel = await context.Features.GetRequiredFeature<IHttpUpgradeFeature>().UpgradeAsync();
                await tunnel.WriteAsync("upgraded"u8.ToArray());
                Assert.Equal(0, await tunnel.ReadAsync(new byte[1]));
            }
            else
            {
                await context.Response.WriteAsync("started");
                await context.RequestAborted.WaitForCancellationAsync();
            }
        },
        options =>
        {
            if (kestrelsLimit)
                options.Host = host => host.WebHost.ConfigureKestrel(kestrel => kestrel.Limits.MaxConcurrentConnections = 1);
            else
                options.Uwsgi = uwsgi => uwsgi.Limits.MaxConcurrentConnections = 1;
        });
}
