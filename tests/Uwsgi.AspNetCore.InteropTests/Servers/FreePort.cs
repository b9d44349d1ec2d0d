using System.Net;
using System.Net.Sockets;

namespace Uwsgi.AspNetCore.InteropTests.Servers;

/// <summary>Asks the kernel for ports nobody uses, for servers that cannot be told to listen on port 0.</summary>
internal static class FreePort
{
    /// <summary>Returns different free ports. Another process may take one before it is used; the caller has to try again then.</summary>
    public static int[] Take(int count)
    {
        var sockets = Enumerable.Range(0, count).Select(_ => Bind()).ToArray();
        try
        {
            return [.. sockets.Select(socket => ((IPEndPoint)socket.LocalEndPoint!).Port)];
        }
        finally
        {
            Array.ForEach(sockets, socket => socket.Dispose());
        }
    }

    private static Socket Bind()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return socket;
    }
}
