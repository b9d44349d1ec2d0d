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
        var unpooled = Median(result, Column.UnpooledBaseline);
        var pooled = Median(result, Column.PooledBaseline);

        var text = new StringBuilder();
        text.AppendLine(CultureInfo.InvariantCulture, $"{where.Date}, {where.Cores} cores of {where.Processor}, Linux {where.Kernel} (load {where.LoadBefore:F2} before), nginx {where.Nginx} with one worker, wrk {where.Wrk}, {where.Runtime} with server GC.");
        text.AppendLine(CultureInfo.InvariantCulture, $"Scenario `{options.Scenario.Name}`: {options.Scenario.Summary}; {options.Connections} connections, {(options.Tcp ? "loopback TCP" : "unix sockets")} between nginx and the app; medians of {options.Rounds} rounds of {options.Seconds} s.");
        text.AppendLine();
        text.AppendLine("| nginx → app | requests/s | app CPU per request | CPU vs unpooled | CPU vs kept | requests/s vs unpooled | requests/s vs kept | p50 | p99 | nginx CPU per request |");
        text.AppendLine("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
        foreach (var column in result.Columns)
        {
            var median = column.Median;
            var low = column.Rounds.Min(round => round.AppMicroseconds);
            var high = column.Rounds.Max(round => round.AppMicroseconds);
            text.AppendLine(CultureInfo.InvariantCulture,
                $"| {column.Column.Title} | {median.RequestsPerSecond:N0} | {median.AppMicroseconds:F1} µs ({low:F1}–{high:F1}) "
                + $"| {Ratio(median.AppMicroseconds, unpooled?.AppMicroseconds)} | {Ratio(median.AppMicroseconds, pooled?.AppMicroseconds)} "
                + $"| {Ratio(median.RequestsPerSecond, unpooled?.RequestsPerSecond)} | {Ratio(median.RequestsPerSecond, pooled?.RequestsPerSecond)} "
                + $"| {median.P50 / 1000:F2} ms | {median.P99 / 1000:F2} ms | {median.NginxMicroseconds:F1} µs |");
        }

        return text.ToString();
    }

    private static Measurement? Median(ComparisonResult result, string key) =>
        result.Columns.FirstOrDefault(column => column.Column.Key == key)?.Median;

    private static string Ratio(double value, double? baseline) =>
        baseline is > 0 ? string.Create(CultureInfo.InvariantCulture, $"{value / baseline:F2}×") : "–";
}
