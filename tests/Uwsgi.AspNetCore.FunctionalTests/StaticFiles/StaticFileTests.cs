using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Uwsgi.AspNetCore.FunctionalTests.Gateway;
using Uwsgi.AspNetCore.Testing;
using Uwsgi.AspNetCore.Workers;

namespace Uwsgi.AspNetCore.FunctionalTests.StaticFiles;

/// <summary>Files in front of the application, over each protocol.</summary>
public sealed class StaticFileTests : IDisposable
{
    private const string Letters = "abcdefghijklmnopqrstuvwxyz";

    private readonly FileTree _files = new();

    public StaticFileTests()
    {
        _files.Add("www/letters.txt", Letters).Add("www/sub/index.html", "the index").Add("www-secret/key.txt", "secret").Add("www/.env", "secret");
        File.SetLastWriteTimeUtc(_files["www/letters.txt"], new DateTime(2024, 1, 2, 3, 4, 5, DateTimeKind.Utc));
    }

    public static TheoryData<Speaker> Speakers => Speaker.All;

    /// <summary>Gets what becomes of a Range for 26 bytes: status, Content-Range and body.</summary>
    public static TheoryData<Speaker, string, int, string?, string> Ranges
    {
        get
        {
            var data = new TheoryData<Speaker, string, int, string?, string>();
            foreach (var speaker in Speaker.Everybody)
            {
                data.Add(speaker, "bytes=0-4", 206, "bytes 0-4/26", "abcde");
                data.Add(speaker, "bytes=5-", 206, "bytes 5-25/26", Letters[5..]);
                data.Add(speaker, "bytes=-3", 206, "bytes 23-25/26", "xyz");
                data.Add(speaker, "bytes=20-99", 206, "bytes 20-25/26", "uvwxyz");
                data.Add(speaker, "bytes=30-", 416, "bytes */26", "");
                data.Add(speaker, "bytes=0-1,4-5", 200, null, Letters);
                data.Add(speaker, "bytes=5-2", 200, null, Letters);
                data.Add(speaker, "bytes=x", 200, null, Letters);
                data.Add(speaker, "lines=0-4", 200, null, Letters);
                data.Add(speaker, "foo", 200, null, Letters);
            }

            return data;
        }
    }

    public static TheoryData<Speaker, string> Traversals
    {
        get
        {
            var data = new TheoryData<Speaker, string>();
            foreach (var speaker in Speaker.Everybody)
            {
                data.Add(speaker, "/../www-secret/key.txt");
                data.Add(speaker, "/sub/../../www-secret/key.txt");
                data.Add(speaker, "/%2e%2e/www-secret/key.txt");
                data.Add(speaker, "/%2e%2e%2fwww-secret%2fkey.txt");
                data.Add(speaker, "/..%2fwww-secret/key.txt");
                data.Add(speaker, "/%252e%252e/www-secret/key.txt");
                data.Add(speaker, "/%252e%252e%252fwww-secret%252fkey.txt");
                data.Add(speaker, "/..%5cwww-secret%5ckey.txt");
                data.Add(speaker, "/..%c0%afwww-secret/key.txt");
                data.Add(speaker, "/.env");
                data.Add(speaker, "/%2eenv");
                data.Add(speaker, "/sub/..;/.env");
                data.Add(speaker, "/letters.txt%00.png");
                data.Add(speaker, "//../www-secret/key.txt");
            }

            return data;
        }
    }

    public void Dispose() => _files.Dispose();

    [Theory]
    [MemberData(nameof(Speakers))]
    public async Task A_file_is_served_and_anything_else_goes_to_the_app(Speaker speaker)
    {
        await using var site = await StartAsync();

        var file = await site.GetAsync(speaker, "/letters.txt?v=1");
        Assert.Equal((200, Letters, "text/plain", "26"), (file.StatusCode, file.Text, file["Content-Type"], file["Content-Length"]));
        Assert.Equal("Tue, 02 Jan 2024 03:04:05 GMT", file["Last-Modified"]);
        Assert.Equal("bytes", file["Accept-Ranges"]);
        Assert.NotNull(file["ETag"]);
        Assert.Null(file["Vary"]);
        Assert.Null(file["Cache-Control"]);

        Assert.EndsWith("app: GET /missing.txt", (await site.GetAsync(speaker, "/missing.txt")).Text.TrimEnd('\r', '\n', '0'));
        Assert.Contains("app: POST /letters.txt", (await site.SendAsync(speaker, "POST", "/letters.txt", ("Content-Length", "0"))).Text);
        Assert.Contains("app: OPTIONS /letters.txt", (await site.SendAsync(speaker, "OPTIONS", "/letters.txt")).Text);
    }

    [Theory]
    [MemberData(nameof(Speakers))]
    public async Task A_head_request_gets_the_head_alone(Speaker speaker)
    {
        await using var site = await StartAsync();

        var head = await site.SendAsync(speaker, "HEAD", "/letters.txt");

        Assert.Equal((200, "", "26", "text/plain"), (head.StatusCode, head.Text, head["Content-Length"], head["Content-Type"]));
    }

    [Theory]
    [MemberData(nameof(Ranges))]
    public async Task A_range_is_what_http_says_today(Speaker speaker, string range, int status, string? contentRange, string body)
    {
        await using var site = await StartAsync();

        var response = await site.GetAsync(speaker, "/letters.txt", ("Range", range));

        Assert.Equal((status, contentRange, body), (response.StatusCode, response["Content-Range"], response.Text));
    }

    [Theory]
    [MemberData(nameof(Speakers))]
    public async Task Conditions_are_looked_at(Speaker speaker)
    {
        await using var site = await StartAsync();
        var etag = (await site.GetAsync(speaker, "/letters.txt"))["ETag"]!;

        Assert.Equal(304, await StatusAsync("If-None-Match", etag));
        Assert.Equal(200, await StatusAsync("If-None-Match", "\"other\""));
        Assert.Equal(304, await StatusAsync("If-Modified-Since", "Tue, 02 Jan 2024 03:04:05 GMT"));
        Assert.Equal(304, await StatusAsync("If-Modified-Since", "Tuesday, 02-Jan-24 03:04:05 GMT"));
        Assert.Equal(200, await StatusAsync("If-Modified-Since", "Tue, 02 Jan 2024 03:04:04 GMT"));
        Assert.Equal(412, await StatusAsync("If-Match", "\"other\""));
        Assert.Equal(412, await StatusAsync("If-Unmodified-Since", "Tue, 02 Jan 2024 03:04:04 GMT"));
        Assert.Equal(206, (await site.GetAsync(speaker, "/letters.txt", ("Range", "bytes=0-1"), ("If-Range", etag))).StatusCode);
        Assert.Equal(200, (await site.GetAsync(speaker, "/letters.txt", ("Range", "bytes=0-1"), ("If-Range", "\"other\""))).StatusCode);

        async Task<int> StatusAsync(string name, string value)
        {
            var response = await site.GetAsync(speaker, "/letters.txt", (name, value));
            Assert.Equal(response.StatusCode == 200 ? Letters : "", response.Text);
            return response.StatusCode;
        }
    }

    [Theory]
    [MemberData(nameof(Traversals))]
    public async Task No_path_leads_out_of_the_root(Speaker speaker, string target)
    {
        await using var site = await StartAsync();

        var response = await site.GetAsync(speaker, target);

        // Refused by the server, or left to the application; never the file.
        Assert.DoesNotContain("secret\r", response.Text + "\r", StringComparison.Ordinal);
        Assert.DoesNotContain(Letters, response.Text, StringComparison.Ordinal);
        Assert.True(response.StatusCode is 400 || response.Text.Contains("app: GET ", StringComparison.Ordinal), response.ToString());
    }

    [Theory]
    [MemberData(nameof(Speakers))]
    public async Task An_index_is_served_without_a_redirect(Speaker speaker)
    {
        await using var site = await StartAsync(options => options.StaticIndex.Add("index.html"));

        foreach (var target in (string[])["/sub", "/sub/"])
        {
            var response = await site.GetAsync(speaker, target);
            Assert.Equal((200, "the index", "text/html"), (response.StatusCode, response.Text, response["Content-Type"]));
        }
    }

    [Theory]
    [MemberData(nameof(Speakers))]
    public async Task A_name_may_hold_any_character(Speaker speaker)
    {
        _files.Add("www/ü b%41?.txt", "odd");
        await using var site = await StartAsync();

        Assert.Equal("odd", (await site.GetAsync(speaker, "/%C3%BC%20b%2541%3F.txt")).Text);
    }

    [Theory]
    [MemberData(nameof(Speakers))]
    public async Task A_compressed_variant_is_negotiated(Speaker speaker)
    {
        _files.Add("www/site.css", "plain text").Add("www/site.css.gz", "gzip").Add("www/site.css.br", "br").Add("www/only.css", "plain").Add("www/only.css.gz", "zip");
        await using var site = await StartAsync(options => options.StaticGzip = true);

        Assert.Equal(("br", "br", "2"), await EncodingAsync("/site.css", "gzip, deflate, br"));
        Assert.Equal(("gzip", "gzip", "4"), await EncodingAsync("/site.css", "gzip"));
        Assert.Equal(("gzip", "gzip", "4"), await EncodingAsync("/site.css", "br;q=0.5, gzip"));
        Assert.Equal(("plain text", null, "10"), await EncodingAsync("/site.css", "br;q=0, gzip;q=0"));
        Assert.Equal(("plain text", null, "10"), await EncodingAsync("/site.css", null));
        Assert.Equal(("zip", "gzip", "3"), await EncodingAsync("/only.css", "br, gzip;q=0.5"));
        Assert.Equal(("plain", null, "5"), await EncodingAsync("/only.css", "br"));

        var plain = await site.GetAsync(speaker, "/site.css");
        var gzip = await site.GetAsync(speaker, "/site.css", ("Accept-Encoding", "gzip"));
        Assert.NotEqual(plain["ETag"], gzip["ETag"]);
        var notModified = await site.GetAsync(speaker, "/site.css", ("Accept-Encoding", "gzip"), ("If-None-Match", gzip["ETag"]!));
        Assert.Equal((304, "Accept-Encoding"), (notModified.StatusCode, notModified["Vary"]));
        var range = await site.GetAsync(speaker, "/site.css", ("Accept-Encoding", "gzip"), ("Range", "bytes=1-2"));
        Assert.Equal((206, "zi", "gzip", "bytes 1-2/4"), (range.StatusCode, range.Text, range["Content-Encoding"], range["Content-Range"]));

        async Task<(string Body, string? Encoding, string? Length)> EncodingAsync(string target, string? accepted)
        {
            var response = await site.GetAsync(speaker, target, accepted is null ? [] : [("Accept-Encoding", accepted)]);
            Assert.Equal((200, "text/css", "Accept-Encoding"), (response.StatusCode, response["Content-Type"], response["Vary"]));
            return (response.Text, response["Content-Encoding"], response["Content-Length"]);
        }
    }

    [Theory]
    [MemberData(nameof(Speakers))]
    public async Task Expiry_goes_with_files_that_may_be_kept(Speaker speaker)
    {
        var time = new ManualTimeProvider();
        _files.Add("www/app.js", "js").Add("www/site.css", "css");
        await using var site = await StartAsync(
            options =>
            {
                options.StaticExpires.Add(@"\.js$ 3600");
                options.StaticExpiresType["text/css"] = TimeSpan.FromSeconds(60);
            },
            builder => builder.Services.AddSingleton<TimeProvider>(time));

        Assert.Equal(("max-age=3600", Date(3600)), Expiry(await site.GetAsync(speaker, "/app.js")));
        Assert.Equal(("max-age=60", Date(60)), Expiry(await site.GetAsync(speaker, "/site.css")));
        Assert.Equal(("max-age=60", Date(60)), Expiry(await site.SendAsync(speaker, "HEAD", "/site.css")));
        Assert.Equal(("max-age=60", Date(60)), Expiry(await site.GetAsync(speaker, "/site.css", ("Range", "bytes=0-0"))));
        Assert.Equal(("max-age=60", Date(60)), Expiry(await site.GetAsync(speaker, "/site.css", ("If-None-Match", "*"))));
        Assert.Equal((null, null), Expiry(await site.GetAsync(speaker, "/site.css", ("Range", "bytes=9-"))));
        Assert.Equal((null, null), Expiry(await site.GetAsync(speaker, "/letters.txt")));

        string Date(int seconds) => time.GetUtcNow().AddSeconds(seconds).ToString("R", CultureInfo.InvariantCulture);

        static (string?, string?) Expiry(RawResponse response) => (response["Cache-Control"], response["Expires"]);
    }

    [Theory]
    [MemberData(nameof(Speakers))]
    public async Task A_file_of_unknown_type_has_none(Speaker speaker)
    {
        _files.Add("www/data.unknown", "x").Add("www/script.lua", "y");
        await using var site = await StartAsync(options => options.MimeTypes[".lua"] = "text/x-lua");

        var unknown = await site.GetAsync(speaker, "/data.unknown");
        Assert.Equal(("x", null), (unknown.Text, unknown["Content-Type"]));
        Assert.Equal("text/x-lua", (await site.GetAsync(speaker, "/script.lua"))["Content-Type"]);
    }

    [Theory]
    [MemberData(nameof(Speakers))]
    public async Task A_path_base_of_the_whole_app_is_not_part_of_a_files_path(Speaker speaker)
    {
        await using var site = await StartAsync(options => options.PathBase = "/shop");

        // Kestrel's HTTP endpoints have no path base by themselves.
        var target = speaker.Name == Speaker.Http.Name ? "/letters.txt" : "/shop/letters.txt";
        Assert.Equal(Letters, (await site.GetAsync(speaker, target)).Text);
    }

    [Theory]
    [MemberData(nameof(Speakers))]
    public async Task A_file_counts_as_static_and_for_no_application(Speaker speaker)
    {
        await using var site = await StartAsync(options => options.Harakiri = TimeSpan.FromMinutes(1));

        await site.GetAsync(speaker, "/letters.txt");
        await site.GetAsync(speaker, "/missing.txt");
        await site.SendAsync(speaker, "HEAD", "/letters.txt");

        var worker = site.Server.Services.GetRequiredService<Worker>();
        await site.Server.DisposeAsync();
        var cores = worker.Cores.ToArray();
        Assert.Equal((3, 2, 0), (cores.Sum(core => core.Requests), cores.Sum(core => core.StaticRequests), cores.Sum(core => core.OffloadedRequests)));
        Assert.Equal(1, worker.DefaultApp.Requests);
    }

    [Fact]
    public async Task Without_options_nothing_is_looked_for()
    {
        await using var site = await StaticSite.StartAsync(_ => { });

        Assert.Contains("app: GET /letters.txt", (await site.GetAsync(Speaker.Http, "/letters.txt")).Text);
    }

    [Fact]
    public async Task A_missing_root_is_logged_at_start()
    {
        await using var site = await StaticSite.StartAsync(options => options.StaticMap["/a"] = _files["missing"]);

        Assert.Contains(_files["missing"], Assert.Single(site.Server.Logs.Find("StaticRootMissing")).Message);
    }

    [Fact]
    public async Task A_fifo_goes_to_the_app_at_once()
    {
        _files.Fifo("www/pipe.txt");
        await using var site = await StartAsync();

        Assert.Contains("app: GET /pipe.txt", (await site.GetAsync(Speaker.Http, "/pipe.txt")).Text);
    }

    [Theory]
    [MemberData(nameof(Speakers))]
    public async Task A_file_that_vanishes_before_it_is_opened_goes_to_the_app(Speaker speaker)
    {
        await using var site = await StartHookedAsync(() => File.Delete(_files["www/letters.txt"]));

        AssertFromTheApp(await site.GetAsync(speaker, "/letters.txt", ("Range", "bytes=0-1")), "/letters.txt");
    }

    [Theory]
    [MemberData(nameof(Speakers))]
    public async Task A_directory_that_vanishes_before_its_file_is_opened_goes_to_the_app(Speaker speaker)
    {
        await using var site = await StartHookedAsync(() => Directory.Delete(_files["www/sub"], recursive: true));

        AssertFromTheApp(await site.GetAsync(speaker, "/sub/index.html"), "/sub/index.html");
    }

    // Opened by somebody who shares it with nobody, which holds for a superuser, too.
    [Theory]
    [MemberData(nameof(Speakers))]
    public async Task A_file_that_cannot_be_opened_goes_to_the_app(Speaker speaker)
    {
        await using var site = await StartAsync();
        await using (new FileStream(_files["www/letters.txt"], FileMode.Open, FileAccess.ReadWrite, FileShare.None))
        {
            AssertFromTheApp(await site.GetAsync(speaker, "/letters.txt"), "/letters.txt");
        }

        Assert.Single(site.Server.Logs.Find("StaticFileUnreadable"));
        Assert.Equal(Letters, (await site.GetAsync(speaker, "/letters.txt")).Text);
    }

    [SkippableFact]
    public async Task A_file_without_permission_goes_to_the_app()
    {
        // Write-only for everybody, the superuser included.
        const string Forbidden = "/sys/bus/platform/drivers_probe";
        Skip.IfNot(File.Exists(Forbidden) && !CanRead(Forbidden), "This machine has no file that nobody may read.");
        await using var site = await StartAsync(options => options.StaticMap["/probe"] = Forbidden);

        AssertFromTheApp(await site.GetAsync(Speaker.Http, "/probe"), "/probe");
        Assert.Single(site.Server.Logs.Find("StaticFileUnreadable"));

        static bool CanRead(string path)
        {
            try
            {
                File.OpenRead(path).Dispose();
                return true;
            }
            catch (UnauthorizedAccessException)
            {
                return false;
            }
        }
    }

    [Fact]
    public async Task A_file_counts_as_static_while_it_is_sent()
    {
        var sending = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var site = await StaticSite.StartAsync(
            options =>
            {
                options.CheckStatic.Add(_files["www"]);
                options.Harakiri = TimeSpan.FromMinutes(1);
            },
            host: builder => builder.Services.AddTransient<IStartupFilter>(_ => new SendHook(() =>
            {
                sending.SetResult();
                return release.Task;
            })));
        var answer = site.GetAsync(Speaker.Everybody[0], "/letters.txt");
        await sending.Task.WithTimeoutAsync();

        var isStatic = site.Server.Services.GetRequiredService<Worker>().Cores[0].IsStatic;
        release.SetResult();

        Assert.True(isStatic);
        Assert.Equal(Letters, (await answer).Text);
    }

    private static void AssertFromTheApp(RawResponse response, string path)
    {
        Assert.Equal(200, response.StatusCode);
        Assert.Contains("app: GET " + path, response.Text, StringComparison.Ordinal);
        Assert.Equal((null, null, null, null), (response["ETag"], response["Last-Modified"], response["Content-Range"], response["Accept-Ranges"]));
    }

    private Task<StaticSite> StartHookedAsync(Action before) => StartAsync(host: builder => builder.Services.AddTransient<IStartupFilter>(_ => new SendHook(() =>
    {
        before();
        return Task.CompletedTask;
    })));

    private Task<StaticSite> StartAsync(Action<UwsgiOptions>? configure = null, Action<WebApplicationBuilder>? host = null) => StaticSite.StartAsync(
        options =>
        {
            options.CheckStatic.Add(_files["www"]);
            configure?.Invoke(options);
        },
        host: host);
}
