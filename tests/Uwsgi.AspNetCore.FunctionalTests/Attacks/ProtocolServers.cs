using Microsoft.AspNetCore.Http;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.FunctionalTests.Attacks;

/// <summary>A server of each protocol with default options, for the tests of a class, which run one after another.</summary>
public sealed class ProtocolServers : IAsyncLifetime
{
    private readonly Dictionary<GatewayProtocol, AttackServer> _servers = [];
    private RequestDelegate _app = _ => Task.CompletedTask;

    public async Task InitializeAsync()
    {
        foreach (var protocol in GatewayWire.Protocols)
            _servers.Add(protocol, await AttackServer.StartAsync(protocol, context => _app(context)));
    }

    public async Task DisposeAsync()
    {
        foreach (var server in _servers.Values)
            await server.DisposeAsync();
    }

    /// <summary>Announces an event of level Error that a test provokes on a protocol's server.</summary>
    public void ExpectError(GatewayProtocol protocol, string eventName) => _servers[protocol].Host.ExpectError(eventName);

    /// <summary>Lets the application look at a request, which has to be answered with 200.</summary>
    public async Task<T> SeeAsync<T>(GatewayProtocol protocol, UwsgiPacket packet, Func<HttpContext, Task<T>> look)
    {
        var seen = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        var response = await RespondAsync(
            protocol,
            async context =>
            {
                try
                {
                    seen.TrySetResult(await look(context));
                }
                catch (Exception error)
                {
                    seen.TrySetException(error);
                }
            },
            packet);
        Assert.Equal(200, response.StatusCode);
        return await seen.Task.WithTimeoutAsync();
    }

    /// <inheritdoc cref="SeeAsync{T}(GatewayProtocol, UwsgiPacket, Func{HttpContext, Task{T}})"/>
    public Task<T> SeeAsync<T>(GatewayProtocol protocol, UwsgiPacket packet, Func<HttpContext, T> look) =>
        SeeAsync(protocol, packet, context => Task.FromResult(look(context)));

    /// <summary>Lets an application answer a request, a plain GET if none is given.</summary>
    public async Task<RawResponse> RespondAsync(GatewayProtocol protocol, RequestDelegate app, UwsgiPacket? packet = null)
    {
        _app = app;
        packet ??= GatewayWire.Packet(protocol);
        var isHead = packet.Variables.Any(variable => variable is { Key: "REQUEST_METHOD", Value: "HEAD" });
        var response = await _servers[protocol].RequestAsync(packet, hasBody: !isHead);
        await _servers[protocol].AssertNothingLeakedAsync();
        return response;
    }

    /// <summary>Sends a request that must be refused before the application sees it, and gets the status of the answer.</summary>
    public Task<int> RefusalAsync(GatewayProtocol protocol, UwsgiPacket packet) =>
        RefusalAsync(protocol, GatewayWire.Request(protocol, packet));

    /// <inheritdoc cref="RefusalAsync(GatewayProtocol, UwsgiPacket)"/>
    public async Task<int> RefusalAsync(GatewayProtocol protocol, ReadOnlyMemory<byte> bytes)
    {
        var isReached = false;
        _app = _ =>
        {
            isReached = true;
            return Task.CompletedTask;
        };
        var status = await _servers[protocol].RefusalAsync(bytes);
        await _servers[protocol].AssertNothingLeakedAsync();
        Assert.False(isReached);
        return status;
    }
}
