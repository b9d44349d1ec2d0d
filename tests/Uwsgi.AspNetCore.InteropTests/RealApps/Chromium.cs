using Microsoft.Playwright;
using Uwsgi.AspNetCore.InteropTests.Processes;

namespace Uwsgi.AspNetCore.InteropTests.RealApps;

/// <summary>The system's Chromium, driven by Playwright, which never downloads one here.</summary>
public sealed class Chromium : IAsyncLifetime
{
    private readonly Lazy<Task<IBrowser>> _browser;
    private IPlaywright? _playwright;

    public Chromium() => _browser = new Lazy<Task<IBrowser>>(LaunchAsync);

    /// <summary>Opens a page in a tab of its own, which the caller can prepare before anything is loaded.</summary>
    internal async Task<BrowserTab> OpenAsync(Uri address, BrowserNewPageOptions? options = null, Func<IPage, Task>? prepare = null)
    {
        var browser = await _browser.Value;
        var tab = new BrowserTab(await browser.NewPageAsync(options));
        await (prepare?.Invoke(tab.Page) ?? Task.CompletedTask);
        await tab.Page.GotoAsync(address.AbsoluteUri, new PageGotoOptions { WaitUntil = WaitUntilState.Commit });
        return tab;
    }

    Task IAsyncLifetime.InitializeAsync() => Task.CompletedTask;

    async Task IAsyncLifetime.DisposeAsync()
    {
        if (_browser is { IsValueCreated: true, Value: { IsCompletedSuccessfully: true } browser })
        {
            await (await browser).DisposeAsync();
        }

        _playwright?.Dispose();
    }

    private async Task<IBrowser> LaunchAsync()
    {
        var program = RequiredProgram.Find("chromium", "chromium");
        Assertions.SetDefaultExpectTimeout((float)TestTimeout.Duration.TotalMilliseconds);
        _playwright = await Playwright.CreateAsync();
        return await _playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions
        {
            ExecutablePath = program,
            Args =
            [
                "--no-sandbox",
                "--disable-gpu",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--no-first-run",
            ],
        });
    }
}
