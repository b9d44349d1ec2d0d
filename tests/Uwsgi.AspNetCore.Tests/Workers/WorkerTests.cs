using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Options;
using Uwsgi.AspNetCore.Testing;
using Uwsgi.AspNetCore.Workers;

namespace Uwsgi.AspNetCore.Tests.Workers;

public class WorkerTests
{
    [Fact]
    public void Enter_FreeCores_TakesTheOneUsedLast()
    {
        var worker = NewWorker();
        var (first, second, third) = (worker.Enter(NewContext()), worker.Enter(NewContext()), worker.Enter(NewContext()));
        Assert.Equal([0, 1, 2], [first.Id, second.Id, third.Id]);

        worker.Leave(third);
        worker.Leave(first);

        Assert.Equal(first.Id, worker.Enter(NewContext()).Id);
        Assert.Equal(third.Id, worker.Enter(NewContext()).Id);
        Assert.Equal(3, worker.Enter(NewContext()).Id);
        Assert.Equal(4, worker.Cores.Length);
    }

    [Theory]
    [InlineData(false, false, "0 /a, 1 b.test, 2 ")]
    [InlineData(true, false, "0 /a, 1 b.test, 2 one, 3 two, 4 ")]
    [InlineData(true, true, "0 /a, 1 b.test, 2 one, 3 two")]
    public void Apps_AreNumberedInTheOrderOfTheMounts(bool dynamicApps, bool noDefaultApp, string expected)
    {
        var options = new UwsgiOptions { DynamicApps = dynamicApps, NoDefaultApp = noDefaultApp, Mounts = { ["/a"] = "one", ["b.test"] = "two" } };

        var worker = new Worker(Options.Create(options), [], apps: [new("one", _ => { }), new("two", _ => { })]);

        Assert.Equal(expected, string.Join(", ", worker.Apps.Select(app => $"{app.Id} {app.MountPoint}")));
    }

    [Fact]
    public async Task Enter_ManyAtOnce_NeverSharesACore()
    {
        var worker = NewWorker();
        var owners = new int[64];

        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() =>
        {
            for (var i = 0; i < 20_000; i++)
            {
                var core = worker.Enter(NewContext());
                Assert.Equal(1, Interlocked.Increment(ref owners[core.Id]));
                Interlocked.Decrement(ref owners[core.Id]);
                worker.Leave(core);
            }
        })));

        Assert.InRange(worker.Cores.Length, 1, 8);
        var total = 0L;
        foreach (var core in worker.Cores)
            total += core.Requests;
        Assert.Equal(160_000, total);
    }

    [Fact]
    public void Sequence_IsOddInsideARequest_AndNewForEach()
    {
        var worker = NewWorker();

        var core = worker.Enter(NewContext());
        var first = core.Sequence;
        Assert.True(core.IsBusy);
        worker.Leave(core);
        Assert.False(core.IsBusy);
        Assert.Null(core.Request);
        worker.Enter(NewContext());

        Assert.Equal(first + 2, core.Sequence);
    }

    [Fact]
    public void Leave_RunningTime_IsTheRequests_AndStaticFilesDoNotCount()
    {
        var time = new ManualTimeProvider();
        var worker = NewWorker(time);

        var core = worker.Enter(NewContext());
        time.Advance(TimeSpan.FromSeconds(2));
        worker.Leave(core);
        core = worker.Enter(NewContext());
        core.NoteStatic();
        time.Advance(TimeSpan.FromSeconds(5));
        worker.Leave(core);

        Assert.Equal(TimeSpan.FromSeconds(2), time.GetElapsedTime(0, core.RunningTicks));
        Assert.Equal(TimeSpan.FromSeconds(1), worker.AverageTime);
        Assert.Equal((2L, 1L), (core.Requests, core.StaticRequests));
        Assert.Equal(1, worker.DefaultApp.Requests);
    }

    [Fact]
    public void Apps_AreTheMountsInTheirOrder_ThenTheHostsOwn()
    {
        var options = new UwsgiOptions { Mounts = { ["/b"] = "x", ["/a"] = "y" } };

        Assert.Equal(["/b", "/a", ""], NewWorker(options: options).Apps.Select(app => app.MountPoint));
        options.NoDefaultApp = true;
        Assert.Equal(["/b", "/a"], NewWorker(options: options).Apps.Select(app => app.MountPoint));
        Assert.Equal([""], NewWorker().Apps.Select(app => app.MountPoint));
    }

    [Fact]
    public void Observers_SeeTheRequestBeforeItsCoreIsCleared()
    {
        var observer = new Observer();
        var worker = new Worker(Options.Create(new UwsgiOptions()), [observer]);

        worker.Leave(worker.Enter(NewContext()));

        Assert.Equal(("/here", 1L, ""), observer.Seen);
    }

    [Fact]
    public void Observers_OneThrows_TheOthersSeeTheRequestAndTheCoreIsFree()
    {
        var observer = new Observer();
        var worker = new Worker(Options.Create(new UwsgiOptions()), [new FailingObserver(), observer]);

        Assert.Throws<InvalidOperationException>(() => worker.Leave(worker.Enter(NewContext())));

        Assert.Equal(("/here", 1L, ""), observer.Seen);
        Assert.False(worker.Cores[0].IsBusy);
        Assert.Same(worker.Cores[0], worker.Enter(NewContext()));
    }

    [Fact]
    public async Task ResponseWriter_KeptBeyondItsRequest_NeverReachesTheNextOne()
    {
        var worker = NewWorker();
        var first = NewContext();
        var core = worker.Enter(first);
        var (kept, body) = (first.Response.BodyWriter, first.Features.GetRequiredFeature<IHttpResponseBodyFeature>());
        worker.Leave(core);
        var next = NewContext();
        var written = new MemoryStream();
        next.Features.Set<IHttpResponseBodyFeature>(new StreamResponseBodyFeature(written));
        Assert.Same(core, worker.Enter(next));

        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await kept.WriteAsync("late"u8.ToArray()));
        Assert.Throws<ObjectDisposedException>(() => body.Stream);
        await next.Response.BodyWriter.WriteAsync("own"u8.ToArray());

        Assert.Equal("own", System.Text.Encoding.ASCII.GetString(written.ToArray()));
        Assert.Equal(3, core.Counters?.BodyBytesSent);
    }

    private static Worker NewWorker(TimeProvider? time = null, UwsgiOptions? options = null) => new(Options.Create(options ?? new()), [], time);

    private static DefaultHttpContext NewContext() => new() { Request = { Path = "/here" } };

    private sealed class Observer : IRequestObserver
    {
        public (string?, long, string?) Seen { get; private set; }

        public bool IsEnabled => true;

        public void RequestEnded(Core core, TimeSpan elapsed) => Seen = (core.Request?.Path, core.AppRequest, core.App?.MountPoint);
    }

    private sealed class FailingObserver : IRequestObserver
    {
        public bool IsEnabled => true;

        public void RequestEnded(Core core, TimeSpan elapsed) => throw new InvalidOperationException("The disk is full.");
    }
}
