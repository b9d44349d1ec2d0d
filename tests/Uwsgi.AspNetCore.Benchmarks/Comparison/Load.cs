namespace Uwsgi.AspNetCore.Benchmarks.Comparison;

/// <summary>What wrk says of one run; latencies are in microseconds, and zero if no request was finished.</summary>
internal sealed record Load(
    long Requests,
    long Bytes,
    long Microseconds,
    long P50,
    long P99,
    long ConnectErrors,
    long ReadErrors,
    long WriteErrors,
    long Timeouts,
    long BadStatuses)
{
    /// <summary>Requests, in fractions by the bytes received where each takes so long that a run finishes few.</summary>
    public double CountRequests(Scenario scenario) => scenario.CountsBytes ? (double)Bytes / scenario.FileSize : Requests;

    /// <summary>Why the run does not count, or null: a figure that includes failures compares nothing.</summary>
    public string? Failure => this switch
    {
        { Bytes: 0 } => "no request was answered",
        { ConnectErrors: 0, ReadErrors: 0, WriteErrors: 0, Timeouts: 0, BadStatuses: 0 } => null,
        _ => $"{BadStatuses} statuses other than 2xx or 3xx, {ConnectErrors} connect, {ReadErrors} read and {WriteErrors} write errors, "
            + $"{Timeouts} time-outs in {Requests} requests",
    };
}
