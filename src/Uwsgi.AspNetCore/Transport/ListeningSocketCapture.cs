using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Options;

namespace Uwsgi.AspNetCore.Transport;

/// <summary>Keeps an eye on the sockets that Kestrel binds for its own endpoints, however the application lets it make them.</summary>
internal sealed class ListeningSocketCapture(ListeningSockets sockets) : IPostConfigureOptions<SocketTransportOptions>
{
    public void PostConfigure(string? name, SocketTransportOptions options)
    {
        var create = options.CreateBoundListenSocket;
        options.CreateBoundListenSocket = endPoint =>
        {
            var socket = create(endPoint);
            sockets.Add(endPoint, socket);
            return socket;
        };
    }
}
