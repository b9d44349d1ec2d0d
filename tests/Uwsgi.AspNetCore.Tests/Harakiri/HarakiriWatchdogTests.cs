using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.Tests.Harakiri;

public class HarakiriWatchdogTests
{
    [Fact]
    public void Sweep_StageByStage_CancelsTakesAndCloses()
    {
        using var host = new FakeHost(new UwsgiOptions { Harakiri = TimeSpan.FromSeconds(10), HarakiriGrace = TimeSpan.FromSeconds(5) });
        var request = new FakeRequest();
        var core = host.Enter(request);

        host.SweepAfter(9.9);
        Assert.False(core.IsOverdue);
        host.SweepAfter(0.2);
        Assert.True(core.IsOverdue);
        Assert.Equal(0, request.Taken);
        host.SweepAfter(4.9);
        Assert.Equal(0, request.Taken);
        host.SweepAfter(0.2);
        Assert.Equal((1, 0, 1), (request.Taken, request.Closed, host.Watchdog.Stuck));
        host.SweepAfter(1.1);
        host.SweepAfter(100);

        Assert.Equal((1, 1), (request.Taken, request.Closed));
        Assert.Equal(1, host.Worker.HarakiriCount);
        host.Worker.Leave(core);
        Assert.Equal((1, 0), (request.Forfeited, host.Watchdog.Stuck));
    }

    [Fact]
    public async Task Sweep_Deadline_CancelsTheTokenOfThisRequestOnly()
    {
        using var host = new FakeHost(new UwsgiOptions { Harakiri = TimeSpan.FromSeconds(10) });
        var core = host.Enter(new FakeRequest());
        var token = ((IHttpRequestLifetimeFeature)core.Lifetime).RequestAborted;

        host.SweepAfter(11);
        await token.WaitForCancellationAsync();
        host.Worker.Leave(core);

        Assert.Same(core, host.Enter(new FakeRequest()));
        Assert.False(((IHttpRequestLifetimeFeature)core.Lifetime).RequestAborted.IsCancellationRequested);
        host.SweepAfter(9);
        Assert.False(core.IsOverdue);
        Assert.Contains("stage: Cancelled", (await host.Logs.WaitForAsync("Harakiri")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Timeout_FirstOfCodeEndpointMountOption_Counts()
    {
        using var host = new FakeHost(new UwsgiOptions { Harakiri = TimeSpan.FromSeconds(1) });
        var core = host.Enter(new FakeRequest());
        var feature = (IHarakiriFeature)core;
        Assert.Equal(TimeSpan.FromSeconds(1), feature.Timeout);

        core.MountTimeout = TimeSpan.FromSeconds(2);
        Assert.Equal(TimeSpan.FromSeconds(2), feature.Timeout);
        Choose(new HarakiriAttribute(3));
        Assert.Equal(TimeSpan.FromSeconds(3), feature.Timeout);
        Choose(new DisableHarakiriAttribute());
        Assert.Null(feature.Timeout);
        Assert.Equal(0, core.Deadline);
        feature.Timeout = TimeSpan.FromSeconds(4);
        Choose(new HarakiriAttribute(3));
        Assert.Equal(TimeSpan.FromSeconds(4), feature.Timeout);
        Assert.Throws<ArgumentOutOfRangeException>(() => feature.Timeout = TimeSpan.Zero);

        host.Worker.Leave(core);
        Assert.Same(core, host.Enter(new FakeRequest()));
        Assert.Equal(TimeSpan.FromSeconds(1), feature.Timeout);

        void Choose(object metadata) => ((IEndpointFeature)core).Endpoint = new Endpoint(null, new EndpointMetadataCollection(metadata), null);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void EndpointReplacedByAnErrorPage_ItsLimitStays(bool isDisabled)
    {
        using var host = new FakeHost(new UwsgiOptions { Harakiri = TimeSpan.FromSeconds(1) });
        var core = host.Enter(new FakeRequest());
        var feature = (IEndpointFeature)core;
        feature.Endpoint = New(isDisabled ? new DisableHarakiriAttribute() : new HarakiriAttribute(60));
        host.SweepAfter(30);

        feature.Endpoint = null;
        host.SweepAfter(0);
        feature.Endpoint = New(new object());
        host.SweepAfter(0);

        Assert.False(core.IsOverdue);
        Assert.NotNull(feature.Endpoint);

        static Endpoint New(object metadata) => new(null, new EndpointMetadataCollection(metadata), null);
    }

    [Fact]
    public async Task TooManyStuck_StopAction_SetsTheExitCodeAndEndsTheProcessInTheEnd()
    {
        using var host = new FakeHost(new UwsgiOptions
        {
            Harakiri = TimeSpan.FromSeconds(1), HarakiriGrace = TimeSpan.Zero, HarakiriMaxStuck = 1, HarakiriAction = HarakiriAction.Stop,
        });
        host.Enter(new FakeRequest());
        host.SweepAfter(2);
        host.SweepAfter(0);
        Assert.Null(host.ExitCode);

        host.Enter(new FakeRequest());
        host.SweepAfter(2);
        host.SweepAfter(0);
        host.Watchdog.Sweep();
        await host.Stopped.WithTimeoutAsync();

        Assert.Equal(UwsgiExitCodes.Harakiri, host.ExitCode);
        Assert.Equal(LogLevel.Critical, (await host.Logs.WaitForAsync("TooManyStuck")).Level);
        host.SweepAfter(34);
        Assert.Null(host.ForcedExit);
        host.SweepAfter(2);
        Assert.Equal(UwsgiExitCodes.Harakiri, host.ForcedExit);
    }

    [Fact]
    public async Task Stopping_OnlyStuckRequestsLeft_IsCutShort()
    {
        using var host = new FakeHost(new UwsgiOptions { Harakiri = TimeSpan.FromSeconds(1), HarakiriGrace = TimeSpan.Zero });
        host.Enter(new FakeRequest());
        host.SweepAfter(2);
        host.SweepAfter(0);
        var other = host.Enter(new FakeRequest());
        using var stopping = new CancellationTokenSource();
        using var observation = host.Watchdog.CutShort(stopping);

        host.SweepAfter(0.5);
        host.SweepAfter(0.4);
        Assert.False(stopping.IsCancellationRequested);
        host.Worker.Leave(other);
        host.SweepAfter(0);

        // By then the connections of the stuck ones are closed, even if the thread pool has not had a moment.
        host.SweepAfter(5);

        await stopping.Token.WaitForCancellationAsync();
    }
}
