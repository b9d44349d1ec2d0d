using System.Collections.Concurrent;
using System.Globalization;
using Uwsgi.AspNetCore.InteropTests.Children;
using Uwsgi.AspNetCore.InteropTests.Http;
using Uwsgi.AspNetCore.InteropTests.Processes;
using Uwsgi.AspNetCore.InteropTests.Servers;
using Xunit.Abstractions;

namespace Uwsgi.AspNetCore.InteropTests;

/// <summary>Two processes behind one nginx upstream, one on a unix socket and one on TCP, and one of them dies.</summary>
public sealed class ClusterTests(ITestOutputHelper output)
{
    private const int Clients = 8;
    private const int RequestsBeforeTheKill = 400;
    private const int RequestsAfterTheKill = 400;

    private static readonly string[] IdempotentMethods = ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"];

    [SkippableTheory]
    [InlineData("unix")]
    [InlineData("tcp")]
    public async Task MemberKilledUnderLoad_LosesNoIdempotentRequest(string victim)
    {
        using var directory = new TemporaryDirectory();
        await using var unix = await ChildProcess.StartAsync(directory["app.sock"]);
        await using var tcp = await ChildProcess.StartAsync("127.0.0.1:0");
        await using var nginx = await StartNginxAsync(unix, tcp);
        var (killed, survivor) = victim == "unix" ? (unix, tcp) : (tcp, unix);
        using var load = new Load(nginx);

        var working = load.RunAsync();
        await load.WaitForAsync(RequestsBeforeTheKill);
        Assert.Contains(killed.Process.Id, load.Answers.Keys);
        await killed.KillAsync();
        await load.WaitForAsync(load.Count + RequestsAfterTheKill);
        await load.StopAsync(working);

        output.WriteLine($"{nginx.Version}: {load.Count} requests, {load.Answers[killed.Process.Id]} of them to the member that was killed.");
        Assert.Empty(load.Failures);
        Assert.True(load.Answers[survivor.Process.Id] > RequestsAfterTheKill / 2);
    }

    [SkippableFact]
    public async Task MemberKilledWithARequestInHand_AnotherAnswersIt()
    {
        using var directory = new TemporaryDirectory();
        await using var holding = await ChildProcess.StartAsync(directory["app.sock"], "Hold=true");
        await using var prompt = await ChildProcess.StartAsync("127.0.0.1:0");
        await using var nginx = await StartNginxAsync(holding, prompt);

        var requests = Enumerable.Range(0, 4)
            .Select(_ => RawHttpConnection.SendAsync(nginx["site"], new RawRequest("GET", "/hold"))).ToArray();
        await holding.Process.WaitForLineAsync(line => line == ChildApp.Holding);
        await holding.KillAsync();
        var responses = await Task.WhenAll(requests).OrTimeout();

        Assert.All(responses, response => Assert.Equal($"{prompt.Process.Id}", response.Text));
    }

    [SkippableFact]
    public async Task MemberStartedAgainOnItsOldSocket_ServesAgain()
    {
        using var directory = new TemporaryDirectory();
        await using var first = await ChildProcess.StartAsync(directory["app.sock"]);
        await using var tcp = await ChildProcess.StartAsync("127.0.0.1:0");
        await using var nginx = await StartNginxAsync(first, tcp);
        await first.KillAsync();
        Assert.True(File.Exists(directory["app.sock"]));

        await using var second = await ChildProcess.StartAsync(directory["app.sock"]);

        using var timeout = TestTimeout.Start();
        string answer;
        do
        {
            timeout.Token.ThrowIfCancellationRequested();
            answer = (await RawHttpConnection.SendAsync(nginx["site"], new RawRequest("GET", "/answer"))).Text;
        }
        while (answer != $"{second.Process.Id}");
    }

    private static Task<NginxServer> StartNginxAsync(ChildProcess first, ChildProcess second) => NginxServer.StartAsync(
        "site",
        """
        location / {
            include uwsgi_params;
            uwsgi_pass app;
            uwsgi_next_upstream error timeout;
        }
        """,
        $$"""
        upstream app {
            server {{first.Address}} fail_timeout=1s;
            server {{second.Address}} fail_timeout=1s;
        }
        """);

    /// <summary>Clients that send one idempotent request after the other.</summary>
    private sealed class Load(NginxServer nginx) : IDisposable
    {
        private readonly SemaphoreSlim _answered = new(0);
        private int _count;
        private int _awaited;
        private volatile bool _stopped;

        /// <summary>Gets how many requests each process has answered.</summary>
        public ConcurrentDictionary<int, int> Answers { get; } = new();

        public ConcurrentQueue<string> Failures { get; } = new();

        public int Count => Volatile.Read(ref _count);

        public Task RunAsync() => Task.WhenAll(Enumerable.Range(0, Clients).Select(_ => Task.Run(WorkAsync)));

        /// <summary>Waits until so many requests have been answered since the start.</summary>
        public async Task WaitForAsync(int count)
        {
            for (; _awaited < count; _awaited++)
            {
                Assert.True(await _answered.WaitAsync(TestTimeout.Duration), $"Only {Count} answers came.");
            }
        }

        public async Task StopAsync(Task working)
        {
            _stopped = true;
            await working.OrTimeout();
        }

        public void Dispose() => _answered.Dispose();

        private async Task WorkAsync()
        {
            while (!_stopped)
            {
                await SendAsync(IdempotentMethods[Interlocked.Increment(ref _count) % IdempotentMethods.Length]);
                _answered.Release();
            }
        }

        private async Task SendAsync(string method)
        {
            var request = new RawRequest(method, "/answer");
            var response = await RawHttpConnection.SendAsync(nginx["site"], method == "PUT" ? request.WithBody(new byte[10_000]) : request);
            if (response.Status != 200 || !response.IsComplete)
            {
                Failures.Enqueue($"{method}: {response.Status}\n{nginx.ErrorLog}");
            }
            else if (method != "HEAD")
            {
                Answers.AddOrUpdate(int.Parse(response.Text, CultureInfo.InvariantCulture), 1, (_, count) => count + 1);
            }
        }
    }
}
