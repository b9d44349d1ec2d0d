using System.Diagnostics;
using System.Globalization;
using Uwsgi.AspNetCore.Benchmarks.Comparison;
using Uwsgi.AspNetCore.Benchmarks.Comparison.Upstreams;

namespace Uwsgi.AspNetCore.Benchmarks.Blocking;

/// <summary>
/// Many requests that block their threads at the same time, and a fast endpoint polled beside them: how long it takes, and how long all together
/// take. Each measurement has a fresh process, because threads that were added stay for a while.
/// </summary>
internal static class BlockingCommand
{
    private const int WarmUpRequests = 200;

    public const string Usage = """
          --requests 64           requests that block for 200 ms each
          --rounds 5              measurements of each, of which the medians are shown
        """;

    public static async Task<int> RunAsync(IReadOnlyList<string> arguments)
    {
        var options = new CommandLineOptions(arguments);
        var requests = options.Number("--requests", 64);
        var rounds = options.Number("--rounds", 5);
        options.ThrowIfAnyLeft();

        var directory = Directory.CreateTempSubdirectory("uwsgi-blocking-");
        try
        {
            string[] paths = [BlockingEndpoints.Sleep, BlockingEndpoints.Result];
            var rows = paths.SelectMany(path => BlockingServer.All.Select(server => new Row(server, path))).ToArray();
            var number = 0;
            for (var round = 0; round < rounds; round++)
            {
                foreach (var row in rows)
                {
                    var site = new UpstreamSite(Scenario.Find("blocking"), directory.FullName, number++, Tcp: false);
                    Directory.CreateDirectory(site.WebRoot);
                    await using var running = await row.Server.Upstream.StartAsync(site);
                    row.Measure(running.Address, requests);
                }
            }

            Write(rows, requests);
        }
        finally
        {
            directory.Delete(recursive: true);
        }

        return 0;
    }

    private static void Write(IEnumerable<Row> rows, int requests)
    {
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{requests} requests that block for {BlockingEndpoints.Milliseconds} ms each, a fast one polled beside them, {Environment.ProcessorCount} processors"));
        Console.WriteLine();
        Console.WriteLine("| blocked by | server | fast, p50 | fast, p99 | all of them |");
        Console.WriteLine("| --- | --- | ---: | ---: | ---: |");
        foreach (var row in rows)
        {
            Console.WriteLine(
                $"| {row.Path[1..]} | {row.Server.Name} | {Spread.Of(row.Medians).ToString("F2", " ms")} | {Spread.Of(row.Tails).ToString("F1", " ms")} "
                + $"| {Spread.Of(row.Totals).ToString("F0", " ms")} |");
        }
    }

    private sealed record Row(BlockingServer Server, string Path)
    {
        public List<double> Medians { get; } = [];

        public List<double> Tails { get; } = [];

        public List<double> Totals { get; } = [];

        public void Measure(string address, int requests)
        {
            for (var i = 0; i < WarmUpRequests; i++)
            {
                Server.Request(BlockingEndpoints.Fast, address);
            }

            var start = Stopwatch.GetTimestamp();
            // Threads of their own: nothing here waits for a pool.
            var blocked = new Thread[requests];
            for (var i = 0; i < requests; i++)
            {
                blocked[i] = new Thread(() => Server.Request(Path, address));
                blocked[i].Start();
            }

            var times = new List<double>();
            while (Array.Exists(blocked, static thread => thread.IsAlive))
            {
                var asked = Stopwatch.GetTimestamp();
                Server.Request(BlockingEndpoints.Fast, address);
                times.Add(Stopwatch.GetElapsedTime(asked).TotalMilliseconds);
            }

            Totals.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            times.Sort();
            Medians.Add(times[times.Count / 2]);
            Tails.Add(times[Math.Min(times.Count - 1, times.Count * 99 / 100)]);
        }
    }
}
