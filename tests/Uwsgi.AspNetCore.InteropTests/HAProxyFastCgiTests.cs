using Uwsgi.AspNetCore.InteropTests.FrontEnds;
using Uwsgi.AspNetCore.InteropTests.Http;
using Xunit.Abstractions;

namespace Uwsgi.AspNetCore.InteropTests;

/// <summary>What only HAProxy asks of a FastCGI server: many requests at once on a connection, aborts of one of many.</summary>
public sealed class HAProxyFastCgiTests(ITestOutputHelper output)
{
    private const int Mebi = 1024 * 1024;
    private const int Crowd = 72;

    // Enough for HAProxy to turn to the app before the rest has come.
    private const int FirstPart = 50_000;

    private static readonly int[] Sizes = [0, 1, 1000, 8192, 16_384, 65_535, 65_536, 200_000, Mebi];

    [SkippableFact]
    public async Task Multiplexed_CrowdWithAbortsInBetween_EveryAnswerIsIntact()
    {
        await using var app = await ExchangeApp.StartAsync();
        await using var haproxy = await StartAsync("fastcgi-multiplexed.cfg", app);
        var crowd = new List<Guest>();
        for (var i = 0; i < Crowd; i++)
        {
            // One by one: HAProxy answers 500 by itself to requests that begin while its buffers for a connection are filled by uploads.
            var isLeaving = i % Sizes.Length == 0;
            crowd.Add(new Guest(i, Sizes[i % Sizes.Length], isLeaving ? Mebi : Sizes[(i + (i / Sizes.Length)) % Sizes.Length]) { IsLeaving = isLeaving });
            await crowd[i].BeginAsync(haproxy, "/crowd");
            await app.SignAsync();
            if (isLeaving)
            {
                await AbortUploadAsync(haproxy, app, i);
            }
        }

        Assert.InRange(app.Inside, Crowd, Crowd * 2);
        app.Release();
        await Task.WhenAll(crowd.Select(guest => guest.EndAsync())).OrTimeout();

        output.WriteLine($"{haproxy.Version}: at most {string.Join(", ", app.MostAtOnce.Values)} at once on {app.MostAtOnce.Count} connections");
        Assert.True(app.MostAtOnce.Count < Crowd / 4, $"{Crowd} requests at once took {app.MostAtOnce.Count} connections.");
    }

    [SkippableFact]
    public async Task Multiplexed_ClientThatReadsNothingYet_DoesNotHoldUpOthers()
    {
        await using var app = await ExchangeApp.StartAsync();
        await using var haproxy = await StartAsync("fastcgi-multiplexed.cfg", app);
        await using var slow = await RawHttpConnection.ConnectAsync(haproxy.Address.Actual);
        var request = ExchangeApp.Request("/exchange", seed: 1, upload: 0, download: 200_000);
        await slow.WriteAsync(request.EncodeHead());

        for (var i = 2; i < 34; i++)
        {
            await ExchangeAsync(haproxy, i);
        }

        ExchangeApp.AssertIntact(await slow.ReadResponseAsync(), seed: 1, upload: 0, download: 200_000);
    }

    [SkippableFact]
    public async Task Multiplexed_UploadThatTheAppDoesNotRead_HoldsUpOthersNoLongerThanAllowed()
    {
        await using var app = await ExchangeApp.StartAsync(uwsgi => uwsgi.Limits.StalledBodyTimeout = TimeSpan.FromSeconds(1));
        await using var haproxy = await StartAsync("fastcgi-multiplexed.cfg", app);
        var others = Enumerable.Range(0, 8).Select(i => new Guest(i, 2 * FirstPart, 1000)).ToList();
        foreach (var other in others)
        {
            await other.BeginAsync(haproxy, "/part");
            await app.SignAsync();
        }

        await using var unread = await RawHttpConnection.ConnectAsync(haproxy.Address.Actual);
        var answer = unread.SendAsync(ExchangeApp.Request("/deaf", seed: 1, upload: Mebi, download: 0));
        await app.SignAsync();
        await Task.WhenAll(others.Select(other => other.EndAsync())).OrTimeout();

        // It is the one that had to go.
        output.WriteLine($"{haproxy.Version}: at most {string.Join(", ", app.MostAtOnce.Values)} at once");
        Assert.Equal(503, (await answer.OrTimeout()).Status);
        Assert.True(app.MostAtOnce.Values.Max() > 1, "Nobody shared a connection.");
    }

    [SkippableFact]
    public async Task Kept_RequestsOneAfterAnother_ShareConnections()
    {
        await using var app = await ExchangeApp.StartAsync();
        await using var haproxy = await StartAsync("fastcgi-keepalive.cfg", app);

        for (var i = 0; i < 50; i++)
        {
            await ExchangeAsync(haproxy, i);
        }

        Assert.InRange(app.MostAtOnce.Count, 1, 25);
        Assert.All(app.MostAtOnce.Values, most => Assert.Equal(1, most));
    }

    private static Task<HAProxyFrontEnd> StartAsync(string file, ExchangeApp app) =>
        HAProxyFrontEnd.StartAsync($"samples/FrontEnds/haproxy/{file}", ("127.0.0.1:9000", app.EndPoint));

    private static async Task ExchangeAsync(HAProxyFrontEnd haproxy, int seed)
    {
        await using var guest = new Guest(seed, Sizes[seed % Sizes.Length], Sizes[seed / 2 % Sizes.Length]);
        await guest.BeginAsync(haproxy, "/exchange");
        await guest.EndAsync();
    }

    // The app has to see both the upload and its end, so that nothing of it is left in HAProxy's buffers.
    private static async Task AbortUploadAsync(HAProxyFrontEnd haproxy, ExchangeApp app, int seed)
    {
        var guest = new Guest(seed, Mebi, 1000);
        await guest.BeginAsync(haproxy, "/part");
        await app.SignAsync();
        guest.Leave();
        await app.SignAsync();
    }

    /// <summary>A client that sends its upload in two parts, and may go away in the middle of the answer.</summary>
    private sealed class Guest(int seed, int upload, int download) : IAsyncDisposable
    {
        private readonly byte[] _body = ExchangeApp.Bytes(seed, upload);
        private RawHttpConnection? _connection;

        public bool IsLeaving { get; init; }

        private int First => Math.Min(upload, FirstPart);

        public async Task BeginAsync(HAProxyFrontEnd haproxy, string path)
        {
            _connection = await RawHttpConnection.ConnectAsync(haproxy.Address.Actual);
            await _connection.WriteAsync(ExchangeApp.Request(path, seed, upload, download).EncodeHead());
            await _connection.WriteAsync(_body.AsMemory(0, First));
        }

        public async Task EndAsync()
        {
            await _connection!.WriteAsync(_body.AsMemory(First));
            if (IsLeaving)
            {
                await _connection.ReadHeadAsync();
                await _connection.ReadBodyAsync();
                Leave();
                return;
            }

            ExchangeApp.AssertIntact(await _connection.ReadResponseAsync(), seed, upload, download);
        }

        public void Leave() => _connection!.Abort();

        public ValueTask DisposeAsync() => _connection!.DisposeAsync();
    }
}
