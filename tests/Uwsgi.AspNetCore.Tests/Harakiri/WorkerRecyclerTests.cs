using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.Tests.Harakiri;

public class WorkerRecyclerTests
{
    [Fact]
    public async Task MaxRequests_WithItsShareOfChance_StopsOnce()
    {
        using var host = new FakeHost(new UwsgiOptions { MaxRequests = 100 }, new Half());

        for (var i = 0; i < 104; i++)
            host.Worker.Leave(host.Enter(new FakeRequest()));
        Assert.Null(host.ExitCode);
        host.Worker.Leave(host.Enter(new FakeRequest()));
        host.Worker.Leave(host.Enter(new FakeRequest()));

        await host.Stopped.WithTimeoutAsync();
        Assert.Equal(UwsgiExitCodes.Recycle, host.ExitCode);
        Assert.Contains("MaxRequests", Assert.Single(host.Logs.Find("Recycling")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task MaxWorkerLifetime_IdleProcess_StopsWithASweep()
    {
        using var host = new FakeHost(new UwsgiOptions { MaxWorkerLifetime = TimeSpan.FromSeconds(100) }, new Half());

        host.SweepAfter(104);
        Assert.Null(host.ExitCode);
        host.SweepAfter(2);

        await host.Stopped.WithTimeoutAsync();
        Assert.Equal(UwsgiExitCodes.Recycle, host.ExitCode);
    }

    [Fact]
    public async Task ReloadOnRss_IsLookedAtOnceASecond()
    {
        using var host = new FakeHost(new UwsgiOptions { ReloadOnRss = 100 }, new Half()) { Resident = 104L << 20 };

        host.SweepAfter(2);
        host.Resident = 106L << 20;
        host.SweepAfter(0.5);
        Assert.Null(host.ExitCode);
        host.SweepAfter(0.6);

        await host.Stopped.WithTimeoutAsync();
        Assert.Equal(UwsgiExitCodes.Recycle, host.ExitCode);
    }

    private sealed class Half : Random
    {
        public override double NextDouble() => 0.5;
    }
}
