using System.Globalization;
using System.Text;
using Uwsgi.AspNetCore.Benchmarks.Comparison;

namespace Uwsgi.AspNetCore.Benchmarks.Figures;

/// <summary>The goals and what became of them, then every table behind them.</summary>
internal static class FiguresReport
{
    public static string Write(FiguresResult result) => WriteGoals(result) + Environment.NewLine + WriteTables(result);

    /// <summary>The same for a page on which the tables are opened by a click.</summary>
    public static string WriteFolded(FiguresResult result) =>
        $"""
        {WriteGoals(result)}
        <details>
        <summary>Every measurement behind it</summary>

        {WriteTables(result)}
        </details>
        """;

    private static string WriteGoals(FiguresResult result)
    {
        var text = new StringBuilder();
        text.AppendLine($"{result.Surroundings.Machine}, {result.Surroundings.Versions}.");
        if (result.Comparisons.Values.FirstOrDefault() is { Options: var options })
        {
            text.AppendLine(
                $"Medians of {options.Rounds} rounds of {options.Seconds} s, with the lowest and the highest round; CPU is that of the upstream process.");
        }

        text.AppendLine();
        text.AppendLine("| compare | by | goal | measured | |");
        text.AppendLine("| --- | --- | ---: | ---: | --- |");
        foreach (var goal in Goals.All)
        {
            var measured = goal.Measure(result);
            text.AppendLine(
                $"| {goal.Compare} | {goal.Figure} | {goal.Bound} | {measured?.ToString("0.00", goal.Bound.Unit) ?? "–"} | {Judge(goal.Bound, measured)} |");
        }

        return text.ToString();
    }

    private static string Judge(Bound bound, Spread? measured) => measured switch
    {
        null => "not measured",
        _ when bound.HasNoLimit => "",
        { Median: var median } => bound.IsMetBy(median) ? "met" : "missed",
    };

    private static string WriteTables(FiguresResult result)
    {
        var text = new StringBuilder();
        foreach (var comparison in result.Comparisons.Values)
        {
            text.AppendLine(MarkdownReport.Write(comparison));
        }

        if (result.IdleResults.Count > 0)
        {
            text.AppendLine("Idle connections, each after one request; growth of the process, after a collection, divided by their number.");
            text.AppendLine();
            text.AppendLine("| kept connections | number | resident, each | private, each |");
            text.AppendLine("| --- | ---: | ---: | ---: |");
            foreach (var idle in result.IdleResults)
            {
                text.AppendLine(CultureInfo.InvariantCulture,
                    $"| {idle.Connections.Title} | {idle.Count:N0} | {idle.Resident.ToString("F2", " KiB")} | {idle.Private.ToString("F2", " KiB")} |");
            }
        }

        return text.ToString();
    }
}
