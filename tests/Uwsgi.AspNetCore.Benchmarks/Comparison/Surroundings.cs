using System.Globalization;
using System.Runtime.InteropServices;

namespace Uwsgi.AspNetCore.Benchmarks.Comparison;

/// <summary>When, where and with what a comparison ran; programs that are missing have no version.</summary>
internal sealed record Surroundings(
    string Date,
    string Processor,
    int Cores,
    string Kernel,
    double LoadBefore,
    string Nginx,
    string Wrk,
    string? Uwsgi,
    string? Gcc,
    string Runtime)
{
    /// <summary>One line for the date and the machine.</summary>
    public string Machine => string.Create(
        CultureInfo.InvariantCulture, $"{Date}, {Cores} cores of {Processor}, Linux {Kernel} (load {LoadBefore:F2} before)");

    /// <summary>One line for the programs.</summary>
    public string Versions => string.Join(", ", ((string?[])
    [
        $"nginx {Nginx} with one worker",
        $"wrk {Wrk}",
        $"{Runtime} with server GC",
        Uwsgi is null ? null : $"uWSGI {Uwsgi}",
        Gcc is null ? null : $"gcc {Gcc}",
    ]).OfType<string>());

    /// <summary>Gets what the kernel makes of a higher backlog.</summary>
    public static int AcceptQueueLimit => int.Parse(File.ReadAllText("/proc/sys/net/core/somaxconn"), CultureInfo.InvariantCulture);

    public static Surroundings Describe() => new(
        DateTime.UtcNow.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
        ReadProcessor(),
        Environment.ProcessorCount,
        File.ReadAllText("/proc/sys/kernel/osrelease").Trim().Split('-')[0],
        double.Parse(File.ReadAllText("/proc/loadavg").Split(' ')[0], CultureInfo.InvariantCulture),
        Tool.Nginx.ReadVersion(),
        Tool.Wrk.ReadVersion(),
        Tool.Uwsgi.IsMissing ? null : Tool.Uwsgi.ReadVersion(),
        Tool.Gcc.IsMissing ? null : Tool.Gcc.ReadVersion(),
        RuntimeInformation.FrameworkDescription);

    private static string ReadProcessor() =>
        File.ReadLines("/proc/cpuinfo")
            .FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))
            ?.Split(':', 2)[1].Trim()
        ?? RuntimeInformation.ProcessArchitecture.ToString();
}
