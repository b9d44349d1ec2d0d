using System.Buffers;
using System.Globalization;
using System.Runtime.InteropServices;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.Tests.Transport.Loop;

public class SignalTests
{
    private const int SIGWINCH = 28;

    [SkippableFact]
    public async Task Signals_to_the_threads_of_the_loop_do_no_harm()
    {
        var caught = 0;
        await using var harness = new LoopHarness(async connection =>
        {
            while (true)
            {
                var read = await connection.Transport.Input.ReadAsync();
                if (read.IsCompleted)
                {
                    return;
                }

                var bytes = read.Buffer.ToArray();
                connection.Transport.Input.AdvanceTo(read.Buffer.End);
                await connection.Transport.Output.WriteAsync(bytes);
            }
        });
#pragma warning disable CA1416 // Skipped anywhere but on Linux.
        using var registration = PosixSignalRegistration.Create(PosixSignal.SIGWINCH, _ => Interlocked.Increment(ref caught));
#pragma warning restore CA1416
        using var client = await harness.ConnectAsync();
        using var over = new CancellationTokenSource();
        var signals = Task.Run(() =>
        {
            while (!over.IsCancellationRequested)
            {
                SignalThreads();
            }
        });

        var answer = new byte[8];
        for (var i = 0; i < 2000; i++)
        {
            await client.SendAsync(BitConverter.GetBytes((long)i)).WithTimeoutAsync();
            var count = 0;
            while (count < answer.Length)
            {
                count += await client.ReceiveAsync(answer.AsMemory(count)).WithTimeoutAsync();
            }

            Assert.Equal(i, BitConverter.ToInt64(answer));
        }

        await over.CancelAsync();
        await signals.WithTimeoutAsync();
        Assert.True(Volatile.Read(ref caught) > 0);
        harness.Logs.AssertNoErrors();
    }

    private static void SignalThreads()
    {
        foreach (var task in Directory.GetDirectories("/proc/self/task"))
        {
            try
            {
                if (File.ReadAllText($"{task}/comm").StartsWith("uwsgi loop", StringComparison.Ordinal))
                {
                    _ = tgkill(Environment.ProcessId, int.Parse(Path.GetFileName(task), CultureInfo.InvariantCulture), SIGWINCH);
                }
            }
            catch (IOException)
            {
                // It has just ended.
            }
        }
    }

    [DllImport("libc")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int tgkill(int process, int thread, int signal);
}
