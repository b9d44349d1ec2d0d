using System.Collections.Concurrent;
using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
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

    private readonly ConcurrentDictionary<IPAddress, bool> _refusedPeers = new();

    public async Task OnConnectionAsync(ConnectionContext connection)
    {
        if (connection.Features.Get<IKestrelHandOverFeature>() is { IsHandedOver: true })
        {
            await http(connection);
            return;
        }

        if (!services.Settings.AllowFrom.Contains(connection.RemoteEndPoint))
        {
            Refuse(connection);
            return;
        }

        if (!services.Connections.TryAdd(services.Settings.MaxConcurrentConnections))
        {
            services.Metrics.Rejected(GatewayRejection.ConnectionLimit);
            Log.ConnectionLimitReached(services.Logger, connection.ConnectionId);
            return;
        }

        var counted = new CountedConnection(services.Connections, connection.Features.Get<IDecrementConcurrentConnectionCountFeature>());
        var isHttp = false;
        try
        {
            if (protocol is { } only)
            {
                await ServeAsync(connection, only, TimeSpan.Zero, counted);
            }
            else if (await ProtocolSniffer.SniffAsync(connection, services) is { } sniffed)
            {
                isHttp = sniffed.Protocol == DetectedProtocol.Http;
                if (!isHttp)
                {
                    await ServeAsync(connection, ToGateway(sniffed.Protocol), sniffed.Waited, counted);
                }
            }
        }
        catch (Exception broken)
        {
            Log.ConnectionFailed(services.Logger, connection.ConnectionId, broken);
            connection.Abort(new ConnectionAbortedException("The gateway connection failed.", broken));
        }
        finally
        {
            counted.Remove();
        }

        if (isHttp)
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

    private Task ServeAsync(ConnectionContext connection, GatewayProtocol spoken, TimeSpan waited, CountedConnection counted)
    {
        connection.Features.Get<IConnectionMetricsTagsFeature>()?.Tags.Add(new("network.protocol.name", spoken.ToScheme()));
        connection.Features.Set<IDecrementConcurrentConnectionCountFeature>(counted);
        return spoken switch
        {
            GatewayProtocol.FastCgi => new FastCgiConnection(connection, services, application, waited).RunAsync(),
            GatewayProtocol.Scgi => new SingleRequestConnection(connection, ScgiHeadReader.Instance, services, waited).RunAsync(application),
            _ => new SingleRequestConnection(connection, UwsgiHeadReader.Instance, services, waited).RunAsync(application),
        };
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
        var address = ((IPEndPoint)connection.RemoteEndPoint!).Address;
        if (_refusedPeers.Count < MaxRememberedPeers && _refusedPeers.TryAdd(address, true))
        {
            Log.PeerRefused(services.Logger, address);
        }
        else
        {
            Log.PeerRefusedAgain(services.Logger, address);
        }

        connection.Abort(new ConnectionAbortedException("The peer is not allowed to connect."));
    }

    // An upgrade takes the connection out of the count, and out of Kestrel's where that has a limit, too.
    private sealed class CountedConnection(LimitedCounter connections, IDecrementConcurrentConnectionCountFeature? kestrels)
        : IDecrementConcurrentConnectionCountFeature
    {
        private int _isRemoved;

        public void ReleaseConnection()
        {
            Remove();
            kestrels?.ReleaseConnection();
        }

        public void Remove()
        {
            // Requests of one FastCGI connection may be upgraded at the same time.
            if (Interlocked.Exchange(ref _isRemoved, 1) == 0)
            {
                connections.Remove();
            }
        }
    }
}
