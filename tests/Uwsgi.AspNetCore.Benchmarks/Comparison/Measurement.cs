namespace Uwsgi.AspNetCore.Benchmarks.Comparison;

/// <summary>One column in one round; processor times are microseconds per request, latencies microseconds.</summary>
internal sealed record Measurement(
    double RequestsPerSecond, double AppMicroseconds, double NginxMicroseconds, double P50, double P99, double Requests)
{
    public static double Rate(Measurement round) => round.RequestsPerSecond;

    public static double AppTime(Measurement round) => round.AppMicroseconds;
}
