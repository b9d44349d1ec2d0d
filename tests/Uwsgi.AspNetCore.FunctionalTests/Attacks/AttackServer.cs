using Microsoft.AspNetCore.Http;
using Uwsgi.AspNetCore.FunctionalTests.Infrastructure;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.FunctionalTests.Attacks;

/// <summary>A server on an endpoint of one protocol. Disposing it checks that no error was logged and no pool block is missing.</summary>
internal sealed class AttackServer : IAsyncDisposable
{
    private readonly GatewayProtocol _protocol;
    private readonly LeakCheckingMemoryPool _pool;

    private AttackServer(GatewayProtocol protocol, GatewayTestServer host, LeakCheckingMemoryPool pool)
    {
        _protocol = protocol;
        Host = host;
        _pool = pool;
    }

    public GatewayTestServer Host { get; }

    public static async Task<AttackServer> StartAsync(
        GatewayProtocol protocol, RequestDelegate app, Action<UwsgiOptions>? configure = null, TimeProvider? time = null, string? socket = null)
    {
        var pool = new LeakCheckingMemoryPool();
        var host = await GatewayTestServer.StartAsync(app, options =>
        {
            options.Protocol = protocol;
            options.Uwsgi = configure;
            options.Time = time;
            options.Socket = socket;
            options.Pool = pool;
        });
        return new AttackServer(protocol, host, pool);
    }

    /// <summary>Opens a connection on which bytes have arrived when it is accepted.</summary>
    public async Task<GatewayPeer> OpenAsync(params byte[][] parts) =>
        new(_protocol, await Host.ConnectAsync(parts.SelectMany(part => part).ToArray()));

    /// <summary>Sends a whole request and reads its answer, behind which nothing may follow.</summary>
    public async Task<RawResponse> RequestAsync(UwsgiPacket packet, bool hasBody = true)
    {
        var peer = await OpenAsync();
        var sending = peer.SendAsync(GatewayWire.Request(_protocol, packet));
        var response = await peer.ReadResponseAsync(hasBody);
        await sending;
        await peer.CloseAsync();
        return response;
    }

    /// <summary>Sends bytes that must be refused before the application sees them, and gets the status of the answer.</summary>
    public async Task<int> RefusalAsync(ReadOnlyMemory<byte> bytes)
    {
        var peer = await OpenAsync();
        await peer.Client.SendAsync(bytes);
        var response = await peer.ReadResponseAsync();
        await peer.CloseAsync();
        Assert.Equal("0", response["Content-Length"]);
        Assert.Empty(response.Body);
        return response.StatusCode;
    }

    /// <inheritdoc cref="RefusalAsync(ReadOnlyMemory{byte})"/>
    public Task<int> RefusalAsync(UwsgiPacket packet) => RefusalAsync(GatewayWire.Request(_protocol, packet));

    /// <summary>Gets how many blocks connections have ever taken: none means that nothing was watched.</summary>
    public long MemoryRentals => _pool.Rentals;

    /// <summary>Waits until every block of memory is back; no connection may be open any more.</summary>
    public Task AssertNothingLeakedAsync() => _pool.AssertAllReturnedAsync();

    public ValueTask DisposeAsync() => Host.DisposeAsync();
}
