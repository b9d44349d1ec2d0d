using System.Collections.Concurrent;
using System.Net;
using System.Threading.Channels;
using Microsoft.AspNetCore.Connections;

namespace Uwsgi.AspNetCore.Testing;

/// <summary>
/// A transport without sockets: register it as the <see cref="IConnectionListenerFactory"/> of a host, start the host on any
/// end point, then <see cref="ConnectAsync"/>. It accepts every kind of end point and keeps port 0 apart from port 0.
/// </summary>
public sealed class InMemoryTransport : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    private readonly ConcurrentDictionary<EndPoint, Listener> _listeners = [];
    private int _nextPort = 40000;

    /// <summary>Gets the end points that are listening.</summary>
    public ICollection<EndPoint> EndPoints => _listeners.Keys;

    public bool CanBind(EndPoint endpoint) => true;

    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        if (endpoint is IPEndPoint { Port: 0 } any)
            endpoint = new IPEndPoint(any.Address, Interlocked.Increment(ref _nextPort));

        var listener = new Listener(this, endpoint);
        if (!_listeners.TryAdd(endpoint, listener))
            throw new AddressInUseException($"'{endpoint}' is taken.");
        return new ValueTask<IConnectionListener>(listener);
    }

    /// <summary>Opens a connection to an end point, or to the only one there is. The first bytes are there when it is accepted.</summary>
    public async Task<InMemoryConnection> ConnectAsync(
        EndPoint? endPoint = null, InMemoryConnectionOptions? options = null, ReadOnlyMemory<byte> firstBytes = default)
    {
        var listener = endPoint is null ? _listeners.Values.Single() : _listeners[endPoint];
        var connection = new InMemoryConnection(options ?? new InMemoryConnectionOptions { LocalEndPoint = listener.EndPoint });
        if (!firstBytes.IsEmpty)
            await connection.Client.SendAsync(firstBytes);
        await listener.Queue.Writer.WriteAsync(connection);
        return connection;
    }

    private sealed class Listener(InMemoryTransport transport, EndPoint endPoint) : IConnectionListener
    {
        public Channel<ConnectionContext> Queue { get; } = Channel.CreateUnbounded<ConnectionContext>();

        public EndPoint EndPoint => endPoint;

        public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
        {
            while (await Queue.Reader.WaitToReadAsync(cancellationToken))
            {
                if (Queue.Reader.TryRead(out var connection))
                    return connection;
            }

            return null;
        }

        public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
        {
            transport._listeners.TryRemove(endPoint, out _);
            Queue.Writer.TryComplete();
            return default;
        }

        public ValueTask DisposeAsync() => UnbindAsync();
    }
}
