using System.Collections.Concurrent;
using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Uwsgi.AspNetCore.Protocols;

namespace Uwsgi.AspNetCore.Hosting;

/// <summary>The connection middleware of an endpoint: admits a peer, then lets the protocol's connection run to its end.</summary>
internal sealed class GatewayMiddleware(GatewayServices services, GatewayApplication application, GatewayProtocol protocol)
{
    // Bounds what refused peers can make us remember.
    private const int MaxRememberedPeers = 1024;

    private readonly ConcurrentDictionary<IPAddress, bool> _refusedPeers = new();

    public async Task OnConnectionAsync(ConnectionContext connection)
    {
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

        connection.Features.Get<IConnectionMetricsTagsFeature>()?.Tags.Add(new("network.protocol.name", protocol.ToScheme()));
        var counted = new CountedConnection(services.Connections, connection.Features.Get<IDecrementConcurrentConnectionCountFeature>());
        connection.Features.Set<IDecrementConcurrentConnectionCountFeature>(counted);
        try
        {
            await (protocol switch
            {
                GatewayProtocol.FastCgi => new FastCgiConnection(connection, services, application).RunAsync(),
                GatewayProtocol.Scgi => new SingleRequestConnection(connection, ScgiHeadReader.Instance, services).RunAsync(application),
                _ => new SingleRequestConnection(connection, UwsgiHeadReader.Instance, services).RunAsync(application),
            });
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
        private bool _isRemoved;

        public void ReleaseConnection()
        {
            Remove();
            kestrels?.ReleaseConnection();
        }

        public void Remove()
        {
            if (!_isRemoved)
            {
                _isRemoved = true;
                connections.Remove();
            }
        }
    }
}
