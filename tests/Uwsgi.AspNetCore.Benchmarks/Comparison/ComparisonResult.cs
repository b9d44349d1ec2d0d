namespace Uwsgi.AspNetCore.Benchmarks.Comparison;

/// <summary>A finished run: every round of every column, in the order of the columns.</summary>
internal sealed record ComparisonResult(Surroundings Surroundings, CompareOptions Options, IReadOnlyList<ColumnResult> Columns);
