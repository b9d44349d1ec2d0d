using Uwsgi.AspNetCore.Benchmarks.Comparison;

namespace Uwsgi.AspNetCore.Benchmarks.Figures;

/// <summary>What idle connections cost the process that has them.</summary>
/// <param name="Connections">Which connections.</param>
/// <param name="Count">How many there were.</param>
/// <param name="Resident">Kibibytes that the resident set grew by for each.</param>
/// <param name="Private">Kibibytes of it that no file stands for.</param>
internal sealed record IdleResult(IdleConnections Connections, int Count, Spread Resident, Spread Private);
