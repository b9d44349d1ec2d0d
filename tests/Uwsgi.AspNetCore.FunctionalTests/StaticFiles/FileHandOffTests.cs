using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.FileProviders;
using Uwsgi.AspNetCore.FunctionalTests.Gateway;
using Uwsgi.AspNetCore.Testing;
using Uwsgi.AspNetCore.Workers;

namespace Uwsgi.AspNetCore.FunctionalTests.StaticFiles;

/// <summary>Files whose bytes are left to the web server, over each protocol.</summary>
public sealed class FileHandOffTests : IDisposable
{
    private const string Letters = "abcdefghijklmnopqrstuvwxyz";

    private readonly FileTree _files = new();

    public FileHandOffTests()
    {
        _files.Add("www/letters.txt", Letters).Add("www/site.css", "plain").Add("www/site.css.gz", "gzip").Add("own/letters.txt", Letters)
            .Add("other/letters.txt", Letters);
    }

    public static TheoryData<Speaker> Speakers => Speaker.All;

    public static TheoryData<Speaker, string, string> Senders
    {
        get
        {
            var data = new TheoryData<Speaker, string, string>();
            foreach (var speaker in Speaker.Everybody)
            {
                data.Add(speaker, "/letters.txt", "/internal/www/letters.txt");
                data.Add(speaker, "/own/letters.txt", "/internal/own/letters.txt");
                data.Add(speaker, "/send", "/internal/own/letters.txt");
                data.Add(speaker, "/results", "/internal/own/letters.txt");
                data.Add(speaker, "/count", "/internal/own/letters.txt");
            }

            return data;
        }
    }

    public static TheoryData<Speaker, string, int, string> SentByTheProcess
    {
        get
        {
            var data = new TheoryData<Speaker, string, int, string>();
            foreach (var speaker in Speaker.Everybody)
            {
                data.Add(speaker, "/part", 200, "bcd");
                data.Add(speaker, "/tail", 200, Letters[20..]);
                data.Add(speaker, "/missing-page", 404, Letters);
                data.Add(speaker, "/behind", 200, "in front, " + Letters);
                data.Add(speaker, "/buffered", 200, "in front, " + Letters);
                data.Add(speaker, "/encoded", 200, Letters);
                data.Add(speaker, "/unmapped", 200, Letters);
                data.Add(speaker, "/captured", 200, Letters);
            }

            return data;
        }
    }

    public void Dispose() => _files.Dispose();

    [Theory]
    [MemberData(nameof(Senders))]
    public async Task A_whole_file_is_handed_over_whoever_sends_it(Speaker speaker, string target, string expected)
    {
        await using var site = await StartAsync(FileServeMode.XAccelRedirect);

        AssertHandedOver(speaker, expected, await site.GetAsync(speaker, target), "X-Accel-Redirect");
        AssertHandedOver(speaker, expected, await site.GetAsync(speaker, target, ("Range", "bytes=0-1,3-4")), "X-Accel-Redirect");
    }

    [Theory]
    [MemberData(nameof(Speakers))]
    public async Task A_range_is_left_to_the_web_server(Speaker speaker)
    {
        await using var site = await StartAsync(FileServeMode.XSendfile);

        foreach (var target in (string[])["/letters.txt", "/own/letters.txt", "/results"])
        {
            var directory = target == "/letters.txt" ? "www" : "own";
            var response = await site.GetAsync(speaker, target, ("Range", "bytes=2-3"));
            AssertHandedOver(speaker, $"/internal/{directory}/letters.txt", response, "X-Sendfile");
            Assert.Null(response["Content-Range"]);
        }
    }

    [Theory]
    [MemberData(nameof(Speakers))]
    public async Task What_describes_the_file_stays(Speaker speaker)
    {
        await using var site = await StartAsync(FileServeMode.XAccelRedirect, options => options.StaticExpires.Add("txt$ 60"));

        var response = await site.GetAsync(speaker, "/letters.txt");

        Assert.Equal(("text/plain", "max-age=60", "bytes"), (response["Content-Type"], response["Cache-Control"], response["Accept-Ranges"]));
        Assert.NotNull(response["ETag"]);
        Assert.NotNull(response["Last-Modified"]);
        Assert.NotNull(response["Expires"]);
    }

    [Theory]
    [MemberData(nameof(SentByTheProcess))]
    public async Task Anything_else_is_sent_by_the_process(Speaker speaker, string target, int status, string body)
    {
        await using var site = await StartAsync(FileServeMode.XAccelRedirect);

        var response = await site.GetAsync(speaker, target);

        Assert.Equal(status, response.StatusCode);
        Assert.Null(response["X-Accel-Redirect"]);
        Assert.Contains(body, Body(response), StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Speakers))]
    public async Task A_head_request_and_a_304_are_as_ever(Speaker speaker)
    {
        await using var site = await StartAsync(FileServeMode.XAccelRedirect);

        var head = await site.SendAsync(speaker, "HEAD", "/letters.txt");
        Assert.Equal((200, "26", null), (head.StatusCode, head["Content-Length"], head["X-Accel-Redirect"]));
        var notModified = await site.GetAsync(speaker, "/letters.txt", ("If-None-Match", head["ETag"]!));
        Assert.Equal((304, null), (notModified.StatusCode, notModified["X-Accel-Redirect"]));
        Assert.Equal(416, (await site.GetAsync(speaker, "/letters.txt", ("Range", "bytes=99-"))).StatusCode);
    }

    [Theory]
    [MemberData(nameof(Speakers))]
    public async Task A_compressed_variant_is_sent_by_the_process(Speaker speaker)
    {
        await using var site = await StartAsync(FileServeMode.XAccelRedirect, options => options.StaticGzip = true);

        var gzip = await site.GetAsync(speaker, "/site.css", ("Accept-Encoding", "gzip"));
        Assert.Equal(("gzip", "gzip", null), (gzip.Text, gzip["Content-Encoding"], gzip["X-Accel-Redirect"]));
        Assert.Equal("/internal/www/site.css", (await site.GetAsync(speaker, "/site.css"))["X-Accel-Redirect"]);
    }

    [Theory]
    [MemberData(nameof(Speakers))]
    public async Task Whatever_follows_the_file_is_an_error(Speaker speaker)
    {
        var thrown = new TaskCompletionSource<Exception?>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var site = await StaticSite.StartAsync(
            options => options.FileServeMode = FileServeMode.XSendfile,
            async context =>
            {
                await context.Response.SendFileAsync(_files["own/letters.txt"]);
                thrown.SetResult(await Record.ExceptionAsync(() => context.Response.WriteAsync("more")));
            });

        var response = await site.GetAsync(speaker, "/");

        Assert.IsAssignableFrom<InvalidOperationException>(await thrown.Task.WithTimeoutAsync());
        Assert.Equal((200, _files["own/letters.txt"]), (response.StatusCode, response["X-Sendfile"]));
    }

    [Theory]
    [MemberData(nameof(Speakers))]
    public async Task A_file_that_is_missing_is_missing_as_ever(Speaker speaker)
    {
        await using var site = await StaticSite.StartAsync(
            options => options.FileServeMode = FileServeMode.XSendfile,
            async context =>
            {
                await Assert.ThrowsAsync<FileNotFoundException>(() => context.Response.SendFileAsync(_files["own/missing.txt"]));
                context.Response.StatusCode = 404;
            });

        Assert.Equal(404, (await site.GetAsync(speaker, "/")).StatusCode);
    }

    [Theory]
    [MemberData(nameof(Speakers))]
    public async Task A_handed_over_file_is_counted(Speaker speaker)
    {
        await using var site = await StartAsync(FileServeMode.XAccelRedirect, options => options.Harakiri = TimeSpan.FromMinutes(1));

        await site.GetAsync(speaker, "/letters.txt");
        await site.GetAsync(speaker, "/send");
        await site.GetAsync(speaker, "/part");

        var worker = site.Server.Services.GetRequiredService<Worker>();
        await site.Server.DisposeAsync();
        var cores = worker.Cores.ToArray();
        Assert.Equal((3, 1, 2), (cores.Sum(core => core.Requests), cores.Sum(core => core.StaticRequests), cores.Sum(core => core.OffloadedRequests)));
    }

    private static void AssertHandedOver(Speaker speaker, string expected, RawResponse response, string header)
    {
        Assert.Equal((200, expected), (response.StatusCode, response[header]));
        Assert.Null(response["Content-Length"]);
        Assert.Equal(string.Empty, Body(response));
        Assert.Equal(speaker.Name == Speaker.Http.Name ? "chunked" : null, response["Transfer-Encoding"]);
    }

    // HTTP sends bodies of unknown length in chunks; the tests' have no line breaks of their own.
    private static string Body(RawResponse response) => response["Transfer-Encoding"] is "chunked"
        ? string.Concat(response.Text.Split("\r\n").Where((_, index) => index % 2 == 1))
        : response.Text;

    private Task<StaticSite> StartAsync(FileServeMode mode, Action<UwsgiOptions>? configure = null) => StaticSite.StartAsync(
        options =>
        {
            options.CheckStatic.Add(_files["www"]);
            options.FileServeMode = mode;
            options.FileServeMap[_files["www"]] = "/internal/www";
            options.FileServeMap[_files["own"]] = "/internal/own/";
            configure?.Invoke(options);
        },
        AnswerAsync,
        pipeline: app => app.UseStaticFiles(new StaticFileOptions { RequestPath = "/own", FileProvider = new PhysicalFileProvider(_files["own"]) }));

    private async Task AnswerAsync(HttpContext context)
    {
        var (response, file) = (context.Response, _files["own/letters.txt"]);
        switch (context.Request.Path.Value)
        {
            case "/send":
                await response.SendFileAsync(file);
                break;
            case "/results":
                await Results.File(file, "text/plain", enableRangeProcessing: true).ExecuteAsync(context);
                break;
            case "/count":
                response.ContentLength = Letters.Length;
                await response.SendFileAsync(file, 0, Letters.Length);
                break;
            case "/part":
                await response.SendFileAsync(file, 1, 3);
                break;
            case "/tail":
                await response.SendFileAsync(file, 20, null);
                break;
            case "/missing-page":
                response.StatusCode = 404;
                await response.SendFileAsync(file);
                break;
            case "/behind":
                await response.WriteAsync("in front, ");
                await response.SendFileAsync(file);
                break;
            case "/buffered":
                "in front, "u8.CopyTo(response.BodyWriter.GetSpan(10));
                response.BodyWriter.Advance(10);
                await response.SendFileAsync(file);
                break;
            case "/encoded":
                response.Headers.ContentEncoding = "own";
                await response.SendFileAsync(file);
                break;
            case "/unmapped":
                await response.SendFileAsync(_files["other/letters.txt"]);
                break;
            case "/captured":
                await CaptureAsync(response, file);
                break;
        }
    }

    // What caches do: they have to see the bytes.
    private static async Task CaptureAsync(HttpResponse response, string file)
    {
        var body = response.Body;
        using var captured = new MemoryStream();
        response.Body = captured;
        await response.SendFileAsync(file);
        response.Body = body;
        captured.Position = 0;
        await captured.CopyToAsync(body);
    }
}
