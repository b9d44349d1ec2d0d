using Uwsgi.AspNetCore.Benchmarks.Comparison;

namespace Uwsgi.AspNetCore.Benchmarks.Figures;

/// <summary>One figure to reach.</summary>
/// <param name="Compare">What is compared with what.</param>
/// <param name="Figure">By which figure.</param>
/// <param name="Bound">What it has to be.</param>
/// <param name="Measure">Takes it from the results; null if one side did not take part.</param>
internal sealed record Goal(string Compare, string Figure, Bound Bound, Func<FiguresResult, Spread?> Measure);
