using System.Net.Sockets;
using Uwsgi.AspNetCore.Benchmarks.Soak.Wire;

namespace Uwsgi.AspNetCore.Benchmarks.Soak.Traffic;

/// <summary>Some requests, one after the other, on one connection of FastCGI or HTTP.</summary>
internal static class KeptSession
{
    private const int MostRequests = 16;

    /// <param name="door">Where they go.</param>
    /// <param name="mix">Makes the requests up.</param>
    /// <param name="random">Decides.</param>
    /// <param name="report">Takes each outcome.</param>
    /// <param name="timeout">Starts an exchange's time.</param>
    public static async Task RunAsync(
        Door door, RequestMix mix, Random random, Action<SoakRequest?, Outcome> report, Func<CancellationTokenSource> timeout)
    {
        var generation = door.Server.Generation;
        Link link;
        try
        {
            using var connecting = timeout();
            link = await Link.ConnectAsync(door.EndPoint, hasSmallBuffer: false, connecting.Token);
        }
        catch (SocketException refused)
        {
            report(null, Exchange.Refused(door, generation, refused));
            return;
        }

        using (link)
        {
            var isFirst = true;
            for (var (left, id) = (random.Next(2, MostRequests), (ushort)random.Next(1, 1000)); left > 0; left--, id++)
            {
                using var time = timeout();
                var request = mix.Next(door);
                var manner = left == 1 && random.Next(4) == 0 ? Manner.ResetInDownload : Manner.Plain;
                var outcome = await Guard.RunAsync(
                    () => new Exchange(link, door, generation, random).RunAsync(request, manner, keep: true, id, time.Token));
                // A web server may close a kept connection between two requests, and does so when it could not pass on all of the one before.
                var isClosedBetween = door.IsFrontEnd && !isFirst && outcome.Kind == OutcomeKind.Error;
                report(request, isClosedBetween ? new(OutcomeKind.Retried) : outcome);
                isFirst = false;
                if (outcome.Kind != OutcomeKind.Right)
                {
                    return;
                }
            }
        }
    }
}
