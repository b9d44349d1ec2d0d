using System.Text.Json;

namespace Uwsgi.AspNetCore.Benchmarks.Comparison;

/// <summary>Every round of a run, for a program to read.</summary>
internal static class JsonReport
{
    private static readonly JsonSerializerOptions Format = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    public static string Write(ComparisonResult result)
    {
        var options = result.Options;
        return JsonSerializer.Serialize(
            new
            {
                result.Surroundings,
                Scenario = options.Scenario.Name,
                options.Connections,
                options.Threads,
                options.Seconds,
                options.Tcp,
                Columns = result.Columns.Select(column => new { column.Column.Key, column.Column.Title, column.Rounds }),
            },
            Format);
    }
}
