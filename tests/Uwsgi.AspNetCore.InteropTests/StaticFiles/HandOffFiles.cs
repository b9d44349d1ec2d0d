using System.Globalization;
using Microsoft.AspNetCore.Http;
using Uwsgi.AspNetCore.InteropTests.Http;
using Uwsgi.AspNetCore.InteropTests.Processes;

namespace Uwsgi.AspNetCore.InteropTests.StaticFiles;

/// <summary>Files that a web server sends for an app, how the app is set up for it, and what clients have to get.</summary>
internal sealed class HandOffFiles : IDisposable
{
    public const string Letters = "abcdefghijklmnopqrstuvwxyz";

    private readonly TemporaryDirectory _directory = new();

    public HandOffFiles()
    {
        foreach (var name in (string[])["www", "own", "other"])
        {
            Directory.CreateDirectory(_directory[name]);
            File.WriteAllText(_directory[name + "/letters.txt"], Letters);
        }

        foreach (var name in OddNames)
        {
            File.WriteAllText(_directory["www/" + name], name);
        }

        File.WriteAllText(_directory["www/site.css"], "plain");
        File.WriteAllText(_directory["www/site.css.gz"], "not really gzip");
        foreach (var file in Directory.EnumerateFiles(_directory.Path, "*", SearchOption.AllDirectories))
        {
            File.SetLastWriteTimeUtc(file, new DateTime(2024, 1, 2, 3, 4, 5, DateTimeKind.Utc));
        }
    }

    /// <summary>Gets names that are not the same in a path, a URI and a header.</summary>
    public static string[] OddNames { get; } = ["a b.txt", "ü.txt", "100%25.txt", "50%.txt", "a+b&c.txt", "a;b=c.txt", "what?#.txt", "\u65e5\u672c.txt", "'quoted' \"twice\".txt", "end "];

    /// <summary>Gets where the files are.</summary>
    public string Path => _directory.Path;

    /// <summary>Serves one directory as static files, and others from the app.</summary>
    public void Configure(UwsgiOptions options, FileServeMode mode, string? target)
    {
        options.CheckStatic.Add(_directory["www"]);
        options.StaticExpires.Add(@"letters\.txt$ 60");
        options.StaticGzip = true;
        options.FileServeMode = mode;
        if (target is not null)
        {
            options.FileServeMap[_directory["www"]] = target + "/www";
            options.FileServeMap[_directory["own"]] = target + "/own";
        }
    }

    /// <summary>The application behind the static files.</summary>
    public Task AnswerAsync(HttpContext context)
    {
        var response = context.Response;
        var file = _directory["own/letters.txt"];
        switch (context.Request.Path.Value)
        {
            case "/send":
                return response.SendFileAsync(file);
            case "/results":
                response.Headers.ContentDisposition = "attachment";
                response.Cookies.Append("seen", "yes");
                return Results.File(file, "text/x-own", enableRangeProcessing: true).ExecuteAsync(context);
            case "/part":
                response.ContentLength = 3;
                return response.SendFileAsync(file, 1, 3);
            case "/other":
                response.ContentLength = Letters.Length;
                return response.SendFileAsync(_directory["other/letters.txt"]);
            case "/page":
                response.StatusCode = 404;
                response.ContentLength = Letters.Length;
                return response.SendFileAsync(file);
            default:
                response.StatusCode = 404;
                return response.WriteAsync("app");
        }
    }

    /// <summary>Asks for what every web server has to do.</summary>
    public static async Task CheckAsync(Func<RawRequest, Task<RawResponse>> send, bool decodesNames = true, bool ranges = true)
    {
        var file = await GetAsync("/letters.txt");
        Assert.Equal((200, Letters, "text/plain", "max-age=60"), (file.Status, file.Text, file["Content-Type"], file["Cache-Control"]));
        Assert.Equal("26", file["Content-Length"] ?? file.Text.Length.ToString(CultureInfo.InvariantCulture));
        Assert.Equal("Tue, 02 Jan 2024 03:04:05 GMT", file["Last-Modified"]);
        Assert.Null(file["X-Accel-Redirect"]);
        Assert.Null(file["X-Sendfile"]);

        Assert.Equal((200, Letters), Brief(await GetAsync("/send")));
        var result = await GetAsync("/results");
        Assert.Equal((200, Letters, "text/x-own", "attachment"), (result.Status, result.Text, result["Content-Type"], result["Content-Disposition"]));
        Assert.StartsWith("seen=yes", result["Set-Cookie"]);

        foreach (var target in ranges ? (string[])["/letters.txt", "/results", "/send"] : [])
        {
            var range = await GetAsync(target, ("Range", "bytes=2-4"));
            Assert.Equal((206, "cde", "bytes 2-4/26"), (range.Status, range.Text, range["Content-Range"]));
            Assert.Equal("xyz", (await GetAsync(target, ("Range", "bytes=-3"))).Text);
        }

        Assert.Equal(416, (await GetAsync("/letters.txt", ("Range", "bytes=99-"))).Status);
        Assert.Equal(304, (await GetAsync("/letters.txt", ("If-Modified-Since", "Tue, 02 Jan 2024 03:04:05 GMT"))).Status);
        if (file["ETag"] is { } etag)
        {
            Assert.Equal(304, (await GetAsync("/letters.txt", ("If-None-Match", etag))).Status);
            Assert.Equal(ranges ? (206, "ab") : (200, Letters), Brief(await GetAsync("/letters.txt", ("Range", "bytes=0-1"), ("If-Range", etag))));
        }

        var head = await send(new RawRequest("HEAD", "/letters.txt"));
        Assert.Equal((200, string.Empty, "26"), (head.Status, head.Text, head["Content-Length"]));

        foreach (var name in decodesNames ? OddNames : ["a b.txt", "a+b&c.txt", "a;b=c.txt"])
        {
            Assert.Equal((200, name), Brief(await GetAsync("/" + Uri.EscapeDataString(name))));
        }

        Assert.Equal((200, "bcd"), Brief(await GetAsync("/part")));
        Assert.Equal((404, Letters), Brief(await GetAsync("/page")));
        Assert.Equal((404, "app"), Brief(await GetAsync("/nothing")));
        var gzip = await GetAsync("/site.css", ("Accept-Encoding", "gzip"));
        Assert.Equal((200, "not really gzip", "gzip"), (gzip.Status, gzip.Text, gzip["Content-Encoding"]));

        Task<RawResponse> GetAsync(string target, params (string Name, string Value)[] fields) =>
            send(new RawRequest("GET", target) { Headers = fields });

        static (int Status, string Text) Brief(RawResponse response) => (response.Status, response.Text);
    }

    public void Dispose() => _directory.Dispose();
}
