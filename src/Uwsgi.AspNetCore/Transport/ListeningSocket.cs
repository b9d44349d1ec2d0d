using System.Net.Sockets;

namespace Uwsgi.AspNetCore.Transport;

/// <summary>A socket that the server accepts requests on.</summary>
/// <param name="name">Its address as uWSGI writes it: <c>127.0.0.1:3031</c>, <c>/run/app.sock</c>, <c>@name</c>.</param>
/// <param name="protocol">What is spoken there: a scheme of ours, or <c>http</c>.</param>
/// <param name="socket">The socket; its owner closes it.</param>
internal sealed class ListeningSocket(string name, string protocol, Socket socket)
{
    public string Name { get; } = name;

    public string Protocol { get; } = protocol;

    public Socket Socket { get; } = socket;

    public bool IsClosed => Socket.SafeHandle.IsClosed;
}
