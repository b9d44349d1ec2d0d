using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Uwsgi.AspNetCore.InteropTests.Http;
using Uwsgi.AspNetCore.InteropTests.Servers;

namespace Uwsgi.AspNetCore.InteropTests.Stats;

/// <summary>An app with a statistics page below <c>/shop</c> of a real nginx, and requests that wait until they are released.</summary>
internal sealed class WatchedSite : IAsyncDisposable
{
    private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly SemaphoreSlim _waiting = new(0);
    private WebApplication? _app;
    private NginxServer? _nginx;

    private WatchedSite()
    {
    }

    /// <summary>Gets the address of the page.</summary>
    public Uri Page => new($"http://{_nginx!["site"]}/shop/uwsgi");

    public static async Task<WatchedSite> StartAsync()
    {
        var site = new WatchedSite();
        site._app = await TestApp.StartAsync(options => options.Sockets.Add("127.0.0.1:0"), app =>
        {
            app.MapUwsgiStats();
            app.MapGet("/cart/{item:int}", (int item) => $"You put {item} into the cart.");
            app.MapGet("/reports/{**name}", async (HttpContext context) =>
            {
                site._waiting.Release();
                await site._released.Task;
                return "Done.";
            });
        });
        site._nginx = await NginxServer.StartAsync("site", $$"""
            location / { return 404; }
            location /shop {
              include uwsgi_params;
              uwsgi_param SCRIPT_NAME /shop;
              uwsgi_pass {{site._app.GetUwsgiAddress()}};
            }
            """);
        return site;
    }

    public async Task BuyAsync(int items)
    {
        for (var item = 0; item < items; item++)
        {
            Assert.Equal(200, (await RawHttpConnection.SendAsync(_nginx!["site"], new RawRequest("GET", $"/shop/cart/{item}"))).Status);
        }
    }

    /// <summary>Sends a request and returns when the app has it; the answer comes after <see cref="Release"/>.</summary>
    public async Task<Task<RawResponse>> BeginReportAsync(string name)
    {
        var report = RawHttpConnection.SendAsync(_nginx!["site"], new RawRequest("GET", $"/shop/reports/{name}"));
        Assert.True(await _waiting.WaitAsync(TestTimeout.Duration), "The report did not begin.");
        return report;
    }

    public void Release() => _released.TrySetResult();

    public async ValueTask DisposeAsync()
    {
        Release();
        if (_nginx is not null)
        {
            await _nginx.DisposeAsync();
        }

        if (_app is not null)
        {
            await _app.DisposeAsync();
        }

        _waiting.Dispose();
    }
}
