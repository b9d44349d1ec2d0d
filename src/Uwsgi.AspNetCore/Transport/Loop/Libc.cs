using System.Buffers.Binary;
using System.ComponentModel;
using System.Net;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Uwsgi.AspNetCore.Transport.Loop;

/// <summary>The system calls of the event loop, on plain descriptors.</summary>
/// <remarks>
/// Every argument is blittable, so that a call costs little more than the system's own part. Numbers are Linux's and equal on x64 and arm64, except the
/// layout of epoll_event. Failures are negative results with <see cref="LastError"/>, as in C: most of them are ordinary states here.
/// </remarks>
internal static class Libc
{
    public const int EINTR = 4;
    public const int EIO = 5;
    public const int EBADF = 9;
    public const int EAGAIN = 11;
    public const int ENOMEM = 12;
    public const int EINVAL = 22;
    public const int ENFILE = 23;
    public const int EMFILE = 24;
    public const int EPIPE = 32;
    public const int ENOSYS = 38;
    public const int EOVERFLOW = 75;
    public const int ECONNRESET = 104;
    public const int ENOBUFS = 105;

    public const uint EPOLLIN = 0x001;
    public const uint EPOLLOUT = 0x004;
    public const uint EPOLLERR = 0x008;
    public const uint EPOLLHUP = 0x010;
    public const uint EPOLLRDHUP = 0x2000;
    public const uint EPOLLET = 1u << 31;

    public const int EPOLL_CTL_ADD = 1;
    public const int EPOLL_CTL_DEL = 2;
    public const int EPOLL_CTL_MOD = 3;

    private const int EPOLL_CLOEXEC = 0x80000;
    private const int EFD_CLOEXEC = 0x80000;
    private const int EFD_NONBLOCK = 0x800;
    private const int SOCK_CLOEXEC = 0x80000;
    private const int SOCK_NONBLOCK = 0x800;
    private const int O_CLOEXEC = 0x80000;
    private const int F_DUPFD_CLOEXEC = 1030;
    private const int MSG_NOSIGNAL = 0x4000;
    private const int MSG_MORE = 0x8000;
    private const int SHUT_WR = 1;
    private const int SOL_SOCKET = 1;
    private const int SOL_TCP = 6;
    private const int TCP_DEFER_ACCEPT = 9;
    private const int SO_LINGER = 13;

    // sockaddr_in6 is the longest address that is read; the system cuts longer ones.
    private const int MaxAddressLength = 28;

    // The kernel packs epoll_event on x64 only.
    private static readonly int s_dataOffset = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 4 : 8;

    /// <summary>The room that one event takes at most.</summary>
    public const int EventSize = 16;

    public static int LastError => Marshal.GetLastPInvokeError();

    public static SafeFileHandle CreateEpoll() => Own(epoll_create1(EPOLL_CLOEXEC));

    public static SafeFileHandle CreateEvent() => Own(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));

    public static int Control(int epoll, int operation, int descriptor, uint events, ulong data)
    {
        Span<byte> argument = stackalloc byte[EventSize];
        MemoryMarshal.Write(argument, events);
        MemoryMarshal.Write(argument[s_dataOffset..], data);
        return epoll_ctl(epoll, operation, descriptor, ref MemoryMarshal.GetReference(argument));
    }

    /// <summary>Waits for one event.</summary>
    /// <param name="epoll">The epoll instance.</param>
    /// <param name="one">Room of <see cref="EventSize"/> bytes.</param>
    public static int Wait(int epoll, Span<byte> one) => epoll_wait(epoll, ref MemoryMarshal.GetReference(one), 1, -1);

    public static (uint Events, ulong Data) ReadEvent(ReadOnlySpan<byte> one) =>
        (MemoryMarshal.Read<uint>(one), MemoryMarshal.Read<ulong>(one[s_dataOffset..]));

    /// <summary>Accepts a connection that does not block; nobody asks for its peer's address.</summary>
    public static int Accept(int descriptor) =>
        accept4(descriptor, ref Unsafe.NullRef<byte>(), ref Unsafe.NullRef<int>(), SOCK_CLOEXEC | SOCK_NONBLOCK);

    /// <summary>Accepts a connection that does not block.</summary>
    /// <param name="descriptor">The socket that listens.</param>
    /// <param name="peer">The peer's address; null where it is no IP address.</param>
    public static int Accept(int descriptor, out IPEndPoint? peer)
    {
        Span<byte> address = stackalloc byte[MaxAddressLength];
        var length = address.Length;
        var accepted = accept4(descriptor, ref MemoryMarshal.GetReference(address), ref length, SOCK_CLOEXEC | SOCK_NONBLOCK);
        peer = accepted < 0 ? null : ReadAddress(address[..Math.Min(length, address.Length)]);
        return accepted;
    }

    public static int Receive(int descriptor, Span<byte> buffer) =>
        (int)recv(descriptor, ref MemoryMarshal.GetReference(buffer), buffer.Length, 0);

    /// <summary>Sends as much as the system takes.</summary>
    /// <param name="descriptor">The socket.</param>
    /// <param name="buffer">The bytes.</param>
    /// <param name="isMoreToCome">Whether what fills no packet may wait for what is sent next.</param>
    public static int Send(int descriptor, ReadOnlySpan<byte> buffer, bool isMoreToCome) =>
        (int)send(descriptor, ref MemoryMarshal.GetReference(buffer), buffer.Length, isMoreToCome ? MSG_NOSIGNAL | MSG_MORE : MSG_NOSIGNAL);

    /// <summary>Sends bytes of a file without a copy of ours, and moves the offset behind them.</summary>
    public static long SendFile(int descriptor, int file, ref long offset, long count) => sendfile(descriptor, file, ref offset, (nint)count);

    public static void ShutdownSending(int descriptor) => _ = shutdown(descriptor, SHUT_WR);

    public static void Close(int descriptor) => _ = close(descriptor);

    /// <summary>Puts another file behind a descriptor: what was open there is closed, and the number cannot be given away meanwhile.</summary>
    public static void Replace(int descriptor, int with) => _ = dup3(with, descriptor, O_CLOEXEC);

    /// <summary>Gets another descriptor of the same socket; negative on failure.</summary>
    public static int Duplicate(int descriptor) => fcntl(descriptor, F_DUPFD_CLOEXEC, 0);

    /// <summary>
    /// Lets a TCP connection be accepted with its first bytes, or without any after a second, where the system knows how. A web server connects, and sends
    /// only when it has seen that it is connected: a thread that is woken in between finds nothing to read.
    /// </summary>
    public static void DeferAccept(int descriptor)
    {
        var seconds = 1;
        _ = setsockopt(descriptor, SOL_TCP, TCP_DEFER_ACCEPT, ref seconds, sizeof(int));
    }

    /// <summary>Lets the next close reset a TCP connection.</summary>
    public static void ResetOnClose(int descriptor)
    {
        Span<int> linger = [1, 0];
        _ = setsockopt(descriptor, SOL_SOCKET, SO_LINGER, ref MemoryMarshal.GetReference(linger), 2 * sizeof(int));
    }

    /// <summary>Gets the IP address that a connection was made to; null where it has none.</summary>
    public static IPEndPoint? GetLocalAddress(int descriptor)
    {
        Span<byte> address = stackalloc byte[MaxAddressLength];
        var length = address.Length;
        return getsockname(descriptor, ref MemoryMarshal.GetReference(address), ref length) < 0 ? null : ReadAddress(address[..Math.Min(length, address.Length)]);
    }

    /// <summary>Makes an event descriptor readable.</summary>
    public static void Signal(int eventDescriptor)
    {
        Span<byte> one = [1, 0, 0, 0, 0, 0, 0, 0];
        _ = write(eventDescriptor, ref MemoryMarshal.GetReference(one), one.Length);
    }

    /// <summary>Takes what <see cref="Signal"/> has set off an event descriptor.</summary>
    public static void TakeSignal(int eventDescriptor)
    {
        Span<byte> count = stackalloc byte[8];
        _ = read(eventDescriptor, ref MemoryMarshal.GetReference(count), count.Length);
    }

    // sockaddr_in:  family (2, of the machine), port (2, of the network), address (4).
    // sockaddr_in6: family (2, of the machine), port (2, of the network), flow (4), address (16), scope (4, of the machine).
    private static IPEndPoint? ReadAddress(ReadOnlySpan<byte> address)
    {
        const int AF_INET = 2;
        const int AF_INET6 = 10;
        return address.Length < 2 ? null : MemoryMarshal.Read<ushort>(address) switch
        {
            AF_INET when address.Length >= 8 => new IPEndPoint(new IPAddress(address.Slice(4, 4)), ReadPort(address)),
            AF_INET6 when address.Length >= 28 => new IPEndPoint(
                new IPAddress(address.Slice(8, 16), MemoryMarshal.Read<uint>(address[24..])), ReadPort(address)),
            _ => null,
        };
    }

    private static int ReadPort(ReadOnlySpan<byte> address) => BinaryPrimitives.ReadUInt16BigEndian(address[2..]);

    private static SafeFileHandle Own(int descriptor) =>
        descriptor >= 0 ? new SafeFileHandle(descriptor, ownsHandle: true) : throw new Win32Exception(LastError);

#pragma warning disable SYSLIB1054 // Generated marshalling would be unsafe code for nothing: every argument is blittable.
    [DllImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int epoll_create1(int flags);

    [DllImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int epoll_ctl(int epoll, int operation, int descriptor, ref byte argument);

    [DllImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int epoll_wait(int epoll, ref byte events, int count, int timeout);

    [DllImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int eventfd(uint value, int flags);

    [DllImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int accept4(int descriptor, ref byte address, ref int length, int flags);

    [DllImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern nint recv(int descriptor, ref byte buffer, nint length, int flags);

    [DllImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern nint send(int descriptor, ref byte buffer, nint length, int flags);

    [DllImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern nint sendfile(int descriptor, int file, ref long offset, nint count);

    [DllImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int getsockname(int descriptor, ref byte address, ref int length);

    [DllImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int setsockopt(int descriptor, int level, int name, ref int value, int length);

    [DllImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int fcntl(int descriptor, int command, int argument);

    [DllImport("libc")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern nint read(int descriptor, ref byte buffer, nint length);

    [DllImport("libc")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern nint write(int descriptor, ref byte buffer, nint length);

    [DllImport("libc")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int shutdown(int descriptor, int how);

    [DllImport("libc")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int dup3(int from, int to, int flags);

    [DllImport("libc")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int close(int descriptor);
#pragma warning restore SYSLIB1054
}
