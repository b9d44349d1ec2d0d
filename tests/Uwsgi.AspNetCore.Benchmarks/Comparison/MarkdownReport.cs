using System.Globalization;
using System.Text;

namespace Uwsgi.AspNetCore.Benchmarks.Comparison;

/// <summary>The table of the README.</summary>
internal static class MarkdownReport
{
    public static string Write(ComparisonResult result)
    {
        var options = result.Options;
        var where = result.Surroundings;
        var unpooled = Find(result, Column.UnpooledBaseline);
        var kept = Find(result, Column.KeptBaseline);

        var text = new StringBuilder();
        text.AppendLine(CultureInfo.InvariantCulture,
            $"{where.Date}, {where.Cores} cores of {where.Processor}, Linux {where.Kernel} (load {where.LoadBefore:F2} before), "
            + $"nginx {where.Nginx} with one worker, wrk {where.Wrk}, {where.Runtime} with server GC.");
        text.AppendLine(CultureInfo.InvariantCulture,
            $"Scenario `{options.Scenario.Name}`: {options.Scenario.Summary}; {options.Connections} connections, "
            + $"{(options.Tcp ? "loopback TCP" : "unix sockets")} between nginx and the app; "
            + $"medians of {options.Rounds} rounds of {options.Seconds} s.");
        text.AppendLine();
        text.AppendLine(
            "| nginx → app | requests/s | app CPU per request | CPU vs unpooled | CPU vs kept "
            + "| requests/s vs unpooled | requests/s vs kept | p50 | p99 | nginx CPU per request |");
        text.AppendLine("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
        foreach (var column in result.Columns)
        {
            text.AppendLine(CultureInfo.InvariantCulture,
                $"| {column.Column.Title} | {column.Median(Rate):N0} "
                + $"| {column.Median(AppTime):F1} µs ({column.Rounds.Min(AppTime):F1}–{column.Rounds.Max(AppTime):F1}) "
                + $"| {Ratio(column, unpooled, AppTime)} | {Ratio(column, kept, AppTime)} "
                + $"| {Ratio(column, unpooled, Rate)} | {Ratio(column, kept, Rate)} "
                + $"| {column.Median(round => round.P50) / 1000:F2} ms | {column.Median(round => round.P99) / 1000:F2} ms "
                + $"| {column.Median(round => round.NginxMicroseconds):F1} µs |");
        }

        foreach (var column in result.Columns)
        {
            if (Find(result, column.Column.Without ?? string.Empty) is { } without)
            {
                text.AppendLine();
                text.AppendLine(
                    $"{column.Column.Title}: {Ratio(column, without, AppTime)} the CPU per request and {Ratio(column, without, Rate)} the requests/s "
                    + "of the same without.");
            }
        }

        return text.ToString();
    }

    private static double Rate(Measurement round) => round.RequestsPerSecond;

    private static double AppTime(Measurement round) => round.AppMicroseconds;

    private static ColumnResult? Find(ComparisonResult result, string key) =>
        result.Columns.FirstOrDefault(column => column.Column.Key == key);

    private static string Ratio(ColumnResult column, ColumnResult? baseline, Func<Measurement, double> figure) =>
        baseline is null ? "–" : string.Create(CultureInfo.InvariantCulture, $"{column.MedianRatio(baseline, figure):F2}×");
}
