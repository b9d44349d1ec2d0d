using Microsoft.AspNetCore.Builder;

namespace Uwsgi.AspNetCore.FunctionalTests.Mounts;

public class PathBaseTests
{
    [Theory]
    [MemberData(nameof(MountServer.Doors), MemberType = typeof(MountServer))]
    public async Task The_option_is_cut_off_over_every_protocol(string door)
    {
        await using var server = await MountServer.StartAsync(options => options.PathBase = "/site", []);

        Assert.Equal("default /site|/x", (await server.AskAsync(door, "/site/x")).Text);
        Assert.Equal("default /site|", (await server.AskAsync(door, "/site")).Text);
        Assert.Equal("default /site|/site/x", (await server.AskAsync(door, "/site/site/x")).Text);
        Assert.Equal("default |/sites", (await server.AskAsync(door, "/sites")).Text);
        Assert.Equal("default |/SITE/x", (await server.AskAsync(door, "/SITE/x")).Text);
        Assert.Equal("default |/", (await server.AskAsync(door, "/")).Text);
    }

    [Theory]
    [MemberData(nameof(MountServer.Doors), MemberType = typeof(MountServer))]
    public async Task Mounts_are_below_it_or_name_it(string door)
    {
        await using var server = await MountServer.StartAsync(
            options =>
            {
                options.PathBase = "/site";
                options.Mounts["/app1"] = "one";
                options.Mounts["/site/app2"] = "two";
                options.Mounts["/site"] = "site";
            },
            ["one", "two", "site"]);

        Assert.Equal("one /site/app1|/x", (await server.AskAsync(door, "/site/app1/x")).Text);
        Assert.Equal("two /site/app2|/x", (await server.AskAsync(door, "/site/app2/x")).Text);
        Assert.Equal("site /site|/x", (await server.AskAsync(door, "/site/x")).Text);
        Assert.Equal("one /app1|/x", (await server.AskAsync(door, "/app1/x")).Text);
    }

    [Fact]
    public async Task Routing_of_the_host_sees_the_rest_of_the_path()
    {
        await using var server = await MountServer.StartAsync(options => options.PathBase = "/site", [], pipeline: app => app.MapGet("/hello", () => "routed"));

        Assert.Equal("routed", (await server.AskAsync("Http", "/site/hello")).Text);
        Assert.Equal("routed", (await server.AskAsync("Uwsgi", "/site/hello")).Text);
    }
}
