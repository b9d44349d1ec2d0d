using System.Runtime.InteropServices;

namespace Uwsgi.AspNetCore.Benchmarks.Soak;

/// <summary>Random traffic over every protocol, each answer checked by its content, for a while; then one summary.</summary>
internal static class SoakCommand
{
    public static async Task<int> RunAsync(IReadOnlyList<string> arguments)
    {
        var options = SoakOptions.Parse(arguments);
        if (!OperatingSystem.IsLinux())
        {
            throw new CommandException("soak counts descriptors in /proc and so needs Linux");
        }

        // Interrupted or terminated, it still takes nginx and the apps down.
        using var interrupted = new CancellationTokenSource();
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Cancel);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Cancel);
        void Cancel(PosixSignalContext context)
        {
            context.Cancel = true;
            interrupted.Cancel();
        }

        var directory = Directory.CreateTempSubdirectory("uwsgi-soak-").FullName;
        try
        {
            await using var run = new SoakRun(options, directory, interrupted.Token);
            var result = await run.RunAsync();
            Console.Write(SoakSummary.Write(result));
            return result.IsPassed ? 0 : 1;
        }
        catch (OperationCanceledException)
        {
            throw new CommandException("interrupted");
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }
}
