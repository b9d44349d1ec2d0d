using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.Tests.Shared;

public class ManualTimeProviderTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private readonly ManualTimeProvider _clock = new();

    [Fact]
    public void Advance_MovesEveryReading()
    {
        var before = _clock.GetUtcNow();
        var timestamp = _clock.GetTimestamp();

        _clock.Advance(12 * Second);

        Assert.Equal(12 * Second, _clock.GetUtcNow() - before);
        Assert.Equal(12 * Second, _clock.GetElapsedTime(timestamp));
    }

    [Fact]
    public void Advance_PastSeveralTimers_FiresThemInOrderAtTheirTime()
    {
        var fired = new List<(string Name, TimeSpan At)>();
        var start = _clock.GetUtcNow();
        void Arm(string name, TimeSpan due, TimeSpan period) => _clock.CreateTimer(
            _ => fired.Add((name, _clock.GetUtcNow() - start)), null, due, period);
        Arm("late", 3 * Second, Timeout.InfiniteTimeSpan);
        Arm("early", Second, Timeout.InfiniteTimeSpan);
        Arm("beat", 2 * Second, 2 * Second);

        _clock.Advance(5 * Second);

        Assert.Equal([("early", Second), ("beat", 2 * Second), ("late", 3 * Second), ("beat", 4 * Second)], fired);
        Assert.Equal(1, _clock.ArmedTimers);
    }

    [Fact]
    public void Change_WhileArmed_MovesTheTimer()
    {
        var fired = 0;
        using var timer = _clock.CreateTimer(_ => fired++, null, Second, Timeout.InfiniteTimeSpan);

        timer.Change(3 * Second, Timeout.InfiniteTimeSpan);
        _clock.Advance(2 * Second);
        Assert.Equal(0, fired);
        _clock.Advance(Second);

        Assert.Equal(1, fired);
    }

    [Fact]
    public void Change_ToInfinite_DisarmsTheTimer()
    {
        var fired = 0;
        using var timer = _clock.CreateTimer(_ => fired++, null, Second, Second);

        timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _clock.Advance(10 * Second);

        Assert.Equal(0, fired);
    }

    [Fact]
    public void Dispose_WhileArmed_DisarmsForGood()
    {
        var fired = 0;
        var timer = _clock.CreateTimer(_ => fired++, null, Second, Second);

        timer.Dispose();

        Assert.False(timer.Change(Second, Second));
        _clock.Advance(10 * Second);
        Assert.Equal(0, fired);
    }

    [Fact]
    public void Callback_RearmingItsTimer_FiresAgainWithinTheSameAdvance()
    {
        var fired = 0;
        ITimer? timer = null;
        timer = _clock.CreateTimer(
            _ =>
            {
                fired++;
                timer!.Change(Second, Timeout.InfiniteTimeSpan);
            },
            null,
            Second,
            Timeout.InfiniteTimeSpan);

        _clock.Advance(3 * Second);

        Assert.Equal(3, fired);
    }

    [Fact]
    public async Task DelaysAndTimeouts_OfTheFramework_FollowTheClock()
    {
        using var timeout = new CancellationTokenSource(2 * Second, _clock);
        var delay = Task.Delay(Second, _clock);
        Assert.Equal(2, _clock.ArmedTimers);

        _clock.Advance(Second);
        await delay.WithTimeoutAsync();
        Assert.False(timeout.IsCancellationRequested);
        _clock.Advance(Second);

        Assert.True(timeout.IsCancellationRequested);
    }

    [Fact]
    public async Task ZeroDueTime_FiresAtOnceOnAnotherThread()
    {
        var fired = new TaskCompletionSource();

        using var timer = _clock.CreateTimer(_ => fired.TrySetResult(), null, TimeSpan.Zero, Timeout.InfiniteTimeSpan);

        await fired.Task.WithTimeoutAsync();
    }

    [Fact]
    public async Task WaitForArmedTimersAsync_ReturnsWhenTheTimerIsThere()
    {
        var waiting = _clock.WaitForArmedTimersAsync();
        Assert.False(waiting.IsCompleted);

        using var timer = _clock.CreateTimer(_ => { }, null, Second, Timeout.InfiniteTimeSpan);

        await waiting;
    }
}
