using System.Globalization;
using Uwsgi.AspNetCore.Benchmarks.Comparison;
using Uwsgi.AspNetCore.Benchmarks.Comparison.Upstreams;

namespace Uwsgi.AspNetCore.Benchmarks.Figures;

/// <summary>The picture of the README: the smallest request over every upstream.</summary>
internal static class HelloChart
{
    /// <summary>One connection per request, then kept ones.</summary>
    private static readonly string[] Keys = ["proxy", "uwsgi", "scgi", "fastcgi", "uwsgi-python", "c", "proxy-kept", "fastcgi-kept"];

    public static BarChart Draw(FiguresResult result)
    {
        var columns = Keys.Select(key => result.Find(Experiment.Hello, key)).OfType<ColumnResult>().ToArray();
        var (options, where) = (result.Comparisons[Experiment.Hello].Options, result.Surroundings);
        return new BarChart(
            "CPU time per request and requests per second behind nginx, per upstream",
            string.Join("; ", columns.Select(Describe)) + ".",
            [
                new("CPU time of the upstream per request (less is better)", " µs", "N1", Bars(columns, Measurement.AppTime)),
                new("Requests per second (more is better)", "", "N0", Bars(columns, Measurement.Rate)),
            ],
            [
                $"“Hello, World!” through nginx over unix sockets, {options.Connections[0]} connections; "
                + $"medians of {options.Rounds} rounds of {options.Seconds} s.",
                "Blue: Uwsgi.AspNetCore; grey: Kestrel's HTTP; ochre: other programs.",
                where.Machine,
                where.Versions,
            ]);
    }

    private static Bar[] Bars(ColumnResult[] columns, Func<Measurement, double> figure) =>
        [.. columns.Select(column => new Bar(Label(column), column.Median(figure), KindOf(column.Column.Upstream)))];

    private static string Describe(ColumnResult column) => string.Create(
        CultureInfo.InvariantCulture,
        $"{Label(column)}: {column.Median(Measurement.AppTime):N1} µs, {column.Median(Measurement.Rate):N0} requests per second");

    private static string Label(ColumnResult column) => column.Column.Title.Replace("`", "", StringComparison.Ordinal);

    private static BarKind KindOf(Upstream upstream) => upstream switch
    {
        _ when upstream == Upstream.Http => BarKind.Baseline,
        AppUpstream => BarKind.Ours,
        _ => BarKind.Other,
    };
}
