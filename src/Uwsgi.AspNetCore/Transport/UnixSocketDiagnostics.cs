using System.ComponentModel;
using System.Globalization;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace Uwsgi.AspNetCore.Transport;

/// <summary>Asks Linux for the accept queue of a unix socket, which no socket option tells, over a netlink socket (sock_diag(7)).</summary>
/// <remarks>
/// Request: nlmsghdr (16: length, type, flags, sequence, port), unix_diag_req (24: family, protocol, padding, states, inode, what to
/// show, cookie). Answer: nlmsghdr, unix_diag_msg (16), then attributes (2 length, 2 type, value, padded to 4), of which UNIX_DIAG_RQLEN holds the
/// queue's length and its limit. All in the machine's byte order.
/// </remarks>
[SupportedOSPlatform("linux")]
internal static class UnixSocketDiagnostics
{
    private const int HeaderLength = 16;
    private const int RequestLength = HeaderLength + 24;
    private const int AttributesOffset = HeaderLength + 16;
    private const ushort SockDiagByFamily = 20;
    private const ushort ErrorMessage = 2;
    private const ushort RequestFlag = 1;
    private const byte UnixFamily = 1;
    private const uint AnyState = 0xFFFF_FFFF;
    private const uint ShowQueueLength = 0x10;
    private const uint NoCookie = 0xFFFF_FFFF;
    private const ushort QueueLengthAttribute = 4;

    /// <summary>Gets how many connections wait on the socket, and how many can.</summary>
    /// <exception cref="Win32Exception">The kernel does not answer such questions, or not this process.</exception>
    /// <exception cref="IOException">The socket has no inode that could be read.</exception>
    public static (int Length, int Limit) ReadQueue(Socket socket)
    {
        Span<byte> request = stackalloc byte[RequestLength];
        request.Clear();
        Write(request, 0, (uint)RequestLength);
        Write(request, 4, SockDiagByFamily);
        Write(request, 6, RequestFlag);
        request[HeaderLength] = UnixFamily;
        Write(request, 20, AnyState);
        Write(request, 24, GetInode(socket));
        Write(request, 28, ShowQueueLength);
        Write(request, 32, NoCookie);
        Write(request, 36, NoCookie);
        return ReadAnswer(Ask(request.ToArray()));
    }

    // "socket:[4711]"
    private static uint GetInode(Socket socket)
    {
        var handle = socket.SafeHandle;
        var isReferenced = false;
        try
        {
            handle.DangerousAddRef(ref isReferenced);
            var link = new FileInfo(string.Create(CultureInfo.InvariantCulture, $"/proc/self/fd/{handle.DangerousGetHandle()}")).LinkTarget;
            return link is ['s', 'o', 'c', 'k', 'e', 't', ':', '[', .. var number, ']']
                && ulong.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var inode)
                ? (uint)inode
                : throw new IOException("The socket's inode cannot be read from /proc/self/fd.");
        }
        finally
        {
            if (isReferenced)
            {
                handle.DangerousRelease();
            }
        }
    }

    private static ReadOnlySpan<byte> Ask(byte[] request)
    {
        const int NetlinkFamily = 16;
        const int RawAndCloseOnExec = 3 | 0x80000;
        const int SocketDiagnostics = 4;
        const int DontWait = 0x40;
        var netlink = NativeMethods.Open(NetlinkFamily, RawAndCloseOnExec, SocketDiagnostics);
        if (netlink < 0)
        {
            throw new Win32Exception(Marshal.GetLastPInvokeError());
        }

        try
        {
            // The kernel answers within the call that sends, so the answer is there or never comes.
            var answer = new byte[4096];
            nint received = -1;
            if (NativeMethods.Send(netlink, request, (nuint)request.Length, 0) == request.Length)
            {
                received = NativeMethods.Receive(netlink, answer, (nuint)answer.Length, DontWait);
            }

            return received >= 0 ? answer.AsSpan(0, (int)received) : throw new Win32Exception(Marshal.GetLastPInvokeError());
        }
        finally
        {
            _ = NativeMethods.Close(netlink);
        }
    }

    private static (int Length, int Limit) ReadAnswer(ReadOnlySpan<byte> answer)
    {
        if (answer.Length >= HeaderLength + 4 && MemoryMarshal.Read<ushort>(answer[4..]) == ErrorMessage)
        {
            throw new Win32Exception(-MemoryMarshal.Read<int>(answer[HeaderLength..]));
        }

        for (var offset = AttributesOffset; offset + 4 <= answer.Length;)
        {
            var length = MemoryMarshal.Read<ushort>(answer[offset..]);
            if (length < 4 || offset + length > answer.Length)
            {
                break;
            }

            if (MemoryMarshal.Read<ushort>(answer[(offset + 2)..]) == QueueLengthAttribute && length >= 12)
            {
                return (MemoryMarshal.Read<int>(answer[(offset + 4)..]), MemoryMarshal.Read<int>(answer[(offset + 8)..]));
            }

            offset += (length + 3) & ~3;
        }

        return (0, 0);
    }

    private static void Write<T>(Span<byte> request, int offset, T value)
        where T : unmanaged => MemoryMarshal.Write(request[offset..], in value);

    private static class NativeMethods
    {
#pragma warning disable SYSLIB1054 // The source generator would need unsafe code.
        [DllImport("libc", EntryPoint = "socket", SetLastError = true)]
        [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        public static extern int Open(int family, int type, int protocol);

        [DllImport("libc", EntryPoint = "send", SetLastError = true)]
        [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        public static extern nint Send(int socket, byte[] buffer, nuint length, int flags);

        [DllImport("libc", EntryPoint = "recv", SetLastError = true)]
        [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        public static extern nint Receive(int socket, byte[] buffer, nuint length, int flags);

        [DllImport("libc", EntryPoint = "close", SetLastError = true)]
        [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        public static extern int Close(int socket);
#pragma warning restore SYSLIB1054
    }
}
