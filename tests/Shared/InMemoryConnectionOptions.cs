using System.Buffers;
using System.IO.Pipelines;
using System.Net;

namespace Uwsgi.AspNetCore.Testing;

/// <summary>How an <see cref="InMemoryConnection"/> looks to the server.</summary>
public sealed class InMemoryConnectionOptions
{
    public MemoryPool<byte> MemoryPool { get; init; } = MemoryPool<byte>.Shared;

    /// <summary>Gets the bytes the server may leave unread before the client has to wait. The socket transport's default.</summary>
    public long InputBufferSize { get; init; } = 1024 * 1024;

    /// <summary>Gets the bytes the client may leave unread before the server has to wait. The socket transport's default.</summary>
    public long OutputBufferSize { get; init; } = 64 * 1024;

    public EndPoint? LocalEndPoint { get; init; } = new IPEndPoint(IPAddress.Loopback, 3031);

    public EndPoint? RemoteEndPoint { get; init; } = new IPEndPoint(IPAddress.Loopback, 50000);

    /// <summary>Gets where the server's continuations run.</summary>
    public PipeScheduler ApplicationScheduler { get; init; } = PipeScheduler.ThreadPool;

    /// <summary>Gets a value indicating whether the connection can be told of a shutdown, as connections of Kestrel can.</summary>
    public bool OffersLifetimeNotification { get; init; } = true;
}
