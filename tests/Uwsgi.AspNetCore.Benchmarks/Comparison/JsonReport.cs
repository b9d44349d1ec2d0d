using System.Text.Encodings.Web;
using System.Text.Json;

namespace Uwsgi.AspNetCore.Benchmarks.Comparison;

/// <summary>Every round of a run, for a program to read.</summary>
internal static class JsonReport
{
    private static readonly JsonSerializerOptions Format = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public static string Write(object report) => JsonSerializer.Serialize(report, Format);

    public static object Describe(ComparisonResult result)
    {
        var options = result.Options;
        return new
        {
            Scenario = options.Scenario.Name,
            options.Threads,
            options.Seconds,
            options.Tcp,
            Columns = result.Columns.Select(column => new { column.Column.Key, column.Column.Title, column.Connections, column.Rounds }),
            result.Notes,
        };
    }
}
