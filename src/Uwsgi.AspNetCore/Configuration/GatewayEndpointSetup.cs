using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Options;
using Uwsgi.AspNetCore.Hosting;

namespace Uwsgi.AspNetCore.Configuration;

/// <summary>Adds the sockets of the options to Kestrel's endpoints, behind everything the application configures.</summary>
internal sealed class GatewayEndpointSetup(IOptions<UwsgiOptions> options) : IPostConfigureOptions<KestrelServerOptions>
{
    public void PostConfigure(string? name, KestrelServerOptions kestrel)
    {
        Add(options.Value.Sockets, GatewayProtocol.Uwsgi);
        Add(options.Value.FastCgiSockets, GatewayProtocol.FastCgi);
        Add(options.Value.ScgiSockets, GatewayProtocol.Scgi);
        Add(options.Value.AutoSockets, null);

        void Add(IList<string> sockets, GatewayProtocol? protocol)
        {
            foreach (var socket in sockets)
            {
                ServerAddresses.AddSocket(kestrel, socket, protocol, socket);
            }
        }
    }
}
