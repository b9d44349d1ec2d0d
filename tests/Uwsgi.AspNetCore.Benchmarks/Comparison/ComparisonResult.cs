namespace Uwsgi.AspNetCore.Benchmarks.Comparison;

/// <summary>A finished run.</summary>
/// <param name="Options">What was asked for.</param>
/// <param name="Columns">Every round of every column that took part, in the order of the connections, then of the columns.</param>
/// <param name="Notes">Which columns did not, and why, and whatever else a reader of the figures must know.</param>
internal sealed record ComparisonResult(CompareOptions Options, IReadOnlyList<ColumnResult> Columns, IReadOnlyList<string> Notes)
{
    public ColumnResult? Find(string key, int connections) =>
        Columns.FirstOrDefault(column => column.Column.Key == key && column.Connections == connections);
}
