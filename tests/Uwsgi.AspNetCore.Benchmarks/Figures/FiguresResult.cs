using Uwsgi.AspNetCore.Benchmarks.Comparison;

namespace Uwsgi.AspNetCore.Benchmarks.Figures;

/// <summary>Everything that one run of <c>figures</c> measured.</summary>
internal sealed record FiguresResult(
    Surroundings Surroundings, IReadOnlyDictionary<Experiment, ComparisonResult> Comparisons, IReadOnlyList<IdleResult> IdleResults)
{
    public ColumnResult? Find(Experiment experiment, string column) =>
        Comparisons.GetValueOrDefault(experiment)?.Find(column, experiment.Connections[0]);

    public Spread? Ratio(Experiment experiment, string column, string baseline, Func<Measurement, double> figure) =>
        Ratios(experiment, column, baseline, figure) is { } ratios ? Spread.Of(ratios) : null;

    /// <summary>How the ratio over TCP relates to the one over unix sockets.</summary>
    public Spread? OverTcp(string column, string baseline, Func<Measurement, double> figure) =>
        Ratios(Experiment.Tcp, column, baseline, figure) is { } tcp && Ratios(Experiment.Hello, column, baseline, figure) is { } unix
            ? Spread.Of(tcp.Zip(unix, (mine, theirs) => mine / theirs))
            : null;

    /// <summary>Requests/s at the highest number of connections, relative to the number that has the best median.</summary>
    public Spread? MostConnections(Experiment experiment, string column)
    {
        if (Comparisons.GetValueOrDefault(experiment) is not { } result)
        {
            return null;
        }

        var all = result.Columns.Where(other => other.Column.Key == column).ToArray();
        return all[^1].Ratio(all.MaxBy(other => other.Median(Measurement.Rate))!, Measurement.Rate);
    }

    /// <summary>Kibibytes of resident memory for each connection.</summary>
    public Spread? Idle(IdleConnections connections) =>
        IdleResults.FirstOrDefault(result => result.Connections == connections)?.Resident;

    private IEnumerable<double>? Ratios(Experiment experiment, string column, string baseline, Func<Measurement, double> figure) =>
        Find(experiment, column) is { } mine && Find(experiment, baseline) is { } theirs ? mine.Ratios(theirs, figure) : null;
}
