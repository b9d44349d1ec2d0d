using System.Buffers.Binary;
using System.ComponentModel;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;

namespace Uwsgi.AspNetCore.Transport;

/// <summary>Asks the kernel how many connections wait on a listening socket. Linux only; elsewhere nobody seems to wait.</summary>
internal sealed class AcceptQueueReader(ILoggerFactory loggerFactory)
{
    private const int TcpLevel = 6;
    private const int TcpInfo = 11;

    // struct tcp_info: eight bytes, then 32-bit fields. On a listening socket two of them have a meaning of their own.
    private const int UnackedOffset = 24;
    private const int SackedOffset = 28;

    private readonly ILogger _logger = loggerFactory.CreateLogger("Uwsgi.AspNetCore");
    private int _hasFailed;

    public AcceptQueue Read(ListeningSocket listening)
    {
        if (!OperatingSystem.IsLinux())
        {
            return new(listening, 0, 0);
        }

        try
        {
            var (length, limit) = listening.Socket.AddressFamily == AddressFamily.Unix
                ? UnixSocketDiagnostics.ReadQueue(listening.Socket)
                : ReadTcp(listening.Socket);
            return new(listening, length, limit);
        }
        catch (ObjectDisposedException)
        {
            // Closed since it was listed, by a server that stops.
        }
        catch (Exception error) when (error is SocketException or Win32Exception or IOException or UnauthorizedAccessException)
        {
            // Containers can forbid netlink sockets, and sandboxed kernels have none.
            if (Interlocked.Exchange(ref _hasFailed, 1) == 0)
            {
                Log.BacklogUnknown(_logger, listening.Name, error);
            }
        }

        return new(listening, 0, 0);
    }

    private static (int Length, int Limit) ReadTcp(Socket socket)
    {
        Span<byte> info = stackalloc byte[SackedOffset + sizeof(int)];
        var read = socket.GetRawSocketOption(TcpLevel, TcpInfo, info);
        return read < info.Length
            ? (0, 0)
            : (ReadInt32(info[UnackedOffset..]), ReadInt32(info[SackedOffset..]));
    }

    private static int ReadInt32(ReadOnlySpan<byte> bytes) =>
        BitConverter.IsLittleEndian ? BinaryPrimitives.ReadInt32LittleEndian(bytes) : BinaryPrimitives.ReadInt32BigEndian(bytes);
}
