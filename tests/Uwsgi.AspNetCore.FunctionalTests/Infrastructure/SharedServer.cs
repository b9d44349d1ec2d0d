using Microsoft.AspNetCore.Http;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.FunctionalTests.Infrastructure;

/// <summary>One server with default options for the tests of a class, which run one after another.</summary>
public sealed class SharedServer : IAsyncLifetime
{
    private RequestDelegate _app = _ => Task.CompletedTask;
    private GatewayTestServer? _server;

    public GatewayTestServer Server => _server!;

    public async Task InitializeAsync() => _server = await GatewayTestServer.StartAsync(context => _app(context));

    public async Task DisposeAsync() => await Server.DisposeAsync();

    /// <summary>Lets the application look at a request, which has to be answered with 200.</summary>
    public Task<T> SeeAsync<T>(UwsgiPacket packet, Func<HttpContext, T> look) => SeeAsync(packet, context => Task.FromResult(look(context)));

    /// <inheritdoc cref="SeeAsync{T}(UwsgiPacket, Func{HttpContext, T})"/>
    public async Task<T> SeeAsync<T>(UwsgiPacket packet, Func<HttpContext, Task<T>> look)
    {
        var seen = Look(look);
        var response = await Server.RequestAsync(packet);
        Assert.Equal(200, response.StatusCode);
        return await seen.WithTimeoutAsync();
    }

    /// <summary>Lets the application look at a request whose body never comes.</summary>
    public async Task<T> SeeHeadAsync<T>(ReadOnlyMemory<byte> head, Func<HttpContext, T> look)
    {
        var seen = Look(context => Task.FromResult(look(context)));
        var connection = await Server.ConnectAsync(head);
        var result = await seen.WithTimeoutAsync();
        connection.Client.Close();
        await connection.Disposed.WithTimeoutAsync();
        return result;
    }

    /// <summary>Sends a request that must be refused before the application sees it, and gets the status of the answer.</summary>
    public Task<int> RefusalAsync(UwsgiPacket packet) => RefusalAsync(packet.ToArray());

    /// <inheritdoc cref="RefusalAsync(UwsgiPacket)"/>
    public async Task<int> RefusalAsync(ReadOnlyMemory<byte> bytes)
    {
        var reached = false;
        _app = _ =>
        {
            reached = true;
            return Task.CompletedTask;
        };

        var status = await Server.RefusalAsync(bytes);
        Assert.False(reached);
        return status;
    }

    /// <summary>Sends bytes that must be refused without an answer.</summary>
    public async Task SilenceAsync(ReadOnlyMemory<byte> bytes)
    {
        var connection = await Server.ConnectAsync(bytes);
        connection.Client.CompleteSending();
        Assert.Empty(await connection.Client.ReadToEndAsync());
        await connection.Disposed.WithTimeoutAsync();
    }

    private Task<T> Look<T>(Func<HttpContext, Task<T>> look)
    {
        var seen = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        _app = async context =>
        {
            try
            {
                seen.TrySetResult(await look(context));
            }
            catch (Exception error)
            {
                seen.TrySetException(error);
            }
        };

        return seen.Task;
    }
}
