using System.Globalization;

namespace Uwsgi.AspNetCore.Benchmarks.Figures;

/// <summary>What <c>/proc</c> says of a process.</summary>
internal static class ProcessFile
{
    public static MemoryUse Memory(int process)
    {
        var lines = File.ReadAllLines($"/proc/{process}/status");
        return new MemoryUse(Number(lines, "VmRSS:", column: 1), Number(lines, "RssAnon:", column: 1));
    }

    /// <summary>How many descriptors this process may open.</summary>
    public static int DescriptorLimit() => Number(File.ReadAllLines("/proc/self/limits"), "Max open files", column: 3);

    private static int Number(string[] lines, string name, int column) => int.Parse(
        lines.First(line => line.StartsWith(name, StringComparison.Ordinal)).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)[column],
        CultureInfo.InvariantCulture);
}
