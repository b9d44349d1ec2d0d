using System.Net.Sockets;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;
using Uwsgi.AspNetCore.Transport.Loop;

namespace Uwsgi.AspNetCore.Harakiri;

/// <summary>Sends last bytes past the connection's pipe, which the transport empties on the thread pool.</summary>
/// <remarks>Only where nothing waits in the pipe, nothing is between pipe and socket, and nothing is sent afterwards.</remarks>
internal static class DirectSocket
{
    private const int SendTimeoutMilliseconds = 200;

    /// <summary>Gets the socket of a connection; null when there is none, TLS is in front of it, or its pipe needs no way past it.</summary>
    public static Socket? Of(IFeatureCollection connection) =>
        connection.Get<ITlsHandshakeFeature>() is null && connection.Get<IInlineTransportFeature>() is null
            ? connection.Get<IConnectionSocketFeature>()?.Socket
            : null;

    /// <summary>Sends bytes and the end of the sending side. False when the peer has gone or takes nothing.</summary>
    public static bool TrySend(Socket socket, ReadOnlySpan<byte> last)
    {
        try
        {
            if (!socket.Poll(0, SelectMode.SelectWrite))
            {
                return false;
            }

            // There is room for so few bytes; this is for the peer that fills it up at this moment.
            socket.SendTimeout = SendTimeoutMilliseconds;
            if (socket.Send(last, SocketFlags.None, out var error) != last.Length || error != SocketError.Success)
            {
                return false;
            }

            socket.Shutdown(SocketShutdown.Send);
            return true;
        }
        catch (Exception gone) when (gone is SocketException or ObjectDisposedException)
        {
            return false;
        }
    }
}
