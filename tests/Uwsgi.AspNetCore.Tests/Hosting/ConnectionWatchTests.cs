using Microsoft.AspNetCore.Http;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.Tests.Hosting;

/// <summary>Transports may have to ask the system whether the peer is still there, so only requests that take their time ask them.</summary>
public class ConnectionWatchTests
{
    [Fact]
    public async Task SynchronousApplication_IsNotWatched() =>
        Assert.False(await IsWatchedAsync(static context => context.Response.WriteAsync("hello")));

    [Fact]
    public async Task SynchronousApplicationThatAsksForTheToken_IsWatched() =>
        Assert.True(await IsWatchedAsync(static context => context.Response.WriteAsync("hello", context.RequestAborted)));

    [Fact]
    public async Task ApplicationThatTakesItsTime_IsWatched() => Assert.True(await IsWatchedAsync(static async context =>
    {
        await Task.Yield();
        await context.Response.WriteAsync("hello");
    }));

    private static async Task<bool> IsWatchedAsync(RequestDelegate application)
    {
        await using var host = await UwsgiTestHost.StartAsync(application);
        var connection = await host.ConnectAsync();
        await connection.Client.SendAsync(UwsgiPacket.Minimal("GET").ToArray());

        Assert.EndsWith("hello", System.Text.Encoding.ASCII.GetString(await connection.Client.ReadToEndAsync()), StringComparison.Ordinal);

        connection.Client.Close();
        await connection.Disposed.WithTimeoutAsync();
        return connection.IsWatched;
    }
}
