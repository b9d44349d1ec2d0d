using System.Net;
using System.Text.Json;
using Uwsgi.AspNetCore.InteropTests.Children;
using Uwsgi.AspNetCore.InteropTests.Http;
using Uwsgi.AspNetCore.InteropTests.Servers;
using Xunit.Abstractions;

namespace Uwsgi.AspNetCore.InteropTests;

/// <summary>Bodies larger than anyone wants to keep in memory, through a real nginx that does not keep them either.</summary>
public sealed class StreamingTests(ITestOutputHelper output)
{
    private const long Gibi = 1024 * 1024 * 1024;
    private const long Mebi = 1024 * 1024;

    // Generous: a server that collects a body would need eight times as much.
    private const long AllowedGrowth = 128 * Mebi;

    [SkippableFact]
    public async Task Upload_OneGibibyte_LeavesMemoryConstant()
    {
        await using var app = await ChildProcess.StartAsync("127.0.0.1:0");
        await using var nginx = await StartNginxAsync(app);
        await UploadAsync(nginx["site"], 64 * Mebi);
        var before = await ReadMemoryAsync(nginx["site"]);

        await UploadAsync(nginx["site"], Gibi);

        AssertConstant(before, await ReadMemoryAsync(nginx["site"]));
    }

    [SkippableFact]
    public async Task Download_OneGibibyte_LeavesMemoryConstant()
    {
        await using var app = await ChildProcess.StartAsync("127.0.0.1:0");
        await using var nginx = await StartNginxAsync(app);
        await DownloadAsync(nginx["site"], 64 * Mebi);
        var before = await ReadMemoryAsync(nginx["site"]);

        await DownloadAsync(nginx["site"], Gibi);

        AssertConstant(before, await ReadMemoryAsync(nginx["site"]));
    }

    private static Task<NginxServer> StartNginxAsync(ChildProcess app) => NginxServer.StartAsync("site", $$"""
        client_max_body_size 0;
        location / {
            include uwsgi_params;
            uwsgi_pass {{app.Address}};
            uwsgi_buffering off;
            uwsgi_request_buffering off;
        }
        """);

    private static async Task UploadAsync(EndPoint endPoint, long bytes)
    {
        await using var connection = await RawHttpConnection.ConnectAsync(endPoint);
        await connection.WriteAsync(new RawRequest("POST", "/upload").With("Content-Length", $"{bytes}").EncodeHead());
        for (var sent = 0L; sent < bytes;)
        {
            var piece = EndlessBytes.At(sent, (int)Math.Min(256 * 1024, bytes - sent));
            await connection.WriteAsync(piece);
            sent += piece.Length;
        }

        Assert.Equal($"{bytes} bytes", (await connection.ReadResponseAsync()).Text);
    }

    private static async Task DownloadAsync(EndPoint endPoint, long bytes)
    {
        await using var connection = await RawHttpConnection.ConnectAsync(endPoint);
        await connection.WriteAsync(new RawRequest("GET", $"/download?bytes={bytes}").EncodeHead());
        Assert.Equal($"{bytes}", (await connection.ReadHeadAsync())["Content-Length"]);
        var received = 0L;
        while (await connection.ReadBodyAsync() is { Length: > 0 } piece)
        {
            EndlessBytes.Check(received, piece);
            received += piece.Length;
        }

        Assert.Equal(bytes, received);
    }

    private static async Task<MemoryReading> ReadMemoryAsync(EndPoint endPoint)
    {
        var response = await RawHttpConnection.SendAsync(endPoint, new RawRequest("GET", "/memory"));
        return JsonSerializer.Deserialize<MemoryReading>(response.Text, JsonSerializerOptions.Web)!;
    }

    private void AssertConstant(MemoryReading before, MemoryReading after)
    {
        var growth = after.LargestWorkingSet - before.WorkingSet;
        output.WriteLine(
            $"Working set {before.WorkingSet / Mebi} MiB before, at most {after.LargestWorkingSet / Mebi} MiB during 1 GiB; " +
            $"managed heap {before.ManagedHeap / Mebi} MiB before, {after.ManagedHeap / Mebi} MiB after.");
        Assert.True(growth < AllowedGrowth, $"The working set grew by {growth / Mebi} MiB.");
    }
}
