using Uwsgi.AspNetCore.Benchmarks.InMemory;

namespace Uwsgi.AspNetCore.Benchmarks.Allocations;

/// <summary>Bytes per request of the whole process in steady state; exact, because nothing else runs and the client allocates nothing.</summary>
internal static class AllocationsCommand
{
    private const int Batches = 5;

    public static async Task<int> RunAsync(IReadOnlyList<string> arguments)
    {
        var options = new CommandLineOptions(arguments);
        var requests = options.Number("--requests", 20_000);
        options.ThrowIfAnyLeft();

        Console.WriteLine("| one request | bytes allocated |");
        Console.WriteLine("| --- | ---: |");
        await PrintAsync("nothing but the connection: a middleware that writes fixed bytes", requests, StartFixedAnswerAsync, server => server.RequestOnNewConnectionAsync());
        await PrintAsync("Kestrel HTTP, new connection", requests, () => InMemoryServer.StartAsync(Requests.HttpClose), server => server.RequestOnNewConnectionAsync());
        await PrintAsync("Kestrel HTTP, kept connection", requests, () => InMemoryServer.StartAsync(Requests.Http), server => server.RequestOnKeptConnectionAsync());
        return 0;
    }

    private static Task<InMemoryServer> StartFixedAnswerAsync() => InMemoryServer.StartAsync(Requests.HttpClose, listen => listen.Use(FixedAnswer.Create));

    private static async Task PrintAsync(string title, int requests, Func<Task<InMemoryServer>> start, Func<InMemoryServer, ValueTask> request)
    {
        await using var server = await start();
        // Code is compiled twice and pools fill before anything repeats itself.
        await RunAsync(server, requests, request);
        var least = long.MaxValue;
        for (var i = 0; i < Batches; i++)
        {
            var before = GC.GetTotalAllocatedBytes(precise: true);
            await RunAsync(server, requests, request);
            least = Math.Min(least, GC.GetTotalAllocatedBytes(precise: true) - before);
        }

        Console.WriteLine($"| {title} | {(double)least / requests:F1} |");
    }

    private static async Task RunAsync(InMemoryServer server, int requests, Func<InMemoryServer, ValueTask> request)
    {
        for (var i = 0; i < requests; i++)
            await request(server);
    }
}
