using System.Text.Json.Nodes;
using Microsoft.Playwright;
using Uwsgi.AspNetCore.InteropTests.FirstSteps;
using Uwsgi.AspNetCore.InteropTests.RealApps;

namespace Uwsgi.AspNetCore.InteropTests.Stats;

/// <summary>
/// The README's picture of the statistics page. With <c>UWSGI_WRITE_SCREENSHOT=1</c> the file is written anew. The page and the form of its
/// data are real, the load is made up.
/// </summary>
public sealed class StatsPageScreenshotTests(Chromium chromium) : IClassFixture<Chromium>
{
    private const string Picture = "src/Uwsgi.AspNetCore/package/stats-page.png";
    private const int Seconds = 122;

    private const string Overflowing = """
        [...document.querySelectorAll("html, .card, .big, .small, .axis, td, dd")]
          .filter(element => element.scrollWidth > element.clientWidth).map(element => element.textContent).join("|")
        """;

    [SkippableFact]
    public async Task TwoMinutesOfLoad_FillThePicture_AndFitAPhone()
    {
        await using var site = await WatchedSite.StartAsync();
        var load = new Load();
        var options = new BrowserNewPageOptions { ColorScheme = ColorScheme.Light, ViewportSize = new() { Width = 1080, Height = 720 } };
        await using var tab = await chromium.OpenAsync(site.Page, options, async page =>
        {
            await page.Clock.InstallAsync();
            await page.RouteAsync("**/live.json", async route =>
            {
                var real = await route.FetchAsync();
                await route.FulfillAsync(new() { Json = load.Replace(JsonNode.Parse(await real.TextAsync())!.AsObject()) });
            });
        });
        await tab.SeeAsync("#state", "Live");
        while (load.Second < Seconds)
        {
            await tab.Page.RunAndWaitForResponseAsync(() => tab.Page.Clock.RunForAsync(1000), "**/live.json");
        }

        var line = await tab.Page.Locator("#rate-line .line").GetAttributeAsync("d");
        Assert.InRange(line!.Split('L').Length, 110, 120);
        Assert.Equal(4, await tab.Page.Locator("#running tr").CountAsync());
        var picture = await tab.Page.ScreenshotAsync(new() { FullPage = true });
        Assert.InRange(picture.Length, 10_000, 150_000);
        Assert.Empty(await tab.Page.EvaluateAsync<string>(Overflowing));
        await tab.Page.SetViewportSizeAsync(360, 720);
        Assert.Empty(await tab.Page.EvaluateAsync<string>(Overflowing));
        Assert.Contains($"]({Picture})", MarkdownPage.Read("README.md").Text);
        Assert.Empty(tab.Complaints);
        if (Environment.GetEnvironmentVariable("UWSGI_WRITE_SCREENSHOT") == "1")
        {
            await File.WriteAllBytesAsync(Repository.PathOf(Picture), picture);
        }
    }

    /// <summary>A shop on an ordinary afternoon. The same every time.</summary>
    private sealed class Load
    {
        private static readonly (string Mount, double Share)[] Mounts = [("/shop", 0.62), ("/api", 0.27), ("admin.example.com", 0.02), ("", 0.09)];

        private readonly Random _random = new(31);
        private double _requests = 1_284_310;
        private double _runningTime = 29.1e9;
        private double _sent = 18.2e9;

        public int Second { get; private set; }

        public JsonObject Replace(JsonObject live)
        {
            var wave = Math.Sin(Second / 17.0) + (0.5 * Math.Sin(Second / 5.0));
            var requests = 190 + (28 * wave) + (_random.NextDouble() * 22);
            // A report that reads much slows the others down for a while.
            var latency = 14 + (3 * _random.NextDouble()) + (11 * Math.Exp(-Math.Pow((Second - 84) / 7.0, 2)));
            _requests += requests;
            _runningTime += requests * latency * 1000;
            _sent += requests * 14_600;
            Second++;

            Set(live, "app", "Bookshop");
            Set(live, "clock_ms", Second * 1000);
            Set(live, "in_flight", 4);
            Set(live, "cores", 37);
            Set(live, "requests", (long)_requests);
            Set(live, "static_requests", 0);
            Set(live, "running_time", (long)_runningTime);
            Set(live, "exceptions", 3);
            Set(live, "tx", (long)_sent);
            Set(live, "harakiri_count", 2);
            Set(live, "stuck", 0);
            Set(live, "apps", [.. Mounts.Select(mount => Fill(live["apps"]![0]!, [mount.Mount, (long)(_requests * mount.Share), mount.Mount == "/api" ? 3 : 0]))]);
            Set(live, "sockets",
                Fill(live["sockets"]![0]!, ["/run/bookshop/bookshop.sock", "uwsgi", 2, 512]),
                Fill(live["sockets"]![0]!, ["127.0.0.1:9000", "fastcgi", 0, 512]));
            Set(live, "longest",
                Running("GET", "/shop/reports/2025", "/shop", "203.0.113.24", 1_350 + (Second * 100)),
                Running("POST", "/api/orders/import", "/api", "2001:db8::17", 2_140),
                Running("GET", "/shop/search", "/shop", "198.51.100.7", 86),
                Running("GET", "/shop/books/9780441478125", "/shop", "203.0.113.90", 12));
            var process = live["process"]!.AsObject();
            Set(process, "pid", 4127);
            Set(process, "uptime_ms", 187_000_000 + (Second * 1000));
            Set(process, "cpu_ms", Second * 340);
            Set(process, "rss", 155_400_000);
            Set(process, "heap", 42_300_000);
            Set(process, "gc_pause_ms", 74_000);
            Set(process, "pool_threads", 12);
            Set(process, "pool_queue", 0);
            return live;
        }

        private static JsonObject Running(string method, string path, string mount, string remote, int elapsed) => new()
        {
            ["method"] = method, ["path"] = path, ["mount"] = mount, ["remote"] = remote, ["elapsed_ms"] = elapsed,
        };

        // The page's data has these names, or the picture would show another page.
        private static void Set(JsonObject target, string name, params JsonNode?[] values)
        {
            Assert.True(target.ContainsKey(name), name);
            target[name] = target[name] is JsonArray ? new JsonArray(values) : values.Single();
        }

        private static JsonNode Fill(JsonNode example, JsonNode?[] values)
        {
            var names = example.AsObject().Select(property => property.Key).ToList();
            Assert.Equal(names.Count, values.Length);
            return new JsonObject(names.Zip(values, KeyValuePair.Create<string, JsonNode?>));
        }
    }
}
