using Microsoft.AspNetCore.Server.Kestrel.Core;
using Uwsgi.AspNetCore.Hosting;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.Tests.Hosting;

public sealed class ConnectionTimeoutsTests : IDisposable
{
    private static readonly MinDataRate Rate = new(bytesPerSecond: 100, gracePeriod: TimeSpan.FromSeconds(2));

    private readonly ManualTimeProvider _time = new();
    private readonly TimeoutClock _clock;
    private readonly ConnectionTimeouts _timeouts;

    public ConnectionTimeoutsTests()
    {
        _clock = new TimeoutClock(_time);
        _timeouts = new ConnectionTimeouts(_clock, this, static _ => { }, static (_, _) => { });
    }

    public void Dispose() => _clock.Dispose();

    [Theory]
    [InlineData(false, true)]
    [InlineData(true, false)]
    public void Reset_AfterSlowReads_ForgetsThem(bool resets, bool expected)
    {
        _timeouts.SetReadRate(Rate);
        Wait(TimeSpan.FromSeconds(1));
        if (resets)
        {
            _timeouts.Reset();
            _timeouts.SetReadRate(Rate);
        }

        Wait(TimeSpan.FromSeconds(2));

        Assert.Equal(expected, _timeouts.IsReadExpired);
    }

    [Fact]
    public void Reset_AfterExpiry_IsNotExpired()
    {
        _timeouts.StartRead(TimeSpan.FromSeconds(1));
        _time.Advance(TimeSpan.FromSeconds(2));
        _timeouts.StopRead();
        Assert.True(_timeouts.IsReadExpired);

        _timeouts.Reset();

        Assert.False(_timeouts.IsReadExpired);
    }

    [Fact]
    public void CanBeReused_AfterExpiry_NeverAgain()
    {
        Wait(TimeSpan.FromSeconds(1));
        Assert.True(_timeouts.CanBeReused);

        _timeouts.StartRead(TimeSpan.FromSeconds(1));
        _time.Advance(TimeSpan.FromSeconds(2));
        _timeouts.StopRead();
        Wait(TimeSpan.FromSeconds(1));

        Assert.False(_timeouts.CanBeReused);
    }

    private void Wait(TimeSpan time)
    {
        _timeouts.StartRead(TimeSpan.FromHours(1));
        _time.Advance(time);
        _timeouts.StopRead();
    }
}
