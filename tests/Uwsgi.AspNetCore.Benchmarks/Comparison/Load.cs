namespace Uwsgi.AspNetCore.Benchmarks.Comparison;

/// <summary>What wrk says of one run; latencies are in microseconds.</summary>
internal sealed record Load(
    long Requests,
    long Microseconds,
    long P50,
    long P99,
    long ConnectErrors,
    long ReadErrors,
    long WriteErrors,
    long Timeouts,
    long BadStatuses)
{
    public double RequestsPerSecond => Requests * 1e6 / Microseconds;

    /// <summary>Why the run does not count, or null: a figure that includes failures compares nothing.</summary>
    public string? Failure => this switch
    {
        { Requests: 0 } => "no request was answered",
        { ConnectErrors: 0, ReadErrors: 0, WriteErrors: 0, Timeouts: 0, BadStatuses: 0 } => null,
        _ => $"{BadStatuses} statuses other than 2xx or 3xx, {ConnectErrors} connect, {ReadErrors} read and {WriteErrors} write errors, "
            + $"{Timeouts} time-outs in {Requests} requests",
    };
}
