using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace Uwsgi.AspNetCore.Benchmarks.Comparison;

/// <summary>A process and its children, as one consumer of processor time.</summary>
internal static class ProcessTree
{
    private static readonly TimeSpan EndTimeout = TimeSpan.FromSeconds(5);

    /// <summary>User and system time so far, to the nanosecond; <c>/proc/PID/stat</c> has it in steps of 10 ms.</summary>
    public static TimeSpan ProcessorTime(int id)
    {
        try
        {
            return Children(id).Aggregate(ProcessorClock.Read(id), (total, child) => total + ProcessorTime(child));
        }
        catch (Exception exception) when (exception is Win32Exception or DirectoryNotFoundException)
        {
            throw new CommandException($"process {id} ended while it was measured");
        }
    }

    /// <summary>Tells a process to stop, waits a moment, then kills it.</summary>
    public static async Task TerminateAsync(Process process)
    {
        if (!process.HasExited)
        {
            Process.Start("kill", ["-TERM", $"{process.Id}"]).Dispose();
        }

        await EndAsync(process);
    }

    /// <summary>Waits a moment for a process that was told to stop, then kills it.</summary>
    public static async Task EndAsync(Process process)
    {
        using var timeout = new CancellationTokenSource(EndTimeout);
        try
        {
            await process.WaitForExitAsync(timeout.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
        }

        process.Dispose();
    }

    private static IEnumerable<int> Children(int id) =>
        Directory.EnumerateDirectories($"/proc/{id}/task")
            .SelectMany(ChildrenOfThread)
            .Select(child => int.Parse(child, CultureInfo.InvariantCulture));

    private static string[] ChildrenOfThread(string task)
    {
        try
        {
            return File.ReadAllText(task + "/children").Split(' ', StringSplitOptions.RemoveEmptyEntries);
        }
        catch (IOException)
        {
            // The thread has ended since it was listed.
            return [];
        }
    }

    /// <summary>The clock of a process's processor time, which counts its ended threads, too.</summary>
    private static class ProcessorClock
    {
        public static TimeSpan Read(int process)
        {
            // clock_getcpuclockid(3): the complement of the id, then the kind of clock, CPUCLOCK_SCHED.
            var clock = (~process << 3) | 2;
            return GetTime(clock, out var time) == 0
                ? TimeSpan.FromSeconds(time.Seconds) + TimeSpan.FromTicks(time.Nanoseconds / TimeSpan.NanosecondsPerTick)
                : throw new Win32Exception(Marshal.GetLastPInvokeError());
        }

        [DllImport("libc", EntryPoint = "clock_gettime", SetLastError = true)]
        [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        private static extern int GetTime(int clock, out Time time);

        [StructLayout(LayoutKind.Sequential)]
        private readonly struct Time
        {
            public readonly nint Seconds;
            public readonly nint Nanoseconds;
        }
    }
}
