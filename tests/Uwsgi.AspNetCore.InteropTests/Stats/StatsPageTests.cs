using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.Playwright;
using Uwsgi.AspNetCore.InteropTests.RealApps;

namespace Uwsgi.AspNetCore.InteropTests.Stats;

/// <summary>The statistics page in a real browser, through nginx and below a path.</summary>
public sealed class StatsPageTests(Chromium chromium) : IClassFixture<Chromium>
{
    private const int Phone = 360;

    // The lowest contrast of any text on the page to what is behind it, by WCAG's formula, and that text.
    private const string LowestContrast = """
        () => {
          const parse = color => color.match(/[\d.]+/g).map(Number);
          const luminance = ([r, g, b]) => {
            const [x, y, z] = [r, g, b].map(c => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
            return 0.2126 * x + 0.7152 * y + 0.0722 * z;
          };
          const background = element => {
            for (; element; element = element.parentElement) {
              const color = parse(getComputedStyle(element).backgroundColor);
              if (color.length === 3 || color[3] > 0) return color;
            }
            return [255, 255, 255];
          };
          let lowest = [21, "nothing"];
          for (const element of document.querySelectorAll("body *")) {
            const text = [...element.childNodes].filter(node => node.nodeType === 3).map(node => node.data.trim()).join("");
            if (!text || !element.checkVisibility()) continue;
            const [a, b] = [luminance(parse(getComputedStyle(element).color)), luminance(background(element))];
            const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
            if (contrast < lowest[0]) lowest = [contrast, text];
          }
          return lowest.join(" for ");
        }
        """;

    [SkippableTheory]
    [InlineData("")]
    [InlineData("/")]
    public async Task Numbers_FollowTheRequests(string slash)
    {
        await using var site = await WatchedSite.StartAsync();
        await using var tab = await chromium.OpenAsync(new Uri(site.Page + slash));
        await tab.SeeAsync("#state", "Live");
        await tab.SeeAsync("#requests", "0");
        await tab.SeeAsync("#rate", "0");
        await tab.SeeAsync("#flight", "0");

        await site.BuyAsync(5);
        await tab.SeeAsync("#requests", "5");
        await tab.SeeAsync("#mounts tr td >> nth=2", "5");
        await site.BuyAsync(7);

        await tab.SeeAsync("#requests", "12");
        await Assertions.Expect(tab.Page.Locator("#rate-top")).ToContainTextAsync("at most");
        await Assertions.Expect(tab.Page.Locator("#latency-top")).ToContainTextAsync("ms");
        Assert.Matches(@"^M\d+ [\d.]+L", await tab.Page.Locator("#rate-line .line").GetAttributeAsync("d"));
        Assert.NotEqual("0 B in all", await tab.Page.TextContentAsync("#sent-total"));
        await tab.SeeAsync("#pid", Environment.ProcessId.ToString(CultureInfo.InvariantCulture));
        await Assertions.Expect(tab.Page.Locator("#sockets tr")).ToContainTextAsync("uwsgi");
        Assert.Empty(tab.Complaints);
    }

    [SkippableFact]
    public async Task RunningRequest_IsShownAsText_UntilItEnds()
    {
        await using var site = await WatchedSite.StartAsync();
        await using var tab = await chromium.OpenAsync(site.Page);
        await tab.SeeAsync("#state", "Live");
        Assert.True(await tab.Page.IsVisibleAsync("#idle"));

        var report = await site.BeginReportAsync("%3Cimg%20src=x%20onerror=%22document.title='stolen'%22%3E%3Cscript%3Ealert(1)%3C/script%3E?year=2025");

        await tab.SeeAsync("#flight", "1");
        await tab.SeeAsync("#running tr td >> nth=0", "GET");
        await tab.SeeAsync("#running tr td >> nth=1", "/shop/reports/<img src=x onerror=\"document.title='stolen'\"><script>alert(1)</script>");
        await tab.SeeAsync("#running tr td >> nth=2", "default");
        await tab.SeeAsync("#running tr td >> nth=3", "127.0.0.1");
        await Assertions.Expect(tab.Page.Locator("#running tr td >> nth=4")).ToHaveTextAsync(Pattern(@"^[\d.]+ (ms|s)$"));
        Assert.Equal(0, await tab.Page.Locator("#running img, #running script").CountAsync());
        Assert.DoesNotContain("stolen", await tab.Page.TitleAsync());
        Assert.False(await tab.Page.IsVisibleAsync("#idle"));

        site.Release();
        Assert.Equal(200, (await report).Status);
        await tab.SeeAsync("#flight", "0");
        await Assertions.Expect(tab.Page.Locator("#idle")).ToBeVisibleAsync();
        Assert.Equal(0, await tab.Page.Locator("#running tr").CountAsync());
        Assert.Empty(tab.Complaints);
    }

    [SkippableTheory]
    [InlineData(ColorScheme.Light, 1280)]
    [InlineData(ColorScheme.Light, Phone)]
    [InlineData(ColorScheme.Dark, 1280)]
    [InlineData(ColorScheme.Dark, Phone)]
    public async Task Page_IsReadable(ColorScheme scheme, int width)
    {
        await using var site = await WatchedSite.StartAsync();
        await site.BeginReportAsync(new string('w', 300));
        var options = new BrowserNewPageOptions { ColorScheme = scheme, ViewportSize = new() { Width = width, Height = 800 } };
        await using var tab = await chromium.OpenAsync(site.Page, options);
        await tab.SeeAsync("#flight", "1");
        await Assertions.Expect(tab.Page.Locator("#rate-line .line")).ToHaveAttributeAsync("d", Pattern("^M"));

        var contrast = await tab.Page.EvaluateAsync<string>(LowestContrast);
        Assert.True(double.Parse(contrast.Split(' ')[0], CultureInfo.InvariantCulture) >= 4.5, contrast);
        Assert.Equal(width, await tab.Page.EvaluateAsync<int>("document.documentElement.scrollWidth"));
        Assert.Equal(scheme == ColorScheme.Dark, await tab.Page.EvaluateAsync<bool>(
            "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).every(channel => channel < 64)"));
        Assert.Equal(1, await tab.Page.GetByRole(AriaRole.Banner).CountAsync());
        Assert.Equal(1, await tab.Page.GetByRole(AriaRole.Main).CountAsync());
        Assert.Equal(1, await tab.Page.GetByRole(AriaRole.Status).CountAsync());
        Assert.Equal(3, await tab.Page.GetByRole(AriaRole.Table).CountAsync());
        var running = tab.Page.GetByRole(AriaRole.Table, new() { Name = "Longest-running requests" });
        Assert.Equal(5, await running.GetByRole(AriaRole.Columnheader).CountAsync());
        Assert.Equal(5, await running.GetByRole(AriaRole.Cell).CountAsync());
        Assert.Empty(tab.Complaints);
    }

    [SkippableFact]
    public async Task LostServer_IsSaid_AndFoundAgain()
    {
        await using var site = await WatchedSite.StartAsync();
        await using var tab = await chromium.OpenAsync(site.Page);
        await tab.SeeAsync("#state", "Live");

        await tab.Page.RouteAsync("**/live.json", route => route.AbortAsync("connectionrefused"));
        await tab.SeeAsync("#state", NextTry("Disconnected"));
        await tab.Page.UnrouteAllAsync();
        await tab.SeeAsync("#state", "Live");

        await tab.Page.RouteAsync("**/live.json", route => route.FulfillAsync(new() { Status = 502, Body = "Bad Gateway" }));
        await tab.SeeAsync("#state", NextTry("The server answers 502"));
        await tab.Page.UnrouteAllAsync();
        await tab.SeeAsync("#state", "Live");

        await tab.Page.RouteAsync("**/live.json", route => route.FulfillAsync(new() { Status = 401 }));
        await tab.SeeAsync("#state", NextTry("Signed out, reload the page"));
    }

    [SkippableFact]
    public async Task LostServer_IsAskedLessAndLessOften()
    {
        await using var site = await WatchedSite.StartAsync();
        using var asked = new SemaphoreSlim(0);
        var start = new DateTime(2026, 1, 5, 12, 0, 0, DateTimeKind.Utc);
        await using var tab = await chromium.OpenAsync(site.Page, prepare: async page =>
        {
            await page.Clock.InstallAsync(new() { TimeDate = start });
            await page.Clock.PauseAtAsync(start.AddMinutes(1));
            await page.RouteAsync("**/live.json", async route =>
            {
                await route.AbortAsync("connectionrefused");
                asked.Release();
            });
        });
        await tab.Page.WaitForLoadStateAsync(LoadState.DOMContentLoaded);
        await tab.Page.Clock.RunForAsync(1);

        int[] waits = [1, 2, 4, 8, 15];
        foreach (var wait in waits)
        {
            Assert.True(await asked.WaitAsync(TestTimeout.Duration));
            await tab.SeeAsync("#state", $"Disconnected; next try in {wait} s");
            await tab.Page.Clock.RunForAsync((wait * 1000) - 100);
            Assert.Equal(0, asked.CurrentCount);
            await tab.Page.Clock.RunForAsync(100);
        }

        Assert.True(await asked.WaitAsync(TestTimeout.Duration));
    }

    [SkippableFact]
    public async Task HiddenTab_AsksNothing()
    {
        await using var site = await WatchedSite.StartAsync();
        var questions = 0;
        await using var tab = await chromium.OpenAsync(site.Page, prepare: page => page.Clock.InstallAsync());
        tab.Page.Request += (_, request) => questions += request.Url.EndsWith("/live.json", StringComparison.Ordinal) ? 1 : 0;
        await tab.SeeAsync("#state", "Live");

        await ShowAsync(tab.Page, isHidden: true);
        var before = questions;
        await tab.Page.Clock.RunForAsync(60_000);
        Assert.Equal(before, questions);

        await tab.Page.RunAndWaitForResponseAsync(() => ShowAsync(tab.Page, isHidden: false), "**/live.json");
        Assert.Empty(tab.Complaints);

        static async Task ShowAsync(IPage page, bool isHidden)
        {
            await page.EvaluateAsync("hidden => Object.defineProperty(document, 'hidden', { configurable: true, value: hidden })", isHidden);
            await page.EvaluateAsync("document.dispatchEvent(new Event('visibilitychange'))");
            await page.Clock.RunForAsync(1);
        }
    }

    [SkippableFact]
    public async Task Pause_WorksFromTheKeyboard()
    {
        await using var site = await WatchedSite.StartAsync();
        await using var tab = await chromium.OpenAsync(site.Page);
        await tab.SeeAsync("#state", "Live");

        await tab.Page.Keyboard.PressAsync("Tab");
        await tab.Page.Keyboard.PressAsync("Space");
        await tab.SeeAsync("#state", "Paused");
        await Assertions.Expect(tab.Page.GetByRole(AriaRole.Button, new() { Name = "Pause", Pressed = true })).ToBeFocusedAsync();
        await site.BuyAsync(3);
        await tab.SeeAsync("#requests", "0");

        await tab.Page.Keyboard.PressAsync("Enter");
        await tab.SeeAsync("#state", "Live");
        await tab.SeeAsync("#requests", "3");
        Assert.Empty(tab.Complaints);
    }

    private static Regex NextTry(string reason) => Pattern($"^{reason}; next try in \\d+ s$");

    private static Regex Pattern(string pattern) => new(pattern, RegexOptions.None, TimeSpan.FromSeconds(1));
}
