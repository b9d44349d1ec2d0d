using Uwsgi.AspNetCore.Benchmarks.Comparison;

namespace Uwsgi.AspNetCore.Benchmarks.Figures;

/// <summary>Measures everything that has a goal, one experiment after the other, and tells which goals are met.</summary>
internal static class FiguresCommand
{
    public static Task<int> RunAsync(IReadOnlyList<string> arguments)
    {
        var options = FiguresOptions.Parse(arguments);
        ComparisonSession.ThrowIfImpossible();
        return Interruption.RunAsync(cancellationToken => RunAsync(options, cancellationToken));
    }

    private static async Task RunAsync(FiguresOptions options, CancellationToken cancellationToken)
    {
        var result = await MeasureAsync(options, cancellationToken);

        Console.WriteLine(FiguresReport.Write(result));
        if (options.SvgPath is { } svg)
        {
            await File.WriteAllTextAsync(svg, HelloChart.Draw(result).Write(), cancellationToken);
        }

        if (options.ReadmePath is { } readme)
        {
            await ReadmeSection.ReplaceAsync(readme, FiguresReport.WriteFolded(result), cancellationToken);
        }

        if (options.JsonPath is { } json)
        {
            await File.WriteAllTextAsync(json, JsonReport.Write(Describe(result)), cancellationToken);
        }
    }

    private static async Task<FiguresResult> MeasureAsync(FiguresOptions options, CancellationToken cancellationToken)
    {
        var surroundings = Surroundings.Describe();
        Dictionary<Experiment, ComparisonResult> comparisons = [];
        foreach (var experiment in options.Experiments)
        {
            comparisons[experiment] = await ComparisonSession.RunAsync(experiment.With(options), cancellationToken);
        }

        List<IdleResult> idle = [];
        foreach (var connections in options.IdleConnections > 0 ? IdleConnections.All : [])
        {
            idle.Add(await connections.MeasureAsync(options.IdleConnections, options.Rounds, cancellationToken));
        }

        return new FiguresResult(surroundings, comparisons, idle);
    }

    private static object Describe(FiguresResult result) => new
    {
        result.Surroundings,
        Goals = Goals.All.Select(goal => new
        {
            goal.Compare,
            goal.Figure,
            Goal = goal.Bound.ToString(),
            Measured = goal.Measure(result),
        }),
        Comparisons = result.Comparisons.Select(pair => new { pair.Key.Name, Comparison = JsonReport.Describe(pair.Value) }),
        Idle = result.IdleResults.Select(idle => new { idle.Connections.Title, idle.Count, idle.Resident, idle.Private }),
    };
}
