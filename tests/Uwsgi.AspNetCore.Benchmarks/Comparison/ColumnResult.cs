namespace Uwsgi.AspNetCore.Benchmarks.Comparison;

/// <summary>One column's rounds at one number of connections.</summary>
internal sealed record ColumnResult(Column Column, int Connections, IReadOnlyList<Measurement> Rounds)
{
    public Spread Spread(Func<Measurement, double> figure) => Comparison.Spread.Of(Rounds.Select(figure));

    public double Median(Func<Measurement, double> figure) => Spread(figure).Median;

    /// <summary>
    /// Of the rounds' ratios, not the ratio of the medians: what disturbs the machine for seconds disturbs both
    /// sides of one round's ratio.
    /// </summary>
    public Spread Ratio(ColumnResult baseline, Func<Measurement, double> figure) => Comparison.Spread.Of(Ratios(baseline, figure));

    public IEnumerable<double> Ratios(ColumnResult baseline, Func<Measurement, double> figure) =>
        Rounds.Zip(baseline.Rounds, (mine, theirs) => figure(mine) / figure(theirs));
}
