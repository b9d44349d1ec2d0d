using System.IO.Pipelines;
using Uwsgi.AspNetCore.Hosting;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.Tests.Hosting;

public sealed class FastCgiOutputTests : IDisposable
{
    private readonly TimeoutClock _clock = new(TimeProvider.System);
    private readonly FastCgiOutput _output;

    public FastCgiOutputTests() => _output = new FastCgiOutput(
        new Pipe().Writer, new ConnectionTimeouts(_clock, this, static _ => { }, static (_, _) => { }));

    public void Dispose() => _clock.Dispose();

    [Fact]
    public async Task WaitAsync_TurnIsTaken_GetsItInTheOrderOfAsking()
    {
        Assert.True(_output.WaitAsync().IsCompletedSuccessfully);
        var second = _output.WaitAsync();
        var third = _output.WaitAsync();
        Assert.False(second.IsCompleted);

        _output.Release();
        await second.WithTimeoutAsync();
        Assert.False(third.IsCompleted);
        _output.Release();
        await third.WithTimeoutAsync();
        _output.Release();

        Assert.True(_output.WaitAsync().IsCompletedSuccessfully);
    }

    [Fact]
    public async Task WaitAsync_GivenUp_PassesTheTurnOn()
    {
        using var givenUp = new CancellationTokenSource();
        await _output.WaitAsync();
        var second = _output.WaitAsync(givenUp.Token);
        var third = _output.WaitAsync();

        await givenUp.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => second.WithTimeoutAsync());
        Assert.False(third.IsCompleted);
        _output.Release();
        await third.WithTimeoutAsync();
        _output.Release();

        Assert.True(_output.WaitAsync().IsCompletedSuccessfully);
    }

    [Fact]
    public async Task SealAsync_TurnIsTaken_WaitsForItAndClosesBehindIt()
    {
        await _output.WaitAsync();
        var sealing = _output.SealAsync().AsTask();
        Assert.False(sealing.IsCompleted);
        Assert.False(_output.IsClosed);

        _output.Release();
        await sealing.WithTimeoutAsync();

        Assert.True(_output.IsClosed);
        Assert.True(_output.WaitAsync().IsCompletedSuccessfully);
    }

    [Fact]
    public async Task WaitAsync_CancelledBefore_LeavesTheTurnFree()
    {
        Assert.True(_output.WaitAsync(new CancellationToken(canceled: true)).IsCanceled);

        await _output.WaitAsync().WithTimeoutAsync();
    }

    [Fact]
    public async Task WaitAsync_ByMany_LetsOneInAtATime()
    {
        var inside = 0;
        var most = 0;
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(async () =>
        {
            for (var i = 0; i < 1000; i++)
            {
                await _output.WaitAsync();
                most = Math.Max(most, Interlocked.Increment(ref inside));
                Interlocked.Decrement(ref inside);
                _output.Release();
            }
        }))).WithTimeoutAsync();

        Assert.Equal(1, most);
        Assert.True(_output.TryClose([]));
    }

    [Fact]
    public async Task TryClose_TurnIsTaken_IsRefused()
    {
        await _output.WaitAsync();
        Assert.False(_output.TryClose([]));
        _output.Release();

        Assert.True(_output.TryClose([]));
        Assert.True(_output.IsClosed);
    }
}
