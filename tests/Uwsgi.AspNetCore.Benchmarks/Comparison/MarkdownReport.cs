using System.Globalization;
using System.Text;

namespace Uwsgi.AspNetCore.Benchmarks.Comparison;

/// <summary>The table of one comparison.</summary>
internal static class MarkdownReport
{
    public static string Write(ComparisonResult result)
    {
        var options = result.Options;
        var text = new StringBuilder();
        text.AppendLine(CultureInfo.InvariantCulture,
            $"Scenario `{options.Scenario.Name}`: {options.Scenario.Summary}; {string.Join(", ", options.Connections)} connections, "
            + $"{(options.Tcp ? "loopback TCP" : "unix sockets")} between nginx and the app; "
            + $"medians of {options.Rounds} rounds of {options.Seconds} s"
            + $"{(options.Scenario.CountsBytes ? "; a request is a file's worth of bytes" : "")}.");
        text.AppendLine();
        text.AppendLine(
            "| nginx → app | requests/s | app CPU per request | CPU vs unpooled | CPU vs kept "
            + "| requests/s vs unpooled | requests/s vs kept | p50 | p99 | nginx CPU per request |");
        text.AppendLine("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
        foreach (var column in result.Columns)
        {
            AppendRow(text, result, column);
        }

        foreach (var column in result.Columns)
        {
            if (result.Find(column.Column.Without ?? string.Empty, column.Connections) is { } without)
            {
                text.AppendLine();
                text.AppendLine(
                    $"{column.Column.Title}: {Ratio(column, without, Measurement.AppTime)} the CPU per request and "
                    + $"{Ratio(column, without, Measurement.Rate)} the requests/s of `{without.Column.Key}`.");
            }
        }

        foreach (var note in result.Notes)
        {
            text.AppendLine();
            text.AppendLine(note + ".");
        }

        return text.ToString();
    }

    private static void AppendRow(StringBuilder text, ComparisonResult result, ColumnResult column)
    {
        var unpooled = result.Find(Column.UnpooledBaseline, column.Connections);
        var kept = result.Find(Column.KeptBaseline, column.Connections);
        // Whoever measures one number of connections reads it above the table.
        var connections = result.Options.Connections.Count > 1 ? $", {column.Connections}" : "";
        var rate = column.Median(Measurement.Rate);
        text.AppendLine(CultureInfo.InvariantCulture,
            $"| {column.Column.Title}{connections} | {rate.ToString(rate < 100 ? "N2" : "N0", CultureInfo.InvariantCulture)} "
            + $"| {column.Spread(Measurement.AppTime).ToString("N1", " µs")} "
            + $"| {Ratio(column, unpooled, Measurement.AppTime)} | {Ratio(column, kept, Measurement.AppTime)} "
            + $"| {Ratio(column, unpooled, Measurement.Rate)} | {Ratio(column, kept, Measurement.Rate)} "
            + $"| {Latency(column, round => round.P50)} | {Latency(column, round => round.P99)} "
            + $"| {column.Median(round => round.NginxMicroseconds):N1} µs |");
    }

    /// <summary>wrk has none to tell if no request was finished.</summary>
    private static string Latency(ColumnResult column, Func<Measurement, double> figure) =>
        column.Median(figure) is > 0 and var median ? string.Create(CultureInfo.InvariantCulture, $"{median / 1000:F2} ms") : "–";

    private static string Ratio(ColumnResult column, ColumnResult? baseline, Func<Measurement, double> figure) =>
        baseline is null ? "–" : string.Create(CultureInfo.InvariantCulture, $"{column.Ratio(baseline, figure).Median:F2}×");
}
