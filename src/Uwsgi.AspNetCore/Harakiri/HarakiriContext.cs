using System.Net;

namespace Uwsgi.AspNetCore;

/// <summary>A request that takes too long, as it was at this moment.</summary>
public sealed class HarakiriContext
{
    /// <summary>Gets how far it has come.</summary>
    public required HarakiriStage Stage { get; init; }

    /// <summary>Gets the request's method.</summary>
    public required string Method { get; init; }

    /// <summary>Gets the request's target as the client sent it: path and query.</summary>
    public required string Target { get; init; }

    /// <summary>Gets the key of the mount that took the request; empty for the host's own pipeline.</summary>
    public required string Mount { get; init; }

    /// <summary>Gets the client's address; <see langword="null"/> where it is not known.</summary>
    public required IPAddress? RemoteAddress { get; init; }

    /// <summary>Gets the request's trace identifier.</summary>
    public required string TraceIdentifier { get; init; }

    /// <summary>Gets how long the request has been running.</summary>
    public required TimeSpan Elapsed { get; init; }

    /// <summary>Gets the time limit that was passed.</summary>
    public required TimeSpan Timeout { get; init; }

    /// <summary>Gets the bytes of the request's body that have been read.</summary>
    public required long BytesReceived { get; init; }

    /// <summary>Gets the bytes of the response, head and body, that have been sent.</summary>
    public required long BytesSent { get; init; }

    /// <summary>Gets how many requests were taken from the application and are still running in it.</summary>
    public required int Stuck { get; init; }
}
