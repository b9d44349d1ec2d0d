using System.Diagnostics;
using System.Globalization;

namespace Uwsgi.AspNetCore.Benchmarks.Comparison;

/// <summary>A process and its children, as one consumer of processor time.</summary>
internal static class ProcessTree
{
    private static readonly TimeSpan EndTimeout = TimeSpan.FromSeconds(5);

    /// <summary>User and system time so far, from <c>/proc/PID/stat</c>, hence in steps of 10 ms.</summary>
    public static TimeSpan ProcessorTime(int id)
    {
        try
        {
            using var process = Process.GetProcessById(id);
            return Children(id).Aggregate(process.TotalProcessorTime, (total, child) => total + ProcessorTime(child));
        }
        catch (Exception exception) when (exception is ArgumentException or InvalidOperationException)
        {
            throw new CommandException($"process {id} ended while it was measured");
        }
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
}
