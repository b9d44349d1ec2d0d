using System.Diagnostics;
using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Uwsgi.AspNetCore.Benchmarks.InMemory;

namespace Uwsgi.AspNetCore.Benchmarks.Operations;

/// <summary>
/// What each operation adds to a small request on a kept FastCGI connection: processor time and memory, in memory, in turns, so that what
/// disturbs the machine disturbs all alike.
/// </summary>
internal static class OperationsCommand
{
    public static async Task<int> RunAsync(IReadOnlyList<string> arguments)
    {
        var options = new CommandLineOptions(arguments);
        var rounds = options.Number("--rounds", 9);
        var requests = options.Number("--requests", 100_000);
        options.ThrowIfAnyLeft();

        List<Row> rows = [await StartAsync("nothing", null)];
        foreach (var name in OperationSwitches.All.Select(static operation => operation.Name).Append(OperationSwitches.Everything))
        {
            rows.Add(await StartAsync(name, builder => OperationSwitches.Add(builder, name)));
        }

        for (var round = 0; round <= rounds; round++)
        {
            foreach (var row in rows)
            {
                await row.MeasureAsync(requests, isWarmUp: round == 0);
            }
        }

        Console.WriteLine("| turned on | CPU per request | more than without | bytes allocated |");
        Console.WriteLine("| --- | ---: | ---: | ---: |");
        var without = Median(rows[0].Microseconds);
        foreach (var row in rows)
        {
            var more = Median(row.Microseconds.Zip(rows[0].Microseconds, static (mine, plain) => mine - plain));
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"| {row.Name} | {Median(row.Microseconds):F2} µs | {more:F2} µs ({more / without:P0}) | {row.Bytes.Min():F1} |"));
            await row.Server.DisposeAsync();
        }

        return 0;
    }

    private static async Task<Row> StartAsync(string name, Action<WebApplicationBuilder>? add) =>
        new(name, await InMemoryServer.StartFastCgiAsync(Requests.FastCgiKept, add));

    private static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return sorted[sorted.Length / 2];
    }

    private sealed record Row(string Name, InMemoryServer Server)
    {
        public List<double> Microseconds { get; } = [];

        public List<double> Bytes { get; } = [];

        public async Task MeasureAsync(int requests, bool isWarmUp)
        {
            var bytes = GC.GetTotalAllocatedBytes(precise: true);
            using var process = Process.GetCurrentProcess();
            var time = process.TotalProcessorTime;
            for (var i = 0; i < requests; i++)
            {
                await Server.RequestOnKeptConnectionAsync();
            }

            process.Refresh();
            if (!isWarmUp)
            {
                Microseconds.Add((process.TotalProcessorTime - time).TotalMicroseconds / requests);
                Bytes.Add((double)(GC.GetTotalAllocatedBytes(precise: true) - bytes) / requests);
            }
        }
    }
}
