using System.Reflection;
using Uwsgi.AspNetCore.InteropTests.Processes;
using Xunit.Abstractions;

namespace Uwsgi.AspNetCore.InteropTests;

/// <summary>The soak command of the benchmarks, for a minute: its own summary says what it checks.</summary>
public sealed class SoakTests(ITestOutputHelper output)
{
    private const int Seconds = 60;

    // Two apps are started, drained and stopped around the load, and the machine is busy.
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(Seconds) + (4 * TestTimeout.Duration);

    [SkippableFact]
    public async Task OneMinuteOfEverything_LeavesNoMismatchAndNothingBehind()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "soak counts descriptors in /proc.");
        RequiredProgram.Find("nginx", "nginx");
        var assembly = typeof(SoakTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
            .Single(metadata => metadata.Key == "BenchmarksAssembly").Value!;

        await using var soak = ForegroundProcess.Start(
            RequiredProgram.Find("dotnet", "dotnet-sdk-10.0"), [assembly, "soak", "--seconds", $"{Seconds}"]);
        var exitCode = await soak.Exited.WaitAsync(Limit);

        output.WriteLine(soak.Output);
        Assert.True(exitCode == 0, soak.Output);
        Assert.Contains($"soak passed: {Seconds} s", soak.Output, StringComparison.Ordinal);
        Assert.Contains(" 0 mismatches, 0 errors, 0 hangs", soak.Output, StringComparison.Ordinal);
    }
}
