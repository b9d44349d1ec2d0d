using Uwsgi.AspNetCore.Benchmarks.Soak.Traffic;
using Uwsgi.AspNetCore.Benchmarks.Soak.Wire;

namespace Uwsgi.AspNetCore.Benchmarks.Soak;

/// <summary>One client after the other, each with something else in mind.</summary>
/// <param name="random">Decides everything.</param>
/// <param name="doors">Where it can go.</param>
/// <param name="frontEnds">Where it can go through a web server.</param>
/// <param name="tally">Takes the outcomes.</param>
/// <param name="blockers">Holds back requests that take a thread from the app.</param>
/// <param name="isPatient">Whether it ever behaves in a way that takes long: not all may, or nothing else would happen.</param>
internal sealed class SoakClient(
    Random random, IReadOnlyList<Door> doors, IReadOnlyList<Door> frontEnds, Tally tally, SemaphoreSlim blockers, bool isPatient)
{
    private static readonly TimeSpan ExchangeTimeout = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan RetryPause = TimeSpan.FromMilliseconds(20);

    private readonly RequestMix _mix = new(random, StaticBlob.All);
    private bool _hasBeenRefused;

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            await StepAsync();
            if (_hasBeenRefused)
            {
                _hasBeenRefused = false;
                await Task.Delay(RetryPause, CancellationToken.None);
            }
        }
    }

    private Task StepAsync()
    {
        var door = Pick(frontEnds.Count > 0 && random.Next(100) < 15 ? frontEnds : doors);
        return random.Next(100) switch
        {
            < 15 when door is { IsFrontEnd: false, Protocol: SoakProtocol.FastCgi } => MultiplexAsync(door),
            < 40 when door.Protocol is SoakProtocol.FastCgi or SoakProtocol.Http => KeepAsync(door),
            < 45 when !door.IsFrontEnd => MalformAsync(door),
            < 50 when isPatient => FailAsync(door),
            _ => ExchangeAsync(door, ChooseManner()),
        };
    }

    private async Task ExchangeAsync(Door door, Manner manner)
    {
        using var time = new CancellationTokenSource(ExchangeTimeout);
        var request = manner switch
        {
            Manner.ResetInUpload => _mix.Upload(1 + _mix.Size()),
            Manner.ResetInDownload => _mix.Download(1 + (4 * _mix.Size())),
            _ => _mix.Next(door),
        };
        var outcome = await Guard.RunAsync(() => Exchange.RunAsync(door, request, manner, random, time.Token));
        Report(manner == Manner.Plain ? door.Name : $"{door.Name}, {manner}", request, outcome);
    }

    private async Task FailAsync(Door door)
    {
        using var time = new CancellationTokenSource(ExchangeTimeout);
        var request = _mix.NextFailing();
        var blocks = request.Path == "/hang/block";
        if (blocks && !await blockers.WaitAsync(0, CancellationToken.None))
        {
            return;
        }

        var outcome = await Guard.RunAsync(() => Exchange.RunAsync(door, request, Manner.Plain, random, time.Token));
        Report($"{door.Name}, {request.Path}", request, outcome);
        if (blocks)
        {
            blockers.Release();
        }
    }

    private async Task MalformAsync(Door door)
    {
        using var time = new CancellationTokenSource(ExchangeTimeout);
        Report($"{door.Name}, malformed", null, await MalformedHead.RunAsync(door, random, time.Token));
    }

    private Task KeepAsync(Door door) => KeptSession.RunAsync(
        door,
        _mix,
        random,
        (request, outcome) => Report($"{door.Name}, kept", request, outcome),
        () => new CancellationTokenSource(ExchangeTimeout));

    private async Task MultiplexAsync(Door door)
    {
        using var time = new CancellationTokenSource(ExchangeTimeout);
        var way = $"{door.Name}, multiplexed";
        var session = new MultiplexedSession(door, _mix, random);
        var outcome = await Guard.RunAsync(async () =>
        {
            await session.RunAsync((request, outcome) => Report(way, request, outcome), time.Token);
            return default;
        });
        if (outcome.IsFault)
        {
            Report(way, null, outcome);
        }
    }

    private Manner ChooseManner() => random.Next(100) switch
    {
        < 2 when isPatient => Manner.SlowHead,
        < 4 when isPatient => Manner.SlowBody,
        < 8 when isPatient => Manner.SlowReader,
        < 14 => Manner.HalfClose,
        < 18 => Manner.ResetInHead,
        < 23 => Manner.ResetInUpload,
        < 28 => Manner.ResetInDownload,
        _ => Manner.Plain,
    };

    // Most go where somebody answers: a server that is down has nothing to show.
    private Door Pick(IReadOnlyList<Door> choice)
    {
        var door = choice[random.Next(choice.Count)];
        while (door.Server.IsDown && random.Next(10) != 0)
        {
            door = choice[random.Next(choice.Count)];
        }

        return door;
    }

    private void Report(string way, SoakRequest? request, Outcome outcome)
    {
        _hasBeenRefused |= outcome.Kind == OutcomeKind.Retried;
        tally.Add(way, request, outcome);
    }
}
