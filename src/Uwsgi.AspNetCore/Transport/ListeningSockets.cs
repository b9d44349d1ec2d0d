using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;

namespace Uwsgi.AspNetCore.Transport;

/// <summary>Everything the process listens on for requests: gateway sockets and Kestrel's own endpoints.</summary>
/// <remarks>Sockets are added where they are bound and leave the list when their owner has closed them.</remarks>
internal sealed class ListeningSockets(AcceptQueueReader reader)
{
    private const string Http = "http";

    private readonly Lock _lock = new();
    private readonly List<ListeningSocket> _sockets = [];
    private readonly List<(EndPoint EndPoint, string Protocol)> _protocols = [];

    /// <summary>Takes note of what one of Kestrel's own endpoints speaks in place of HTTP.</summary>
    public void SetProtocol(EndPoint endPoint, string protocol)
    {
        lock (_lock)
        {
            _protocols.Add((endPoint, protocol));
        }
    }

    /// <summary>Adds the socket of one of Kestrel's own endpoints.</summary>
    public void Add(EndPoint endPoint, Socket socket)
    {
        lock (_lock)
        {
            // The same object where Kestrel has only one socket for the endpoint; two endpoints with port 0 look alike otherwise.
            var known = _protocols.Find(entry => ReferenceEquals(entry.EndPoint, endPoint)).Protocol
                ?? _protocols.Find(entry => IsSame(entry.EndPoint, endPoint)).Protocol;
            Add(endPoint, known ?? Http, socket);
        }
    }

    /// <summary>Adds a socket whose protocol is known.</summary>
    public void Add(EndPoint endPoint, string protocol, Socket socket)
    {
        lock (_lock)
        {
            _sockets.RemoveAll(static listening => listening.IsClosed);
            _sockets.Add(new ListeningSocket(GetName(endPoint, socket), protocol, socket));
        }
    }

    /// <summary>Gets how many connections wait on each socket, in the order in which they were bound.</summary>
    public AcceptQueue[] ReadQueues()
    {
        ListeningSocket[] open;
        lock (_lock)
        {
            open = [.. _sockets.Where(static listening => !listening.IsClosed)];
        }

        return Array.ConvertAll(open, reader.Read);
    }

    // localhost and "any" become other endpoints when Kestrel binds them: one for each family of addresses.
    private static bool IsSame(EndPoint known, EndPoint bound) =>
        known is IPEndPoint a && bound is IPEndPoint b
            ? a.Port == b.Port && a.Port != 0
                && (a.Address.Equals(b.Address) || (IPAddress.IsLoopback(a.Address) && IPAddress.IsLoopback(b.Address)) || (IsAny(a.Address) && IsAny(b.Address)))
            : known.Equals(bound);

    private static bool IsAny(IPAddress address) => address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any);

    // The name the system knows it by tells the port it chose, and what an inherited descriptor is.
    private static string GetName(EndPoint endPoint, Socket socket)
    {
        var name = socket.LocalEndPoint?.ToString();
        return !string.IsNullOrEmpty(name) ? name
            : endPoint is FileHandleEndPoint handle ? $"fd://{handle.FileHandle}"
            : endPoint.ToString() ?? string.Empty;
    }
}
