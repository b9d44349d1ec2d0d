using Uwsgi.AspNetCore.Benchmarks.Comparison;
using Uwsgi.AspNetCore.Benchmarks.Soak.Serving;
using Uwsgi.AspNetCore.Benchmarks.Soak.Traffic;
using Uwsgi.AspNetCore.Benchmarks.Soak.Wire;

namespace Uwsgi.AspNetCore.Benchmarks.Soak;

/// <summary>
/// Two apps under the same load: one runs from start to end and may not grow, the other is stopped and started again the whole time.
/// </summary>
internal sealed class SoakRun(SoakOptions options, string directory, CancellationToken cancellationToken) : IAsyncDisposable
{
    private const int MostBlockers = 4;

    private static readonly TimeSpan RestartInterval = TimeSpan.FromSeconds(4);

    private readonly Tally _tally = new();
    private readonly Random _random = new(options.Seed);
    private SoakServer? _steady;
    private SoakServer? _restarted;

    private SoakServer Steady => _steady ?? throw new InvalidOperationException("Not started.");

    private SoakServer Restarted => _restarted ?? throw new InvalidOperationException("Not started.");

    /// <summary>Runs the warm-up and the load, with a look at the apps behind each.</summary>
    public async Task<SoakResult> RunAsync()
    {
        _steady = await StartAsync("steady");
        _restarted = await StartAsync("restarted");

        await LoadAsync(options.WarmUp);
        var before = await Steady.DrainAsync(descriptors: int.MaxValue);
        await LoadAsync(options.Main);
        var after = await Steady.DrainAsync(before.Descriptors);
        var other = await Restarted.DrainAsync(descriptors: int.MaxValue);

        foreach (var fault in Growth.FindFaults(before, after).Concat(Growth.FindLeftovers("restarted", other)))
        {
            _tally.AddFault(fault);
        }

        foreach (var server in (SoakServer[])[Steady, Restarted])
        {
            AddFaults(await server.StopAsync());
        }

        return new SoakResult(options, _tally, before, after, Restarted.Restarts, Tool.Nginx.IsInstalled);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var server in (SoakServer?[])[_steady, _restarted])
        {
            await (server?.DisposeAsync() ?? ValueTask.CompletedTask);
        }
    }

    private async Task<SoakServer> StartAsync(string name)
    {
        var addresses = SoakAddresses.Find(Directory.CreateDirectory(Path.Combine(directory, name)).FullName, _random);
        StaticBlob.WriteAll(addresses.StaticFiles);
        var server = new SoakServer(name, addresses, options.Transport);
        await server.StartAsync();
        return server;
    }

    private async Task LoadAsync(TimeSpan time)
    {
        SoakServer[] servers = [Steady, Restarted];
        List<Door> doors = [.. servers.SelectMany(Door.AllOf)];
        if (!Tool.Nginx.IsInstalled)
        {
            await LoadAsync(time, doors, []);
            return;
        }

        var (frontEnd, frontEndDoors) = await SoakFrontEnd.StartAsync(directory, servers);
        await using (frontEnd)
        {
            await LoadAsync(time, doors, frontEndDoors);
        }
    }

    private async Task LoadAsync(TimeSpan time, IReadOnlyList<Door> doors, IReadOnlyList<Door> frontEndDoors)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        end.CancelAfter(time);
        using var blockers = new SemaphoreSlim(MostBlockers);
        var clients = Enumerable.Range(0, options.Connections).Select(index =>
            new SoakClient(new Random(_random.Next()), doors, frontEndDoors, _tally, blockers, isPatient: index % 2 == 0));
        await Task.WhenAll([.. clients.Select(client => client.RunAsync(end.Token)), RestartAsync(end.Token)]);
        cancellationToken.ThrowIfCancellationRequested();
    }

    private async Task RestartAsync(CancellationToken end)
    {
        while (true)
        {
            await Task.Delay(RestartInterval, end).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (end.IsCancellationRequested)
            {
                return;
            }

            AddFaults(await Restarted.RestartAsync());
        }
    }

    private void AddFaults(IEnumerable<string> faults)
    {
        foreach (var fault in faults)
        {
            _tally.AddFault(fault);
        }
    }
}
