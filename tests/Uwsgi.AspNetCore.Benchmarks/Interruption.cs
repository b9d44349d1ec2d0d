using System.Runtime.InteropServices;

namespace Uwsgi.AspNetCore.Benchmarks;

/// <summary>Lets a command that is interrupted or terminated take the processes down that it started.</summary>
internal static class Interruption
{
    public static async Task<int> RunAsync(Func<CancellationToken, Task> command)
    {
        using var interrupted = new CancellationTokenSource();
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Cancel);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Cancel);
        void Cancel(PosixSignalContext context)
        {
            context.Cancel = true;
            interrupted.Cancel();
        }

        try
        {
            await command(interrupted.Token);
            return 0;
        }
        catch (OperationCanceledException)
        {
            throw new CommandException("interrupted");
        }
    }
}
