using System.Globalization;
using Microsoft.AspNetCore.Http;
using Uwsgi.AspNetCore.FunctionalTests.Gateway;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.FunctionalTests.Transport;

/// <summary>What a server has of the system. They look at the whole process, so nothing else runs meanwhile.</summary>
[Collection(nameof(ResourceTests))]
public class ResourceTests
{
    private const int Connections = 500;

    public static TheoryData<UwsgiTransport> Transports => TransportServer.Transports;

    [SkippableTheory]
    [MemberData(nameof(Transports))]
    public async Task After_connections_of_every_kind_a_stop_gives_all_descriptors_and_threads_back(UwsgiTransport transport)
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "Descriptors and threads are counted in /proc.");
        await ServeAsync(transport, 50);
        await CollectAsync();
        var descriptors = Descriptors();

        await ServeAsync(transport, Connections);

        await CollectAsync();
        await UntilAsync(() => CountDescriptors() <= descriptors.Count, () => Describe(descriptors));
        await UntilAsync(() => LoopThreads().Count == 0, () => $"{LoopThreads().Count} threads of the loop are left");
    }

    [SkippableFact]
    public async Task Fifty_servers_one_after_the_other_leave_nothing_behind()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "Descriptors and threads are counted in /proc.");
        await ServeAsync(UwsgiTransport.EventLoop, 8);
        await CollectAsync();
        var descriptors = Descriptors();

        for (var i = 0; i < 50; i++)
            await ServeAsync(UwsgiTransport.EventLoop, 8);

        await CollectAsync();
        await UntilAsync(() => CountDescriptors() <= descriptors.Count, () => Describe(descriptors));
        await UntilAsync(() => LoopThreads().Count == 0, () => $"{LoopThreads().Count} threads of the loop are left");
    }

    [SkippableFact]
    public async Task An_idle_server_needs_no_processor_whatever_its_connections_are_in_the_middle_of()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "The time of threads is in /proc.");
        var writing = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = await TransportServer.StartAsync(
            UwsgiTransport.EventLoop,
            SocketKind.IPv4,
            async context =>
            {
                if (context.Request.Path == "/endless")
                {
                    while (!context.RequestAborted.IsCancellationRequested)
                    {
                        var write = context.Response.Body.WriteAsync(new byte[100_000]);
                        if (!write.IsCompleted)
                            writing.TrySetResult();
                        await write;
                    }
                }

                await release.Task;
            },
            options => options.Uwsgi = uwsgi => uwsgi.AbortOnHalfClose = false);
        using var silent = await server.ConnectSocketAsync();
        using var half = await server.ConnectSocketAsync();
        await half.SendAsync(UwsgiPacket.Nginx().ToArray().AsMemory(0, 20));
        using var waiting = await server.ConnectSocketAsync();
        await waiting.SendAsync(UwsgiPacket.Nginx().ToArray());
        using var halfClosed = await server.ConnectSocketAsync();
        await halfClosed.SendAsync(UwsgiPacket.Nginx().ToArray());
        halfClosed.CompleteSending();
        using var full = await server.ConnectSocketAsync();
        await full.SendAsync(UwsgiPacket.Nginx(target: "/endless").ToArray());
        await writing.Task.WithTimeoutAsync();

        // Another server's requests let the time pass.
        await ServeAsync(UwsgiTransport.Sockets, 100);
        var before = LoopThreads();
        await ServeAsync(UwsgiTransport.Sockets, Connections);
        var used = LoopThreads().Sum(thread => thread.Value - before.GetValueOrDefault(thread.Key));

        Assert.InRange(TimeSpan.FromMicroseconds(used / 1000.0).TotalMilliseconds, 0, 30);
        full.Reset();
        release.SetResult();
    }

    private static async Task ServeAsync(UwsgiTransport transport, int connections)
    {
        await using var server = await TransportServer.StartAsync(
            transport,
            SocketKind.IPv4,
            async context =>
            {
                await context.Request.Body.CopyToAsync(Stream.Null);
                if (context.Request.Path == "/abort")
                    context.Abort();
                else
                    await context.Response.WriteAsync(new string('x', 200_000));
            },
            options => options.Protocol = null);
        await Parallel.ForAsync(0, connections, new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (number, _) =>
        {
            var request = Speaker.Everybody[number % 4].Request(number % 7 == 0 ? "/abort" : "/", new string('y', 5000));
            using var client = await server.ConnectSocketAsync();
            await client.SendAsync(request.AsMemory(0, number % 5 == 0 ? number % request.Length : request.Length));
            switch (number % 6)
            {
                case 0:
                    client.Reset();
                    return;
                case 1:
                    return;
                case 2:
                    client.CompleteSending();
                    break;
                case 3 when number % 5 == 0:
                    return;
            }

            if (number % 5 == 0)
                return;
            await client.ReadToEndOrResetAsync();
        });
    }

    private static int CountDescriptors() => Descriptors().Count;

    // "socket:[123]", "anon_inode:[eventpoll]", a file's path.
    private static List<string> Descriptors() =>
        [.. Directory.GetFileSystemEntries("/proc/self/fd").Select(path => new FileInfo(path).LinkTarget ?? "gone")];

    private static string Describe(IReadOnlyList<string> before) =>
        $"{before.Count} descriptors became: {string.Join(", ", Kinds(Descriptors()).Except(Kinds(before)))}";

    private static IEnumerable<string> Kinds(IEnumerable<string> descriptors) =>
        descriptors.GroupBy(target => target.Split('[')[0] == "anon_inode:" ? target : target.Split(':')[0]).Select(group => $"{group.Count()} {group.Key}");

    // The processor time of each, in nanoseconds.
    private static Dictionary<string, long> LoopThreads()
    {
        var threads = new Dictionary<string, long>();
        foreach (var task in Directory.GetDirectories("/proc/self/task"))
        {
            try
            {
                if (File.ReadAllText($"{task}/comm").StartsWith("uwsgi", StringComparison.Ordinal))
                    threads[task] = long.Parse(File.ReadAllText($"{task}/schedstat").Split(' ')[0], CultureInfo.InvariantCulture);
            }
            catch (IOException)
            {
                // It has just ended.
            }
        }

        return threads;
    }

    // Whatever test code has not disposed is no leak of the server's.
    private static async Task CollectAsync()
    {
        for (var i = 0; i < 2; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        await UntilAsync(() => LoopThreads().Count == 0, () => $"{LoopThreads().Count} threads of the loop are left");
    }

    // The system tells nobody when a thread is gone.
    private static async Task UntilAsync(Func<bool> condition, Func<string> describe)
    {
        using var timeout = new CancellationTokenSource(TestTimeouts.Default);
        while (!condition())
        {
            Assert.False(timeout.IsCancellationRequested, describe());
            await Task.Yield();
        }
    }
}

[CollectionDefinition(nameof(ResourceTests), DisableParallelization = true)]
public class ResourceTestsRunAlone;
