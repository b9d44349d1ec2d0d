using System.Diagnostics;
using System.Globalization;
using Uwsgi.AspNetCore.Benchmarks.InMemory;

namespace Uwsgi.AspNetCore.Benchmarks.Cost;

/// <summary>
/// The processor time of one request without sockets, protocol by protocol and in turns. With <c>--only</c> and many rounds it is a loop to profile.
/// </summary>
internal static class CostCommand
{
    private static readonly Case[] Cases =
    [
        new("http", () => InMemoryServer.StartHttpAsync(Requests.Http), static server => server.RequestOnKeptConnectionAsync()),
        new("uwsgi", () => InMemoryServer.StartUwsgiAsync(Requests.Uwsgi), static server => server.RequestToDoorAsync(sendFirst: true)),
        new("uwsgi-awaited", () => InMemoryServer.StartUwsgiAsync(Requests.Uwsgi), static server => server.RequestToDoorAsync(sendFirst: false)),
        new("scgi", () => InMemoryServer.StartScgiAsync(Requests.Scgi), static server => server.RequestToDoorAsync(sendFirst: true)),
        new("fastcgi", () => InMemoryServer.StartFastCgiAsync(Requests.FastCgiKept), static server => server.RequestOnKeptConnectionAsync()),
    ];

    public static async Task<int> RunAsync(IReadOnlyList<string> arguments)
    {
        var options = new CommandLineOptions(arguments);
        var rounds = options.Number("--rounds", 9);
        var requests = options.Number("--requests", 100_000);
        var only = options.Value("--only");
        options.ThrowIfAnyLeft();

        var rows = new List<Row>();
        foreach (var one in Cases.Where(one => only is null || one.Name == only))
        {
            rows.Add(new Row(one, await one.Start()));
        }

        for (var round = 0; round <= rounds; round++)
        {
            foreach (var row in rows)
            {
                await row.MeasureAsync(requests, isWarmUp: round == 0);
            }
        }

        Console.WriteLine("| request | CPU | bytes allocated |");
        Console.WriteLine("| --- | ---: | ---: |");
        foreach (var row in rows)
        {
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"| {row.Case.Name} | {row.Microseconds.Order().ElementAt(rounds / 2):F2} µs | {row.Bytes.Min():F1} |"));
            await row.Server.DisposeAsync();
        }

        return 0;
    }

    private sealed record Case(string Name, Func<Task<InMemoryServer>> Start, Func<InMemoryServer, ValueTask> Request);

    private sealed record Row(Case Case, InMemoryServer Server)
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
                await Case.Request(Server);
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
