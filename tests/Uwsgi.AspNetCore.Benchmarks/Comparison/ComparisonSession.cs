using Uwsgi.AspNetCore.Benchmarks.Comparison.Upstreams;

namespace Uwsgi.AspNetCore.Benchmarks.Comparison;

/// <summary>One app process per column, nginx in front of all of them, wrk in front of nginx.</summary>
internal static class ComparisonSession
{
    /// <summary>Everything that must be installed; <see cref="Column.WhyNot"/> tells what else is used when it is.</summary>
    public static void ThrowIfImpossible()
    {
        if (!OperatingSystem.IsLinux())
        {
            throw new CommandException("the comparison reads processor times as Linux has them");
        }

        Tool.ThrowIfMissing(Tool.Nginx, Tool.Wrk);
    }

    public static async Task<ComparisonResult> RunAsync(CompareOptions wanted, CancellationToken cancellationToken)
    {
        var scenario = wanted.Scenario;
        var notes = wanted.Columns
            .Where(column => column.WhyNot(scenario) is not null)
            .Select(column => $"`{column.Key}` is left out: {column.WhyNot(scenario)}")
            .ToList();
        if (Surroundings.AcceptQueueLimit is var limit and < ServeCommand.Backlog)
        {
            notes.Add($"net.core.somaxconn limits the accept queue of every upstream to {limit} connections");
        }

        notes.ForEach(Console.Error.WriteLine);
        var options = wanted with { Columns = [.. wanted.Columns.Where(column => column.WhyNot(scenario) is null)] };

        var directory = Directory.CreateTempSubdirectory("uwsgi-compare-").FullName;
        List<RunningUpstream> upstreams = [];
        try
        {
            for (var i = 0; i < options.Columns.Count; i++)
            {
                var site = new UpstreamSite(scenario, directory, i, options.Tcp);
                scenario.CreateFile(site.WebRoot);
                upstreams.Add(await options.Columns[i].Upstream.StartAsync(site));
            }

            await using var frontEnd = await FrontEnd.StartAsync(Tool.Nginx, directory, options.Columns, upstreams);
            var run = new ComparisonRun(options, frontEnd, new LoadGenerator(Tool.Wrk, options, directory), upstreams);
            await run.ThrowIfAnswersDifferAsync(cancellationToken);
            return new ComparisonResult(options, await run.MeasureAsync(cancellationToken), notes);
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
