using System.Buffers;
using System.Diagnostics.Metrics;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Uwsgi.AspNetCore.Transport.Loop;

/// <summary>Makes listeners of the event loop, and the loop itself with the first of them.</summary>
internal sealed class LoopTransport(
    IMemoryPoolFactory<byte> pools, IMeterFactory meters, IOptions<KestrelServerOptions> kestrel, ILoggerFactory loggers) : IDisposable
{
    private readonly Lock _lock = new();
    private readonly ILogger _logger = loggers.CreateLogger("Uwsgi.AspNetCore");
    private readonly ILogger _kestrelLogger = loggers.CreateLogger(KestrelLog.Category);
    private readonly ConnectionMetrics _metrics = new(meters);
    private MemoryPool<byte>? _pool;
    private EventLoop? _loop;

    /// <summary>Gets whether the process can have an event loop: its layouts and numbers are those of Linux on x64 and arm64.</summary>
    public static bool IsSupported { get; } =
        OperatingSystem.IsLinux() && RuntimeInformation.ProcessArchitecture is Architecture.X64 or Architecture.Arm64;

    /// <summary>Gets how many threads serve connections.</summary>
    public int ThreadCount => _loop?.ThreadCount ?? 0;

    /// <summary>Serves a socket that is bound.</summary>
    /// <param name="socket">The socket; the listener closes it.</param>
    /// <param name="handler">What serves each connection.</param>
    /// <param name="isInherited">Whether it came from another process, which has chosen how it listens.</param>
    /// <param name="options">Kestrel's options for sockets, as far as they concern the system: backlog, Nagle's algorithm, what may wait to be sent.</param>
    public LoopListener Listen(Socket socket, bool isInherited, ConnectionDelegate handler, SocketTransportOptions options)
    {
        try
        {
            if (socket.ProtocolType == ProtocolType.Tcp)
            {
                // Accepted sockets inherit it.
                socket.NoDelay = options.NoDelay;
                if (!isInherited)
                {
                    Libc.DeferAccept((int)socket.Handle);
                }
            }

            socket.Listen(options.Backlog);
            return new LoopListener(
                GetLoop(options), socket, socket.LocalEndPoint!, handler, _metrics, kestrel.Value.Limits.MaxConcurrentConnections, _logger,
                _kestrelLogger);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _loop?.Dispose();
        }
    }

    private EventLoop GetLoop(SocketTransportOptions options)
    {
        lock (_lock)
        {
            _pool ??= pools.Create();
            return _loop ??= new EventLoop(_pool, options.MaxWriteBufferSize ?? 0, _logger);
        }
    }
}
