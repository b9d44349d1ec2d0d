using System.Net;
using Uwsgi.AspNetCore.Workers;

namespace Uwsgi.AspNetCore.Stats;

/// <summary>One of the requests that are running, as it was seen from outside.</summary>
internal sealed record RunningRequest(int Core, string Method, string Path, string? Mount, IPAddress? Remote, TimeSpan Elapsed)
{
    /// <summary>Finds those that have been running for the longest time.</summary>
    /// <param name="worker">The worker.</param>
    /// <param name="asking">The core that is not wanted: the one of the request which asks.</param>
    /// <param name="most">The most to return.</param>
    /// <param name="busy">How many were running, without the one that asks.</param>
    public static IReadOnlyList<RunningRequest> FindLongest(Worker worker, Core? asking, int most, out int busy)
    {
        var now = worker.Time.GetTimestamp();
        var candidates = new List<(Core Core, int Sequence, long Start)>();
        foreach (var core in worker.Cores)
        {
            var sequence = core.Sequence;
            if ((sequence & 1) != 0 && core != asking)
            {
                candidates.Add((core, sequence, core.StartTimestamp));
            }
        }

        busy = candidates.Count;
        candidates.Sort(static (x, y) => x.Start.CompareTo(y.Start));
        return [.. candidates
            .Select(candidate => TryRead(candidate.Core, candidate.Sequence, worker.Time.GetElapsedTime(candidate.Start, now)))
            .OfType<RunningRequest>()
            .Take(most)];
    }

    // The request goes on, and may end, while it is read: what does not belong to it alone is thrown away.
    private static RunningRequest? TryRead(Core core, int sequence, TimeSpan elapsed)
    {
        try
        {
            if (core.Request is not { } request)
            {
                return null;
            }

            // The host's own pipeline, which needs no mount, is chosen when nobody else was.
            var mount = core.IsStatic ? null : (core.App?.MountPoint ?? string.Empty);
            var running = new RunningRequest(
                core.Id, request.Method, request.PathBase + request.Path, mount, core.Connection?.RemoteIpAddress, elapsed);
            Interlocked.MemoryBarrier();
            return core.Sequence == sequence ? running : null;
        }
        catch (Exception)
        {
            // Objects of a request that has ended meanwhile may throw anything.
            return null;
        }
    }
}
