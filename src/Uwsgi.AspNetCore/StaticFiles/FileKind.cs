using System.Runtime.InteropServices;
using System.Text;

namespace Uwsgi.AspNetCore.StaticFiles;

/// <summary>What a path leads to, links followed.</summary>
internal enum FileKind
{
    None,
    File,
    Directory,

    /// <summary>A unix socket.</summary>
    Socket,

    /// <summary>A FIFO or a device; opening one may block for good.</summary>
    Special,
}

/// <summary>Asks the file system for the kind of a path: one call, nothing opened, and no error for whatever a client makes up.</summary>
internal static class FileKinds
{
    private const int ShortPath = 512;
    private const int CurrentDirectory = -100;
    private const uint TypeOnly = 1;
    private const int TypeMask = 0xF000;
    private const int RegularFile = 0x8000;
    private const int Directory = 0x4000;
    private const int Socket = 0xC000;

    private static readonly bool HasStatX = OperatingSystem.IsLinux() && TryStatX();

    /// <summary>Gets the kind; where the system does not tell special files apart (other systems than Linux), they count as files.</summary>
    public static FileKind Of(string path) => Of(path, []);

    /// <summary>Gets the kind of a path in parts. Most requests are no files, so a short one is put together without a string.</summary>
    public static FileKind Of(string start, ReadOnlySpan<char> rest, string end = "")
    {
        if (!HasStatX)
        {
            return OfAnySystem(string.Concat(start, rest, end));
        }

        Span<byte> buffer = stackalloc byte[ShortPath];
        var maxLength = Encoding.UTF8.GetMaxByteCount(start.Length + rest.Length + end.Length);
        if (maxLength >= buffer.Length)
        {
            buffer = new byte[maxLength + 1];
        }

        var length = Encoding.UTF8.GetBytes(start, buffer);
        length += Encoding.UTF8.GetBytes(rest, buffer[length..]);
        length += Encoding.UTF8.GetBytes(end, buffer[length..]);
        buffer[length] = 0;
        return OfEntry(NativeMethods.StatX(CurrentDirectory, ref MemoryMarshal.GetReference(buffer), 0, TypeOnly, out var entry), entry);
    }

    internal static FileKind OfAnySystem(string path) =>
        File.Exists(path) ? FileKind.File
        : System.IO.Directory.Exists(path) ? FileKind.Directory
        : Path.Exists(path) ? FileKind.Special
        : FileKind.None;

    private static FileKind OfEntry(int result, in Entry entry) => result != 0 ? FileKind.None : (entry.Mode & TypeMask) switch
    {
        RegularFile => FileKind.File,
        Directory => FileKind.Directory,
        Socket => FileKind.Socket,
        _ => FileKind.Special,
    };

    // Old C libraries lack the call, and some sandboxes forbid it.
    private static bool TryStatX()
    {
        try
        {
            Span<byte> root = [(byte)'/', 0];
            return OfEntry(NativeMethods.StatX(CurrentDirectory, ref root[0], 0, TypeOnly, out var entry), entry) == FileKind.Directory;
        }
        catch (EntryPointNotFoundException)
        {
            return false;
        }
    }

    // struct statx: the same on every architecture, which struct stat is not.
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    private struct Entry
    {
        [FieldOffset(28)]
        public ushort Mode;
    }

    private static class NativeMethods
    {
#pragma warning disable SYSLIB1054 // The source generator would need unsafe code.
        [DllImport("libc", EntryPoint = "statx")]
        [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        public static extern int StatX(int directory, ref byte path, int flags, uint mask, out Entry entry);
#pragma warning restore SYSLIB1054
    }
}
