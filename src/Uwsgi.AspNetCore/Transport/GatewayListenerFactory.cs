using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Uwsgi.AspNetCore.Hosting;
using Uwsgi.AspNetCore.Transport.Loop;

namespace Uwsgi.AspNetCore.Transport;

/// <summary>Listens on the sockets of the options, and on them only: with the event loop, or with Kestrel's own socket transport.</summary>
internal sealed class GatewayListenerFactory : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    private readonly UwsgiOptions _options;
    private readonly ILogger _logger;
    private readonly SocketTransportFactory _sockets;
    private readonly ListeningSockets _listening;
    private readonly SocketTransportOptions _socketOptions;
    private readonly LoopTransport _loop;
    private readonly ConcurrentBag<GatewayEndPoint> _bound = [];

    public GatewayListenerFactory(
        IOptions<UwsgiOptions> options,
        IOptionsFactory<SocketTransportOptions> socketOptions,
        ListeningSockets listening,
        LoopTransport loop,
        ILoggerFactory loggerFactory)
    {
        _listening = listening;
        _loop = loop;
        _options = options.Value;
        _logger = loggerFactory.CreateLogger("Uwsgi.AspNetCore");
        // A fresh instance with everything that was configured, above all Kestrel's own memory pool, which has no public setting.
        var transport = socketOptions.Create(Options.DefaultName);
        transport.Backlog = _options.Backlog;
        transport.CreateBoundListenSocket = endPoint => CreateListenSocket((GatewayEndPoint)endPoint);
        _socketOptions = transport;
        _sockets = new SocketTransportFactory(Options.Create(transport), loggerFactory);
    }

    /// <summary>Gets the endpoints that are bound, with the ports the system chose.</summary>
    public IReadOnlyCollection<GatewayEndPoint> Bound => _bound;

    public bool CanBind(EndPoint endpoint) => endpoint is GatewayEndPoint;

    public async ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        var requested = (GatewayEndPoint)endpoint;
        IConnectionListener inner;
        try
        {
            inner = _options.Transport == UwsgiTransport.EventLoop && LoopTransport.IsSupported
                ? _loop.Listen(CreateListenSocket(requested), requested.Inner is FileHandleEndPoint, requested.Connections!.Build(), _socketOptions)
                : await _sockets.BindAsync(requested, cancellationToken);
        }
        catch (SocketException error) when (error.SocketErrorCode == SocketError.AddressAlreadyInUse)
        {
            throw InUse(requested, error);
        }
        catch (AddressInUseException error)
        {
            throw InUse(requested, error);
        }

        // An inherited descriptor keeps the name it was given; anything else shows what the system made of it.
        var bound = requested.Inner is FileHandleEndPoint or UnixDomainSocketEndPoint
            ? requested
            : new GatewayEndPoint(inner.EndPoint, requested.Protocol);
        _bound.Add(bound);
        return new GatewayListener(inner, bound);
    }

    /// <summary>Makes a socket for an address of the options: a file's leftovers are removed, its mode and owner set.</summary>
    public Socket CreateBoundSocket(EndPoint endPoint)
    {
        if (endPoint is not UnixDomainSocketEndPoint unix || unix.ToString()!.StartsWith('@'))
        {
            return SocketTransportOptions.CreateDefaultBoundListenSocket(endPoint);
        }

        var path = unix.ToString()!;
        UnixSocketFile.RemoveStale(path, _logger);
        var socket = SocketTransportOptions.CreateDefaultBoundListenSocket(unix);
        try
        {
            if (!OperatingSystem.IsWindows())
            {
                UnixSocketFile.SetAccess(path, _options.SocketMode, _options.SocketOwner, _options.SocketGroup);
            }
        }
        catch
        {
            socket.Dispose();
            throw;
        }

        return _options.Vacuum ? socket : KeepFile(socket);
    }

    private static IOException InUse(GatewayEndPoint requested, Exception error) =>
        new($"Cannot listen on {requested.Url}: another process is using the address.", error);

    private Socket CreateListenSocket(GatewayEndPoint endPoint)
    {
        var socket = CreateBoundSocket(endPoint.Inner);
        _listening.Add(endPoint.Inner, endPoint.Protocol.ToScheme(), socket);
        return socket;
    }

    // The socket that bound a file deletes it when it is disposed; another object over the same handle does not.
    private static Socket KeepFile(Socket socket)
    {
        var kept = new Socket(new SafeSocketHandle(socket.Handle, ownsHandle: true));
        socket.SafeHandle.SetHandleAsInvalid();
#pragma warning disable CA1816 // Not ours to finalize: its handle has moved to the other object.
        GC.SuppressFinalize(socket);
#pragma warning restore CA1816
        return kept;
    }

    private sealed class GatewayListener(IConnectionListener inner, GatewayEndPoint endPoint) : IConnectionListener
    {
        public EndPoint EndPoint => endPoint;

        public ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default) => inner.AcceptAsync(cancellationToken);

        public ValueTask UnbindAsync(CancellationToken cancellationToken = default) => inner.UnbindAsync(cancellationToken);

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }
}
