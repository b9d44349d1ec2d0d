using System.Runtime.InteropServices;

namespace Uwsgi.AspNetCore.StaticFiles;

/// <summary>What a path leads to, links followed.</summary>
internal enum FileKind
{
    None,
    File,
    Directory,

    /// <summary>A FIFO, a socket or a device; opening one may block for good.</summary>
    Special,
}

/// <summary>Asks the file system for the kind of a path: one call, nothing opened, and no error for whatever a client makes up.</summary>
internal static class FileKinds
{
    private const int CurrentDirectory = -100;
    private const uint TypeOnly = 1;
    private const int TypeMask = 0xF000;
    private const int RegularFile = 0x8000;
    private const int Directory = 0x4000;

    private static readonly bool HasStatX = OperatingSystem.IsLinux() && TryStatX();

    /// <summary>Gets the kind; where the system does not tell special files apart (other systems than Linux), they count as files.</summary>
    public static FileKind Of(string path)
    {
        if (!HasStatX)
        {
            return OfAnySystem(path);
        }

        return NativeMethods.StatX(CurrentDirectory, path, 0, TypeOnly, out var entry) != 0 ? FileKind.None : (entry.Mode & TypeMask) switch
        {
            RegularFile => FileKind.File,
            Directory => FileKind.Directory,
            _ => FileKind.Special,
        };
    }

    internal static FileKind OfAnySystem(string path) =>
        File.Exists(path) ? FileKind.File
        : System.IO.Directory.Exists(path) ? FileKind.Directory
        : Path.Exists(path) ? FileKind.Special
        : FileKind.None;

    // Old C libraries lack the call, and some sandboxes forbid it.
    private static bool TryStatX()
    {
        try
        {
            return NativeMethods.StatX(CurrentDirectory, "/", 0, TypeOnly, out var entry) == 0 && (entry.Mode & TypeMask) == Directory;
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
#pragma warning disable SYSLIB1054, CA2101 // The source generator would need unsafe code.
        [DllImport("libc", EntryPoint = "statx")]
        [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        public static extern int StatX(int directory, [MarshalAs(UnmanagedType.LPUTF8Str)] string path, int flags, uint mask, out Entry entry);
#pragma warning restore SYSLIB1054, CA2101
    }
}
