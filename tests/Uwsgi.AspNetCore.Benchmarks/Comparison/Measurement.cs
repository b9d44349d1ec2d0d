namespace Uwsgi.AspNetCore.Benchmarks.Comparison;

/// <summary>One column in one round; processor times are microseconds per request, latencies microseconds.</summary>
internal sealed record Measurement(double RequestsPerSecond, double AppMicroseconds, double NginxMicroseconds, double P50, double P99, long Requests)
{
    /// <summary>Each figure's own median, so that one disturbed round moves none of them.</summary>
    public static Measurement Median(IReadOnlyList<Measurement> rounds) => new(
        Median(rounds, round => round.RequestsPerSecond),
        Median(rounds, round => round.AppMicroseconds),
        Median(rounds, round => round.NginxMicroseconds),
        Median(rounds, round => round.P50),
        Median(rounds, round => round.P99),
        (long)Median(rounds, round => round.Requests));

    private static double Median(IReadOnlyList<Measurement> rounds, Func<Measurement, double> figure)
    {
        var sorted = rounds.Select(figure).Order().ToArray();
        var middle = sorted.Length / 2;
        return sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }
}
