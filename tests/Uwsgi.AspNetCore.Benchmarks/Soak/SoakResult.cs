namespace Uwsgi.AspNetCore.Benchmarks.Soak;

/// <summary>What a run has come to.</summary>
/// <param name="Options">What was asked for.</param>
/// <param name="Tally">All exchanges.</param>
/// <param name="Before">The steady app behind the warm-up.</param>
/// <param name="After">The steady app behind the load.</param>
/// <param name="Restarts">How often the other app was started again.</param>
/// <param name="HasFrontEnd">Whether a part of the traffic went through nginx.</param>
internal sealed record SoakResult(
    SoakOptions Options, Tally Tally, ProcessSample Before, ProcessSample After, int Restarts, bool HasFrontEnd)
{
    public bool IsPassed => Tally.FaultCount == 0;
}
