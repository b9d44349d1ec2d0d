using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.Tests.Shared;

public class InMemoryTransportTests
{
    [Fact]
    public async Task Host_OnTheTransport_ServesWithoutSockets()
    {
        using var pool = new LeakCheckingMemoryPool();
        using var logs = new LogSink();
        var transport = new InMemoryTransport();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders().AddProvider(logs);
        builder.Services.AddSingleton<IConnectionListenerFactory>(transport);
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        await using var app = builder.Build();
        app.MapGet("/", (HttpContext context) => context.Connection.RemotePort);
        await app.StartAsync().WithTimeoutAsync();

        var connection = await transport.ConnectAsync(options: new InMemoryConnectionOptions { MemoryPool = pool });
        await connection.Client.SendAsync("GET / HTTP/1.1\r\nHost: example.test\r\nConnection: close\r\n\r\n");
        var response = await connection.Client.ReadResponseAsync();
        await app.StopAsync().WithTimeoutAsync();

        Assert.Equal(200, response.StatusCode);
        Assert.Contains("50000", response.Text);
        Assert.Empty(transport.EndPoints);
        Assert.Matches(@":4\d{4}$", app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single());
        await connection.Disposed.WithTimeoutAsync();
        await pool.AssertAllReturnedAsync();
        logs.AssertNoErrors();
    }

    [Fact]
    public async Task BindAsync_SameEndPointTwice_SaysItIsTaken()
    {
        var transport = new InMemoryTransport();
        var endPoint = new IPEndPoint(IPAddress.Loopback, 3031);
        await using var first = await transport.BindAsync(endPoint);

        await Assert.ThrowsAsync<AddressInUseException>(async () => await transport.BindAsync(endPoint));

        await first.DisposeAsync();
        await using var second = await transport.BindAsync(endPoint);
    }
}
