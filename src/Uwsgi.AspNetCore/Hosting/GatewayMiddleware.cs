using System.Collections.Concurrent;
using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Uwsgi.AspNetCore.Protocols;
using Uwsgi.AspNetCore.Transport;

namespace Uwsgi.AspNetCore.Hosting;

/// <summary>The connection middleware of an endpoint: admits a peer, then lets the protocol's connection run to its end.</summary>
/// <remarks>
/// On an endpoint for all protocols a connection is counted towards <c>Limits.MaxConcurrentConnections</c> until it turns out to be HTTP,
/// which has Kestrel's own limit; so the connections that have not said anything yet are bounded, too.
/// </remarks>
/// <param name="services">What the connections share.</param>
/// <param name="application">Where requests go.</param>
/// <param name="protocol">What the endpoint speaks; null when the first bytes tell.</param>
/// <param name="http">Kestrel's HTTP, for connections that turn out to speak it.</param>
internal sealed class GatewayMiddleware(
    GatewayServices services, GatewayApplication application, GatewayProtocol? protocol, ConnectionDelegate http)
{
    // Bounds what refused peers can make us remember.
    private const int MaxRememberedPeers = 1024;

    // As many as requests: no more than that have anything to serve at a time for long.
    private const int MaxPooled = 512;

    private readonly ConcurrentDictionary<IPAddress, bool> _refusedPeers = new();

    private readonly Pool<SingleRequestConnection> _singles = new(MaxPooled);

    public Task OnConnectionAsync(ConnectionContext connection)
    {
        if (protocol is null && connection.Features.Get<IKestrelHandOverFeature>() is { IsHandedOver: true })
        {
            return http(connection);
        }

        if (!services.Settings.AllowFrom.Admits(connection))
        {
            Refuse(connection);
            return Task.CompletedTask;
        }

        if (!services.Connections.TryAdd(services.Settings.MaxConcurrentConnections))
        {
            services.Metrics.Rejected(GatewayRejection.ConnectionLimit);
            Log.ConnectionLimitReached(services.Logger, connection.ConnectionId);
            return Task.CompletedTask;
        }

        return protocol is { } only ? ServeAsync(connection, only, TimeSpan.Zero) : SniffAsync(connection);
    }

    private async Task SniffAsync(ConnectionContext connection)
    {
        SniffedProtocol? sniffed = null;
        try
        {
            sniffed = await ProtocolSniffer.SniffAsync(connection, services);
        }
        catch (Exception broken)
        {
            Log.ConnectionFailed(services.Logger, connection.ConnectionId, broken);
            connection.Abort(new ConnectionAbortedException("The gateway connection failed.", broken));
        }

        if (sniffed is { } gateway and not { Protocol: DetectedProtocol.Http })
        {
            await ServeAsync(connection, ToGateway(gateway.Protocol), gateway.Waited);
            return;
        }

        services.Connections.Remove();
        if (sniffed is not null)
        {
            await ServeHttpAsync(connection);
        }
    }

    private static GatewayProtocol ToGateway(DetectedProtocol detected) => detected switch
    {
        DetectedProtocol.FastCgi => GatewayProtocol.FastCgi,
        DetectedProtocol.Scgi => GatewayProtocol.Scgi,
        _ => GatewayProtocol.Uwsgi,
    };

    // From here on the connection's own object sees to the count.
    private Task ServeAsync(ConnectionContext connection, GatewayProtocol spoken, TimeSpan waited)
    {
        connection.Features.Get<IConnectionMetricsTagsFeature>()?.Tags.Add(new("network.protocol.name", spoken.ToScheme()));
        if (spoken == GatewayProtocol.FastCgi)
        {
            return new FastCgiConnection(connection, services, application, waited).RunAsync();
        }

        if (!_singles.TryTake(out var single))
        {
            single = new SingleRequestConnection(services, application, _singles);
        }

        return single.RunAsync(connection, spoken == GatewayProtocol.Scgi ? ScgiHeadReader.Instance : UwsgiHeadReader.Instance, waited);
    }

    private Task ServeHttpAsync(ConnectionContext connection)
    {
        if (connection.Features.Get<IKestrelHandOverFeature>() is not { IsHandedOver: false } own)
        {
            return http(connection);
        }

        own.HandOver();
        return Task.CompletedTask;
    }

    private void Refuse(ConnectionContext connection)
    {
        services.Metrics.Rejected(GatewayRejection.PeerNotAllowed);
        // Without an address it has gone already.
        if (connection.RemoteEndPoint is IPEndPoint { Address: var address })
        {
            LogRefusal(address);
        }

        connection.Abort(new ConnectionAbortedException("The peer is not allowed to connect."));
    }

    private void LogRefusal(IPAddress address)
    {
        if (_refusedPeers.Count < MaxRememberedPeers && _refusedPeers.TryAdd(address, true))
        {
            Log.PeerRefused(services.Logger, address);
        }
        else
        {
            Log.PeerRefusedAgain(services.Logger, address);
        }
    }
}
