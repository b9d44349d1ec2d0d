using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Uwsgi.AspNetCore.Workers;

/// <summary>What the system says about this process. The memory is asked for once a second at most.</summary>
internal sealed class ProcessFigures(TimeProvider time)
{
    private static readonly TimeSpan Freshness = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private (long Resident, long Virtual)? _memory;
    private long _measured;

    /// <summary>Gets the user's number; 0 where users have none.</summary>
    public static uint UserId { get; } = OperatingSystem.IsWindows() ? 0 : NativeMethods.GetUserId();

    /// <summary>Gets the group's number; 0 where groups have none.</summary>
    public static uint GroupId { get; } = OperatingSystem.IsWindows() ? 0 : NativeMethods.GetGroupId();

    /// <summary>Gets the current directory; empty when it has been deleted.</summary>
    public static string CurrentDirectory
    {
        get
        {
            try
            {
                return Environment.CurrentDirectory;
            }
            catch (IOException)
            {
                return string.Empty;
            }
        }
    }

    /// <summary>Gets the resident and the virtual memory in bytes.</summary>
    public (long Resident, long Virtual) ReadMemory()
    {
        lock (_lock)
        {
            var now = time.GetTimestamp();
            if (_memory is { } memory && time.GetElapsedTime(_measured, now) < Freshness)
            {
                return memory;
            }

            using var process = Process.GetCurrentProcess();
            memory = (process.WorkingSet64, process.VirtualMemorySize64);
            _memory = memory;
            _measured = now;
            return memory;
        }
    }

    private static class NativeMethods
    {
#pragma warning disable SYSLIB1054 // The source generator would need unsafe code for these two calls.
        [DllImport("libc", EntryPoint = "getuid")]
        [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        public static extern uint GetUserId();

        [DllImport("libc", EntryPoint = "getgid")]
        [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        public static extern uint GetGroupId();
#pragma warning restore SYSLIB1054
    }
}
