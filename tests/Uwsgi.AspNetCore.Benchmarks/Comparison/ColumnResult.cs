namespace Uwsgi.AspNetCore.Benchmarks.Comparison;

/// <summary>One column's rounds.</summary>
internal sealed record ColumnResult(Column Column, IReadOnlyList<Measurement> Rounds)
{
    public double Median(Func<Measurement, double> figure) => Median(Rounds.Select(figure));

    /// <summary>
    /// The median of the rounds' ratios, not the ratio of the medians: what disturbs the machine for seconds disturbs both
    /// sides of one round's ratio.
    /// </summary>
    public double MedianRatio(ColumnResult baseline, Func<Measurement, double> figure) =>
        Median(Rounds.Zip(baseline.Rounds, (mine, theirs) => figure(mine) / figure(theirs)));

    private static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        var middle = sorted.Length / 2;
        return sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }
}
