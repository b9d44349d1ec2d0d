using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Options;
using Uwsgi.AspNetCore.Hosting;

namespace Uwsgi.AspNetCore.Configuration;

/// <summary>Adds the sockets of the options to Kestrel's endpoints, behind everything the application configures.</summary>
internal sealed class GatewayEndpointSetup(IOptions<UwsgiOptions> options) : IPostConfigureOptions<KestrelServerOptions>
{
    public void PostConfigure(string? name, KestrelServerOptions kestrel)
    {
        foreach (var socket in options.Value.Sockets)
        {
            ServerAddresses.AddSocket(kestrel, socket, GatewayProtocol.Uwsgi, socket);
        }
    }
}
