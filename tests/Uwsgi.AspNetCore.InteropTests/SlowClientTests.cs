using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Uwsgi.AspNetCore.InteropTests.Children;
using Uwsgi.AspNetCore.InteropTests.Http;
using Uwsgi.AspNetCore.InteropTests.Servers;
using Xunit.Abstractions;

namespace Uwsgi.AspNetCore.InteropTests;

/// <summary>Many clients that take their time, and one that does not.</summary>
public sealed class SlowClientTests(ITestOutputHelper output)
{
    private const int SlowUploads = 500;
    private const int SlowDownloads = 500;
    private const int FastRequests = 200;
    private const int UploadLength = 1000;

    [SkippableFact]
    public async Task ThousandSlowClients_DoNotStopAFastOne()
    {
        var uploads = new Crowd(SlowUploads);
        var downloads = new Crowd(SlowDownloads);
        await using var app = await TestApp.StartAsync(uwsgi => uwsgi.Sockets.Add("127.0.0.1:0"), app => Map(app, uploads, downloads));
        await using var nginx = await NginxServer.StartAsync("site", $$"""
            location / {
                include uwsgi_params;
                uwsgi_pass {{app.GetUwsgiAddress()}};
                uwsgi_buffering off;
                uwsgi_request_buffering off;
            }
            """);
        output.WriteLine(nginx.Version);

        var uploaders = await ConnectAsync(nginx, SlowUploads, new RawRequest("POST", "/upload").With("Content-Length", $"{UploadLength}"));
        var downloaders = await ConnectAsync(nginx, SlowDownloads, new RawRequest("GET", "/download"));
        await uploads.AllEntered.OrTimeout();
        await downloads.AllEntered.OrTimeout();

        for (var i = 0; i < FastRequests; i++)
        {
            await uploaders[i % SlowUploads].WriteAsync(EndlessBytes.At(0, 1));
            var response = await RawHttpConnection.SendAsync(nginx["site"], new RawRequest("POST", "/fast").WithBody("quick"));
            Assert.Equal("quick", response.Text);
        }

        Assert.Equal(0, uploads.Left);
        Assert.Equal(0, downloads.Left);
        await FinishUploadsAsync(uploaders);
        await LeaveDownloadsAsync(downloaders);
        await uploads.AllLeft.OrTimeout();
        await downloads.AllLeft.OrTimeout();
    }

    private static void Map(WebApplication app, Crowd uploads, Crowd downloads)
    {
        app.MapPost("/fast", (HttpRequest request) => new StreamReader(request.Body).ReadToEndAsync());
        app.MapPost("/upload", (HttpContext context) => uploads.VisitAsync(() => context.Request.Body.CopyToAsync(Stream.Null)));
        app.MapGet("/download", (HttpContext context) => downloads.VisitAsync(async () =>
        {
            while (await context.Response.BodyWriter.WriteAsync(EndlessBytes.At(0, 64 * 1024)) is { IsCompleted: false })
            {
            }
        }));
    }

    private static async Task<List<RawHttpConnection>> ConnectAsync(NginxServer nginx, int count, RawRequest request)
    {
        var connections = new List<RawHttpConnection>();
        for (var i = 0; i < count; i++)
        {
            var connection = await RawHttpConnection.ConnectAsync(nginx["site"], receiveBufferSize: 4096);
            await connection.WriteAsync(request.EncodeHead());
            connections.Add(connection);
        }

        return connections;
    }

    private static async Task FinishUploadsAsync(List<RawHttpConnection> uploaders)
    {
        for (var i = 0; i < uploaders.Count; i++)
        {
            var sent = (FastRequests / SlowUploads) + (i < FastRequests % SlowUploads ? 1 : 0);
            await uploaders[i].WriteAsync(EndlessBytes.At(0, UploadLength - sent));
            Assert.Equal(200, (await uploaders[i].ReadResponseAsync()).Status);
            await uploaders[i].DisposeAsync();
        }
    }

    private static async Task LeaveDownloadsAsync(List<RawHttpConnection> downloaders)
    {
        foreach (var downloader in downloaders)
        {
            Assert.Equal(200, (await downloader.ReadHeadAsync()).Status);
            EndlessBytes.Check(0, await downloader.ReadBodyAsync());
            downloader.Abort();
        }
    }

    /// <summary>Counts requests that are inside the app.</summary>
    private sealed class Crowd(int size)
    {
        private readonly TaskCompletionSource _allEntered = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _allLeft = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _entered;
        private int _left;

        public Task AllEntered => _allEntered.Task;

        public Task AllLeft => _allLeft.Task;

        public int Left => Volatile.Read(ref _left);

        public async Task VisitAsync(Func<Task> stay)
        {
            Count(ref _entered, _allEntered);
            try
            {
                await stay();
            }
            finally
            {
                Count(ref _left, _allLeft);
            }
        }

        private void Count(ref int counter, TaskCompletionSource all)
        {
            if (Interlocked.Increment(ref counter) == size)
            {
                all.SetResult();
            }
        }
    }
}
