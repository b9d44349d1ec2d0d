using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Uwsgi.AspNetCore.Testing;
using Uwsgi.AspNetCore.Workers;

namespace Uwsgi.AspNetCore.FunctionalTests.Mounts;

/// <summary>Mounts together with static files and with the page of statistics.</summary>
public sealed class MountNeighbourTests : IDisposable
{
    private readonly FileTree _files = new();

    public static TheoryData<string> Doors => MountServer.Doors;

    public void Dispose() => _files.Dispose();

    // unbit/uwsgi#1928: uWSGI cuts the mount off first, and then looks for www/x.txt.
    [Theory]
    [MemberData(nameof(Doors))]
    public async Task A_file_at_the_original_path_comes_before_the_mount(string door)
    {
        _files.Add("www/app1/x.txt", "the file").Add("www/y.txt", "another file");
        await using var server = await MountServer.StartAsync(
            uwsgi =>
            {
                uwsgi.CheckStatic.Add(_files["www"]);
                uwsgi.Mounts["/app1"] = "one";
                uwsgi.Harakiri = TimeSpan.FromMinutes(1);
            },
            ["one"]);

        Assert.Equal("the file", (await server.AskAsync(door, "/app1/x.txt")).Text);
        Assert.Equal("one /app1|/y.txt", (await server.AskAsync(door, "/app1/y.txt")).Text);
        Assert.Equal("another file", (await server.AskAsync(door, "/y.txt")).Text);
        Assert.Equal("default |/app1.txt", (await server.AskAsync(door, "/app1.txt")).Text);

        var worker = server.Services.GetRequiredService<Worker>();
        await server.DisposeAsync();
        Assert.Equal([1, 1], worker.Apps.Select(app => app.Requests));
        Assert.Equal(2, WorkerTotals.Of(worker).StaticRequests);
    }

    [Theory]
    [MemberData(nameof(Doors))]
    public async Task The_page_shows_each_mount_and_leaves_its_own_requests_out(string door)
    {
        await using var server = await MountServer.StartAsync(
            uwsgi => uwsgi.Mounts["/app1"] = "one", ["one"], pipeline: app => app.MapUwsgiStats());
        await server.AskAsync(door, "/app1/a");
        await server.AskAsync(door, "/app1/b");
        await server.AskAsync(door, "/uwsgi/live.json");

        Assert.Equal(["/app1 2", " 0"], Apps(await server.AskAsync(door, "/uwsgi/live.json")));
        Assert.Contains("<title>Statistics</title>", (await server.AskAsync(door, "/uwsgi")).Text, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Doors))]
    public async Task The_page_may_be_in_a_mounted_app(string door)
    {
        await using var server = await MountServer.StartAsync(
            uwsgi =>
            {
                uwsgi.Mounts["/ops"] = "operations";
                uwsgi.Mounts["/app1"] = "one";
            },
            ["one"],
            builder => builder.Services.AddUwsgiApp("operations", branch =>
            {
                branch.UseRouting();
                branch.UseEndpoints(endpoints => endpoints.MapUwsgiStats("/stats"));
            }));
        await server.AskAsync(door, "/app1/a");
        await server.AskAsync(door, "/ops/stats/stats.json");

        Assert.Equal(["/ops 0", "/app1 1", " 0"], Apps(await server.AskAsync(door, "/ops/stats/live.json")));
        Assert.Contains("<title>Statistics</title>", (await server.AskAsync(door, "/ops/stats")).Text, StringComparison.Ordinal);
    }

    private static IEnumerable<string> Apps(RawResponse response)
    {
        using var document = JsonDocument.Parse(response.Body);
        return [.. document.RootElement.GetProperty("apps").EnumerateArray().Select(app => $"{app.GetProperty("mountpoint")} {app.GetProperty("requests")}")];
    }
}
