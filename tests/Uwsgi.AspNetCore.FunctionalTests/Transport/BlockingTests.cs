using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Uwsgi.AspNetCore.Testing;
using Uwsgi.AspNetCore.Transport.Loop;

namespace Uwsgi.AspNetCore.FunctionalTests.Transport;

/// <summary>Application code that keeps the threads it is given.</summary>
[Collection(nameof(BlockingTests))]
[CollectionDefinition(nameof(BlockingTests), DisableParallelization = true)]
public class BlockingTests
{
    public static TheoryData<UwsgiTransport> Transports => TransportServer.Transports;

    // Where the thread pool serves connections it would be exhausted, the clients' part of it, too.
    [SkippableFact]
    public async Task Many_requests_that_block_at_the_same_time_leave_others_answered()
    {
        const int Count = 64;
        using var arrived = new CountdownEvent(Count);
        var allArrived = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var release = new ManualResetEventSlim();
        await using var server = await TransportServer.StartAsync(UwsgiTransport.EventLoop, SocketKind.UnixFile, context =>
        {
            if (context.Request.Path == "/block")
            {
                if (arrived.Signal())
                    allArrived.SetResult();
                release.Wait(TestTimeouts.Default);
            }

            return context.Response.WriteAsync("hello");
        });

        var blocked = Enumerable.Range(0, Count).Select(_ => Task.Run(() => server.RequestAsync(UwsgiPacket.Nginx(target: "/block")))).ToArray();
        for (var i = 0; i < 20; i++)
            Assert.Equal("hello", (await server.RequestAsync(UwsgiPacket.Nginx())).Text);
        // Only when each of them has a thread.
        await allArrived.Task.WithTimeoutAsync();
        Assert.True(server.Services.GetRequiredService<LoopTransport>().ThreadCount >= Count);
        Assert.Equal("hello", (await server.RequestAsync(UwsgiPacket.Nginx())).Text);
        release.Set();

        Assert.All(await Task.WhenAll(blocked), response => Assert.Equal("hello", response.Text));
    }

    [SkippableTheory]
    [MemberData(nameof(Transports))]
    public async Task Waiting_for_a_task_in_the_middle_of_a_request_leaves_others_answered(UwsgiTransport transport)
    {
        const int Count = 64;
        var release = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = await TransportServer.StartAsync(
            transport,
            SocketKind.IPv4,
            context => context.Response.WriteAsync(context.Request.Path == "/block" ? release.Task.WithTimeoutAsync().Result : "hello"));

        var blocked = Enumerable.Range(0, Count).Select(_ => Task.Run(() => server.RequestAsync(UwsgiPacket.Nginx(target: "/block")))).ToArray();
        for (var i = 0; i < 20; i++)
            Assert.Equal("hello", (await server.RequestAsync(UwsgiPacket.Nginx())).Text);
        release.SetResult("released");

        Assert.All(await Task.WhenAll(blocked), response => Assert.Equal("released", response.Text));
    }

    [SkippableFact]
    public async Task Requests_that_compute_without_end_on_every_thread_leave_others_answered()
    {
        var count = Environment.ProcessorCount + 2;
        var isOver = false;
        var arrived = 0;
        var allArrived = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = await TransportServer.StartAsync(UwsgiTransport.EventLoop, SocketKind.UnixFile, context =>
        {
            if (context.Request.Path == "/spin")
            {
                if (Interlocked.Increment(ref arrived) == count)
                    allArrived.SetResult();
                while (!Volatile.Read(ref isOver))
                {
                }
            }

            return context.Response.WriteAsync("hello");
        });
        var loop = server.Services.GetRequiredService<LoopTransport>();

        var spinning = new List<Task<RawResponse>>();
        for (var i = 0; i < count; i++)
        {
            spinning.Add(server.RequestAsync(UwsgiPacket.Nginx(target: "/spin")));
            Assert.Equal("hello", (await server.RequestAsync(UwsgiPacket.Nginx())).Text);
        }

        // The last one may have come in behind the request that followed it.
        await allArrived.Task.WithTimeoutAsync();
        Assert.Equal("hello", (await server.RequestAsync(UwsgiPacket.Nginx())).Text);
        var threads = loop.ThreadCount;
        Volatile.Write(ref isOver, true);

        Assert.All(await Task.WhenAll(spinning), response => Assert.Equal("hello", response.Text));
        Assert.Equal(count, arrived);
        Assert.True(threads > arrived, $"There were {threads} threads.");
    }
}
