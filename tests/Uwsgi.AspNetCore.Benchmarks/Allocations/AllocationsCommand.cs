using Uwsgi.AspNetCore.Benchmarks.InMemory;

namespace Uwsgi.AspNetCore.Benchmarks.Allocations;

/// <summary>
/// Bytes per request of the whole process in steady state: exact, because nothing else runs and the client allocates nothing.
/// </summary>
internal static class AllocationsCommand
{
    private const int Batches = 5;

    private static readonly Case[] Cases =
    [
        new("fixed bytes, new connection", InMemoryServer.StartFixedAnswerAsync, OnNewConnection),
        new("Kestrel HTTP, new connection", () => InMemoryServer.StartHttpAsync(Requests.HttpClose), OnNewConnection),
        new("Kestrel HTTP, kept connection", () => InMemoryServer.StartHttpAsync(Requests.Http), OnKeptConnection),
        new("uwsgi, new connection", StartUwsgiAsync, OnNewConnection),
        new("SCGI, new connection", () => InMemoryServer.StartScgiAsync(Requests.Scgi), OnNewConnection),
        new("FastCGI, kept connection", () => InMemoryServer.StartFastCgiAsync(Requests.FastCgiKept), OnKeptConnection),
        new("uwsgi without Kestrel's share, request awaited", StartUwsgiAsync, server => server.RequestToDoorAsync(sendFirst: false)),
        new("uwsgi without Kestrel's share, request there at once", StartUwsgiAsync, server => server.RequestToDoorAsync(sendFirst: true)),
    ];

    public static async Task<int> RunAsync(IReadOnlyList<string> arguments)
    {
        var options = new CommandLineOptions(arguments);
        var requests = options.Number("--requests", 20_000);
        var types = options.Switch("--types");
        options.ThrowIfAnyLeft();

        Console.WriteLine("| one request | bytes allocated |");
        Console.WriteLine("| --- | ---: |");
        foreach (var (title, start, request) in Cases)
        {
            await using var server = await start();
            Console.WriteLine($"| {title} | {await MeasureAsync(server, requests, request):F1} |");
            if (types)
            {
                await PrintTypesAsync(server, requests, request);
            }
        }

        return 0;
    }

    private static Task<InMemoryServer> StartUwsgiAsync() => InMemoryServer.StartUwsgiAsync(Requests.Uwsgi);

    private static ValueTask OnNewConnection(InMemoryServer server) => server.RequestOnNewConnectionAsync();

    private static ValueTask OnKeptConnection(InMemoryServer server) => server.RequestOnKeptConnectionAsync();

    private static async Task<double> MeasureAsync(InMemoryServer server, int requests, Func<InMemoryServer, ValueTask> request)
    {
        // Code is compiled twice and pools fill before anything repeats itself.
        await RunAsync(server, requests, request);
        var least = long.MaxValue;
        for (var i = 0; i < Batches; i++)
        {
            var before = GC.GetTotalAllocatedBytes(precise: true);
            await RunAsync(server, requests, request);
            least = Math.Min(least, GC.GetTotalAllocatedBytes(precise: true) - before);
        }

        return (double)least / requests;
    }

    private static async Task PrintTypesAsync(InMemoryServer server, int requests, Func<InMemoryServer, ValueTask> request)
    {
        using var types = new AllocatedTypes();
        await RunAsync(server, requests, request);
        foreach (var (type, share) in types.Shares().Where(entry => entry.Share >= 0.01))
        {
            Console.WriteLine($"|   {share:P0} `{type}` | |");
        }
    }

    private static async Task RunAsync(InMemoryServer server, int requests, Func<InMemoryServer, ValueTask> request)
    {
        for (var i = 0; i < requests; i++)
        {
            await request(server);
        }
    }

    private sealed record Case(string Title, Func<Task<InMemoryServer>> Start, Func<InMemoryServer, ValueTask> Request);
}
