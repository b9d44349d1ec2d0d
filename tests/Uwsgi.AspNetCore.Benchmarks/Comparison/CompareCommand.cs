using System.Runtime.InteropServices;

namespace Uwsgi.AspNetCore.Benchmarks.Comparison;

/// <summary>One app process per column, nginx in front of all of them, wrk in front of nginx, and a table at the end.</summary>
internal static class CompareCommand
{
    public static async Task<int> RunAsync(IReadOnlyList<string> arguments)
    {
        var options = CompareOptions.Parse(arguments);
        if (!OperatingSystem.IsLinux())
        {
            throw new CommandException("compare reads processor times from /proc and so needs Linux");
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

        try
        {
            await RunAsync(options, interrupted.Token);
            return 0;
        }
        catch (OperationCanceledException)
        {
            throw new CommandException("interrupted");
        }
    }

    private static async Task RunAsync(CompareOptions options, CancellationToken cancellationToken)
    {
        var nginx = Tool.Nginx;
        var wrk = Tool.Wrk;
        Tool.ThrowIfMissing(nginx, wrk);

        var surroundings = Surroundings.Describe(nginx, wrk);
        var directory = Directory.CreateTempSubdirectory("uwsgi-compare-").FullName;
        List<RunningUpstream> upstreams = [];
        try
        {
            for (var i = 0; i < options.Columns.Count; i++)
            {
                upstreams.Add(await options.Columns[i].Upstream.StartAsync(options.Scenario, $"{directory}/{i}.sock", options.Tcp));
            }

            await using var frontEnd = await FrontEnd.StartAsync(nginx, directory, options.Columns, upstreams);
            var run = new ComparisonRun(options, frontEnd, new LoadGenerator(wrk, options, directory), upstreams);
            await run.ThrowIfAnswersDifferAsync(cancellationToken);
            var result = new ComparisonResult(surroundings, options, await run.MeasureAsync(cancellationToken));

            Console.WriteLine(MarkdownReport.Write(result));
            if (options.JsonPath is { } path)
            {
                await File.WriteAllTextAsync(path, JsonReport.Write(result), cancellationToken);
            }
        }
        finally
        {
            foreach (var upstream in upstreams)
            {
                await upstream.DisposeAsync();
            }

            Directory.Delete(directory, recursive: true);
        }
    }
}
