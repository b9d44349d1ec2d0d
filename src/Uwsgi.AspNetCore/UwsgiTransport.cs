namespace Uwsgi.AspNetCore;

/// <summary>What moves the bytes of the gateway sockets.</summary>
public enum UwsgiTransport
{
    /// <summary>
    /// Our own event loop on Linux (x64 and arm64): a request runs on the thread that accepted its connection or received its bytes, without
    /// a hop in between. On other systems the same as <see cref="Sockets"/>.
    /// </summary>
    EventLoop = 0,

    /// <summary>Kestrel's socket transport.</summary>
    Sockets = 1,
}
