using System.Globalization;
using System.Runtime.InteropServices;

namespace Uwsgi.AspNetCore.Benchmarks.Comparison;

/// <summary>When, where and with what a comparison ran.</summary>
internal sealed record Surroundings(
    string Date, string Processor, int Cores, string Kernel, double LoadBefore, string Nginx, string Wrk, string Runtime)
{
    public static Surroundings Describe(Tool nginx, Tool wrk) => new(
        DateTime.UtcNow.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
        ReadProcessor(),
        Environment.ProcessorCount,
        File.ReadAllText("/proc/sys/kernel/osrelease").Trim(),
        double.Parse(File.ReadAllText("/proc/loadavg").Split(' ')[0], CultureInfo.InvariantCulture),
        nginx.ReadVersion(),
        wrk.ReadVersion(),
        RuntimeInformation.FrameworkDescription);

    private static string ReadProcessor() =>
        File.ReadLines("/proc/cpuinfo")
            .FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))
            ?.Split(':', 2)[1].Trim()
        ?? RuntimeInformation.ProcessArchitecture.ToString();
}
