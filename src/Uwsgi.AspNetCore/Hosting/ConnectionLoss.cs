using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;

namespace Uwsgi.AspNetCore.Hosting;

/// <summary>Tells what transports throw when the peer has gone from what would be a mistake of ours.</summary>
internal static class ConnectionLoss
{
    // Kestrel's transport passes on a bare SocketException for anything but a reset, a time-out of the network for instance.
    public static bool Is(Exception error) => error is IOException or ConnectionAbortedException or SocketException;
}
