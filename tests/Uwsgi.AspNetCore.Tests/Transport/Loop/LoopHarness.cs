using System.Buffers;
using System.Diagnostics.Metrics;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Uwsgi.AspNetCore.Testing;
using Uwsgi.AspNetCore.Transport.Loop;

namespace Uwsgi.AspNetCore.Tests.Transport.Loop;

/// <summary>An event loop with one listener and nothing behind it but the test's handler.</summary>
internal sealed class LoopHarness : IMemoryPoolFactory<byte>, IAsyncDisposable
{
    private readonly ServiceProvider _services;
    private readonly LoopTransport _transport;
    private readonly LoopListener _listener;
    private readonly LeakCheckingMemoryPool _pool = new();

    public LoopHarness(ConnectionDelegate handler, Action<KestrelServerOptions>? configure = null, bool isTcp = false)
    {
        Skip.IfNot(LoopTransport.IsSupported, "The event loop needs Linux.");
        _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
        var kestrel = new KestrelServerOptions();
        configure?.Invoke(kestrel);
        _transport = new LoopTransport(this, _services.GetRequiredService<IMeterFactory>(), Options.Create(kestrel), Logs.CreateFactory());
        EndPoint address = isTcp ? new IPEndPoint(IPAddress.Loopback, 0) : new UnixDomainSocketEndPoint($"\0uwsgi-loop-{Guid.NewGuid():N}");
        var socket = CreateSocket(address);
        socket.Bind(address);
        ListeningDescriptor = (int)socket.Handle;
        _listener = _transport.Listen(socket, isInherited: false, handler, new SocketTransportOptions { Backlog = 4096 });
    }

    public LogSink Logs { get; } = new();

    public LoopListener Listener => _listener;

    /// <summary>Gets the listening socket's descriptor; another file's when the listener is unbound.</summary>
    public int ListeningDescriptor { get; }

    public MemoryPool<byte> Create(MemoryPoolOptions? options = null) => _pool;

    public async Task<Socket> ConnectAsync()
    {
        var socket = CreateSocket(_listener.EndPoint);
        await socket.ConnectAsync(_listener.EndPoint).WithTimeoutAsync();
        return socket;
    }

    public async ValueTask DisposeAsync()
    {
        await _listener.UnbindAsync();
        await _listener.DisposeAsync();
        _transport.Dispose();
        await _services.DisposeAsync();
        await _pool.AssertAllReturnedAsync();
        Assert.DoesNotContain(Logs.Entries, entry => entry.Level == LogLevel.Critical);
    }

    private static Socket CreateSocket(EndPoint address) => new(
        address.AddressFamily, SocketType.Stream, address is IPEndPoint ? ProtocolType.Tcp : ProtocolType.Unspecified);
}
