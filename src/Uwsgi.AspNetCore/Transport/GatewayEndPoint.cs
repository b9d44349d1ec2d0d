using System.Net;
using Microsoft.AspNetCore.Connections;
using System.Net.Sockets;
using Uwsgi.AspNetCore.Hosting;

namespace Uwsgi.AspNetCore.Transport;

/// <summary>
/// An endpoint of the options' sockets. Its own type lets our listener factory take it, and no other, so that these sockets can have
/// a transport of their own while Kestrel's endpoints keep theirs.
/// </summary>
internal sealed class GatewayEndPoint(EndPoint inner, GatewayProtocol? protocol) : EndPoint
{
    public EndPoint Inner { get; } = inner;

    /// <summary>Gets what is spoken there; null when the first bytes of each connection tell.</summary>
    public GatewayProtocol? Protocol { get; } = protocol;

    /// <summary>Gets or sets where Kestrel keeps what serves its connections; set when the endpoint is configured.</summary>
    public IConnectionBuilder? Connections { get; set; }

    /// <summary>Gets the address as users write it, for instance <c>uwsgi://unix:/run/app.sock</c>.</summary>
    public string Url => $"{Protocol.ToScheme()}://{Describe(Inner)}";

    /// <summary>Gets whether hosts other than this one can connect.</summary>
    public bool IsReachableFromOutside => CanBeReachedFromOutside(Inner);

    public override AddressFamily AddressFamily => Inner.AddressFamily;

    // Kestrel shows it behind "http://", which the server takes off again.
    public override string ToString() => Url;

    /// <summary>Tells whether hosts other than this one can connect to an endpoint.</summary>
    public static bool CanBeReachedFromOutside(EndPoint endPoint) => endPoint is IPEndPoint { Address: var address } && !IPAddress.IsLoopback(address);

    /// <summary>Gets an endpoint as users write it.</summary>
    public static string Describe(EndPoint endPoint) => endPoint switch
    {
        // A file's path is absolute, so only an abstract name can start like this.
        UnixDomainSocketEndPoint unix => unix.ToString() is ['@', ..] name ? name : $"unix:{unix}",
        FileHandleEndPoint handle => $"fd://{handle.FileHandle}",
        _ => endPoint.ToString() ?? string.Empty,
    };
}
