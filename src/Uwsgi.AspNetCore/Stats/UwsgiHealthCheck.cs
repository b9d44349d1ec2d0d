using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;
using Uwsgi.AspNetCore.Transport;
using Uwsgi.AspNetCore.Workers;

namespace Uwsgi.AspNetCore.Stats;

/// <summary>Reports a server that falls behind: connections wait too long, or requests hang for good.</summary>
internal sealed class UwsgiHealthCheck(
    Worker worker, ListeningSockets sockets, IOptions<UwsgiOptions> options, UwsgiHealthCheckOptions limits) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var queues = sockets.ReadQueues();
        var stuck = worker.StuckCount;
        var maxStuck = limits.MaxStuck ?? options.Value.HarakiriMaxStuck;
        var problems = new List<string>();
        foreach (var queue in queues)
        {
            if (queue.Length > GetMaxBacklog(queue))
            {
                problems.Add($"{queue.Length} connections of at most {queue.Limit} wait on {queue.Socket.Name}");
            }
        }

        if (stuck > maxStuck)
        {
            problems.Add($"{stuck} requests hang, more than {maxStuck}");
        }

        var totals = WorkerTotals.Of(worker);
        var data = new Dictionary<string, object>(StringComparer.Ordinal)
        {
            ["backlog"] = queues.Length == 0 ? 0 : queues.Max(static queue => queue.Length),
            ["maxBacklog"] = queues.Length == 0 ? 0 : queues.Max(static queue => queue.Limit),
            ["stuck"] = stuck,
            ["maxStuck"] = maxStuck,
            ["busy"] = totals.BusyCores,
            ["requests"] = totals.Requests,
            ["exceptions"] = totals.Exceptions,
            ["harakiris"] = worker.HarakiriCount,
        };
        return Task.FromResult(problems.Count == 0
            ? HealthCheckResult.Healthy(data: data)
            : new HealthCheckResult(context.Registration.FailureStatus, string.Join("; ", problems), data: data));
    }

    private double GetMaxBacklog(AcceptQueue queue) => limits.MaxBacklog < 1 ? limits.MaxBacklog * queue.Limit : limits.MaxBacklog;
}
