namespace Uwsgi.AspNetCore.FunctionalTests.Transport;

/// <summary>Where a server listens.</summary>
public enum SocketKind
{
    IPv4,
    IPv6,
    UnixFile,
    Abstract,
}
