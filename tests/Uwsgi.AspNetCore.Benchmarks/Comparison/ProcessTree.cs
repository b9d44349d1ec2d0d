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
        using var process = Process.GetProcessById(id);
        var total = process.TotalProcessorTime;
        foreach (var child in Children(id))
            total += ProcessorTime(child);
        return total;
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
            .SelectMany(task => File.ReadAllText(task + "/children").Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Select(child => int.Parse(child, CultureInfo.InvariantCulture));
}
