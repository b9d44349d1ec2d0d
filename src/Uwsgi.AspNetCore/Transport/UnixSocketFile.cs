using System.Globalization;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Microsoft.Extensions.Logging;
using Uwsgi.AspNetCore.StaticFiles;

namespace Uwsgi.AspNetCore.Transport;

/// <summary>The file of a unix socket: taking over what a dead server left, and setting who may connect.</summary>
internal static class UnixSocketFile
{
    /// <summary>Makes room for a socket: removes a stale file, and refuses to touch anything that is alive or no socket.</summary>
    /// <exception cref="IOException">Another server listens there, or the file is something else.</exception>
    public static void RemoveStale(string path, ILogger logger)
    {
        if (!Path.Exists(path))
        {
            return;
        }

        // Not blocking, since a connect to a full backlog would wait for as long as the other server is busy.
        using var probe = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { Blocking = false };
        try
        {
            probe.Connect(new UnixDomainSocketEndPoint(path));
        }
        catch (SocketException error) when (error.SocketErrorCode == SocketError.ConnectionRefused && IsSocket(path))
        {
            File.Delete(path);
            Log.StaleSocketRemoved(logger, path);
            return;
        }
        catch (SocketException error) when (error.SocketErrorCode is SocketError.WouldBlock or SocketError.TryAgain)
        {
            // A full backlog: somebody is there, only busy.
        }
        catch (SocketException error)
        {
            throw new IOException($"Cannot listen on unix:{path}: the path exists and is no socket this process can take over ({error.Message}).", error);
        }

        throw new IOException($"Cannot listen on unix:{path}: another server is listening there. Stop it, or choose another path.");
    }

    /// <summary>Sets mode, owner and group. Call it between bind and listen, when nobody can connect yet.</summary>
    /// <exception cref="IOException">The file's owner cannot be changed, or a name is unknown.</exception>
    [UnsupportedOSPlatform("windows")]
    public static void SetAccess(string path, string? mode, string? owner, string? group)
    {
        if (owner is not null || group is not null)
        {
            var user = owner is null ? uint.MaxValue : GetId(owner, "user", GetUser);
            var groupId = group is null ? uint.MaxValue : GetId(group, "group", GetGroup);
            if (NativeMethods.ChangeOwner(path, user, groupId) != 0)
            {
                throw new IOException(
                    $"Cannot give unix:{path} to {owner}:{group}: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}. "
                    + "The process must be root, or the owner and a member of the group (options SocketOwner, SocketGroup).");
            }
        }

        if (mode is not null)
        {
            File.SetUnixFileMode(path, ParseMode(mode));
        }
    }

    /// <summary>Reads three or four octal digits.</summary>
    public static bool IsMode(string mode) =>
        mode.Length is 3 or 4 && mode.All(static c => c is >= '0' and <= '7') && Convert.ToInt32(mode, 8) <= 0xFFF;

    private static UnixFileMode ParseMode(string mode) => (UnixFileMode)Convert.ToInt32(mode, 8);

    private static bool IsSocket(string path)
    {
        var kind = FileKinds.Of(path);
        if (kind != FileKind.File)
        {
            return kind == FileKind.Socket;
        }

        // Other systems than Linux do not tell them apart. A socket is the one kind of file that connects can be refused on and that cannot be opened.
        try
        {
            File.OpenHandle(path).Dispose();
            return false;
        }
        catch (IOException)
        {
            return true;
        }
        catch (UnauthorizedAccessException)
        {
            return false;
        }
    }

    private static uint GetId(string name, string kind, Func<string, nint> lookUp)
    {
        if (uint.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var id))
        {
            return id;
        }

        // struct passwd and struct group both start with two pointers, followed by the id.
        var entry = lookUp(name);
        return entry != 0
            ? (uint)Marshal.ReadInt32(entry, 2 * nint.Size)
            : throw new IOException($"There is no {kind} '{name}' on this machine (options SocketOwner, SocketGroup).");
    }

    private static nint GetUser(string name) => NativeMethods.GetUser(name);

    private static nint GetGroup(string name) => NativeMethods.GetGroup(name);

    private static class NativeMethods
    {
#pragma warning disable SYSLIB1054, CA2101 // The source generator would need unsafe code for these three calls at start-up.
        [DllImport("libc", EntryPoint = "chown", SetLastError = true)]
        [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        public static extern int ChangeOwner([MarshalAs(UnmanagedType.LPUTF8Str)] string path, uint owner, uint group);

        [DllImport("libc", EntryPoint = "getpwnam")]
        [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        public static extern nint GetUser([MarshalAs(UnmanagedType.LPUTF8Str)] string name);

        [DllImport("libc", EntryPoint = "getgrnam")]
        [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        public static extern nint GetGroup([MarshalAs(UnmanagedType.LPUTF8Str)] string name);
#pragma warning restore SYSLIB1054, CA2101
    }
}
