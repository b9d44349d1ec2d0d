using Uwsgi.AspNetCore.InteropTests.FrontEnds;
using Uwsgi.AspNetCore.InteropTests.Http;
using Xunit.Abstractions;

namespace Uwsgi.AspNetCore.InteropTests;

/// <summary>What only HAProxy asks of a FastCGI server: many requests at once on a connection, aborts of one of many.</summary>
public sealed class HAProxyFastCgiTests(ITestOutputHelper output)
{
    private const int Mebi = 1024 * 1024;
    private const int Crowd = 64;

    private static readonly int[] Sizes = [0, 1, 1000, 8192, 16_384, 65_535, 65_536, 200_000, Mebi];

    [SkippableFact]
    public async Task Multiplexed_CrowdWithAbortsInBetween_EveryAnswerIsIntact()
    {
        await using var app = await ExchangeApp.StartAsync(Crowd);
        await using var haproxy = await StartAsync("fastcgi-multiplexed.cfg", app);

        var crowd = Enumerable.Range(0, Crowd).Select(i => ExchangeAsync(haproxy, "/crowd", i)).ToList();
        var aborts = Enumerable.Range(0, 16).Select(i => i % 2 == 0 ? AbortUploadAsync(haproxy, i) : AbortDownloadAsync(haproxy, i));
        await Task.WhenAll(aborts).OrTimeout();
        await app.CrowdedAsync();
        app.Release();
        var late = Enumerable.Range(Crowd, Crowd).Select(i => ExchangeAsync(haproxy, "/exchange", i));
        await Task.WhenAll(crowd.Concat(late)).OrTimeout();

        output.WriteLine($"{haproxy.Version}: at most {string.Join(", ", app.MostAtOnce.Values)} at once on {app.MostAtOnce.Count} connections");
        Assert.True(app.MostAtOnce.Count < Crowd / 4, $"{Crowd} requests at once took {app.MostAtOnce.Count} connections.");
        Assert.True(app.MostAtOnce.Values.Max() > 8, "No connection carried many requests at once.");
    }

    [SkippableFact]
    public async Task Multiplexed_ClientThatReadsNothingYet_DoesNotHoldUpOthers()
    {
        await using var app = await ExchangeApp.StartAsync();
        await using var haproxy = await StartAsync("fastcgi-multiplexed.cfg", app);
        await using var slow = await RawHttpConnection.ConnectAsync(haproxy.Address.Actual);
        var request = ExchangeApp.Request("/exchange", seed: 1, upload: 0, download: 200_000);
        await slow.WriteAsync(request.EncodeHead());

        await Task.WhenAll(Enumerable.Range(2, 32).Select(i => ExchangeAsync(haproxy, "/exchange", i))).OrTimeout();

        ExchangeApp.AssertIntact(await slow.ReadResponseAsync(), seed: 1, upload: 0, download: 200_000);
    }

    [SkippableFact]
    public async Task Multiplexed_UploadThatTheAppDoesNotRead_HoldsUpOthersNoLongerThanAllowed()
    {
        await using var app = await ExchangeApp.StartAsync(configure: uwsgi => uwsgi.Limits.StalledBodyTimeout = TimeSpan.FromSeconds(1));
        await using var haproxy = await StartAsync("fastcgi-multiplexed.cfg", app);
        await using var unread = await RawHttpConnection.ConnectAsync(haproxy.Address.Actual);
        var answer = unread.SendAsync(ExchangeApp.Request("/deaf", seed: 1, upload: Mebi, download: 0));

        await Task.WhenAll(Enumerable.Range(2, 32).Select(i => ExchangeAsync(haproxy, "/exchange", i))).OrTimeout();

        // It is the one that had to go.
        Assert.InRange((await answer.OrTimeout()).Status, 500, 599);
        Assert.True(app.MostAtOnce.Values.Max() > 1, "Nobody shared a connection.");
    }

    [SkippableFact]
    public async Task Kept_RequestsOneAfterAnother_ShareConnections()
    {
        await using var app = await ExchangeApp.StartAsync();
        await using var haproxy = await StartAsync("fastcgi-keepalive.cfg", app);

        for (var i = 0; i < 50; i++)
        {
            await ExchangeAsync(haproxy, "/exchange", i);
        }

        Assert.InRange(app.MostAtOnce.Count, 1, 25);
        Assert.All(app.MostAtOnce.Values, most => Assert.Equal(1, most));
    }

    private static Task<HAProxyFrontEnd> StartAsync(string file, ExchangeApp app) =>
        HAProxyFrontEnd.StartAsync($"samples/FrontEnds/haproxy/{file}", ("127.0.0.1:9000", app.EndPoint));

    private static async Task ExchangeAsync(HAProxyFrontEnd haproxy, string path, int seed)
    {
        var (upload, download) = (Sizes[seed % (Sizes.Length - 2)], Sizes[seed / 2 * 5 % Sizes.Length]);
        var response = await RawHttpConnection.SendAsync(haproxy.Address.Actual, ExchangeApp.Request(path, seed, upload, download));
        ExchangeApp.AssertIntact(response, seed, upload, download);
    }

    // Far enough for the upload to have reached the app.
    private static async Task AbortUploadAsync(HAProxyFrontEnd haproxy, int seed)
    {
        await using var connection = await RawHttpConnection.ConnectAsync(haproxy.Address.Actual);
        var request = ExchangeApp.Request("/exchange", seed, Mebi, 1000);
        await connection.WriteAsync(request.EncodeHead());
        await connection.WriteAsync(request.EncodeBody().AsMemory(0, 300_000));
        connection.Abort();
    }

    private static async Task AbortDownloadAsync(HAProxyFrontEnd haproxy, int seed)
    {
        await using var connection = await RawHttpConnection.ConnectAsync(haproxy.Address.Actual);
        await connection.WriteAsync(ExchangeApp.Request("/exchange", seed, 0, Mebi).EncodeHead());
        await connection.ReadHeadAsync();
        await connection.ReadBodyAsync();
        connection.Abort();
    }
}
