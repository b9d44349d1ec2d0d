using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Uwsgi.AspNetCore.FunctionalTests.Infrastructure;
using Uwsgi.AspNetCore.Testing;
using Uwsgi.AspNetCore.Workers;

namespace Uwsgi.AspNetCore.FunctionalTests.Mounts;

public class MountTests
{
    [Theory]
    [MemberData(nameof(MountServer.Doors), MemberType = typeof(MountServer))]
    public async Task A_path_selects_its_mount_over_every_protocol(string door)
    {
        await using var server = await StartTwoAsync();

        Assert.Equal("one /app1|", (await server.AskAsync(door, "/app1")).Text);
        Assert.Equal("one /app1|/", (await server.AskAsync(door, "/app1/")).Text);
        Assert.Equal("one /app1|/foo/bar", (await server.AskAsync(door, "/app1/foo/bar?x=1")).Text);
        Assert.Equal("one /app1|//x", (await server.AskAsync(door, "/app1//x")).Text);
        Assert.Equal("one /app1|/a b", (await server.AskAsync(door, "/app1/a%20b")).Text);
        Assert.Equal("two /app2|/x", (await server.AskAsync(door, "/app2/x")).Text);
        Assert.Equal("two /app2|/", (await server.AskAsync(door, "/app1/../app2/")).Text);

        // uWSGI runs app1 here.
        Assert.Equal("default |/app1foo", (await server.AskAsync(door, "/app1foo")).Text);
        Assert.Equal("default |/APP1/x", (await server.AskAsync(door, "/APP1/x")).Text);
        Assert.Equal("default |/", (await server.AskAsync(door, "/")).Text);
        Assert.Equal("default |//app1/x", (await server.AskAsync(door, "//app1/x")).Text);
    }

    [Theory]
    [MemberData(nameof(MountServer.Doors), MemberType = typeof(MountServer))]
    public async Task A_host_selects_its_mount_over_every_protocol(string door)
    {
        await using var server = await MountServer.StartAsync(
            options =>
            {
                options.Mounts["example.com"] = "one";
                options.Mounts["example.com/admin"] = "admin";
                options.Mounts["foobar.it"] = "two";
                options.Mounts["/admin"] = "admin";
            },
            ["one", "two", "admin"]);

        Assert.Equal("one |/x", (await server.AskAsync(door, "/x", "example.com")).Text);
        Assert.Equal("one |/", (await server.AskAsync(door, "/", "EXAMPLE.com:8080")).Text);
        Assert.Equal("admin /admin|/x", (await server.AskAsync(door, "/admin/x", "example.com:80")).Text);
        Assert.Equal("two |/admin/x", (await server.AskAsync(door, "/admin/x", "foobar.it")).Text);
        Assert.Equal("admin /admin|", (await server.AskAsync(door, "/admin", "other.test")).Text);
        Assert.Equal("default |/x", (await server.AskAsync(door, "/x", "other.test")).Text);
    }

    [Theory]
    [MemberData(nameof(MountServer.Doors), MemberType = typeof(MountServer))]
    public async Task Without_a_default_app_a_miss_is_404(string door)
    {
        await using var server = await StartTwoAsync(options => options.NoDefaultApp = true);

        Assert.Equal(404, (await server.AskAsync(door, "/app1foo")).StatusCode);
        Assert.Equal(404, (await server.AskAsync(door, "/")).StatusCode);
        Assert.Equal("two /app2|", (await server.AskAsync(door, "/app2")).Text);
    }

    [Theory]
    [MemberData(nameof(MountServer.Doors), MemberType = typeof(MountServer))]
    public async Task Without_ManageScriptName_the_path_stays_whole(string door)
    {
        await using var server = await StartTwoAsync(options => options.ManageScriptName = false);

        Assert.Equal("one |/app1/x", (await server.AskAsync(door, "/app1/x")).Text);
    }

    // The last rows of the reference's table, and what nginx sends below `location /app1` with and without the prefix.
    [Theory]
    [MemberData(nameof(MountServer.GatewayDoors), MemberType = typeof(MountServer))]
    public async Task A_web_server_names_a_mount(string door)
    {
        await using var server = await StartTwoAsync();

        Assert.Equal("one /app1|/x", (await server.AskAsync(door, "/app1/x", variables: ("SCRIPT_NAME", "/zzz"))).Text);
        Assert.Equal("two |/other", (await server.AskAsync(door, "/other", variables: ("SCRIPT_NAME", "/app2"))).Text);
        Assert.Equal("two /app1|/x", (await server.AskAsync(door, "/app1/x", variables: ("UWSGI_APPID", "/app2"))).Text);
        Assert.Equal("one /app1|/x", (await server.AskAsync(door, "/app1/x", variables: ("UWSGI_APPID", "/unknown"))).Text);
        Assert.Equal("one /app1|/x", (await server.AskAsync(door, "/app1/x", variables: ("SCRIPT_NAME", "/app1"))).Text);
        Assert.Equal("one /app1|/x", (await server.AskAsync(door, "/app1/x", variables: [("SCRIPT_NAME", "/app1"), ("PATH_INFO", "/x")])).Text);
        Assert.Equal("one /app1|/app2/x", (await server.AskAsync(door, "/app1/app2/x", variables: ("SCRIPT_NAME", "/app1"))).Text);
    }

    [Theory]
    [MemberData(nameof(MountServer.GatewayDoors), MemberType = typeof(MountServer))]
    public async Task A_trusted_SCRIPT_NAME_is_the_mount(string door)
    {
        await using var server = await StartTwoAsync(options => options.ScriptName = ScriptNameMode.Trust);

        Assert.Equal("one /app1|/x", (await server.AskAsync(door, "/app1/x", variables: [("SCRIPT_NAME", "/app1"), ("PATH_INFO", "/x")])).Text);
        Assert.Equal("two /app2|/other", (await server.AskAsync(door, "/other", variables: ("SCRIPT_NAME", "/app2"))).Text);
        Assert.Equal("two /outer/app2|/x", (await server.AskAsync(door, "/outer/app2/x", variables: [("SCRIPT_NAME", "/outer"), ("PATH_INFO", "/app2/x")])).Text);
    }

    // mount = the_app1=app1.py with uwsgi_param UWSGI_APPID the_app1;
    [Theory]
    [MemberData(nameof(MountServer.GatewayDoors), MemberType = typeof(MountServer))]
    public async Task A_name_is_selected_by_the_web_server_alone(string door)
    {
        await using var server = await MountServer.StartAsync(
            options => (options.Mounts["the_app1"], options.Mounts["the_app2"]) = ("one", "two"), ["one", "two"]);

        Assert.Equal("one |/x", (await server.AskAsync(door, "/x", variables: ("UWSGI_APPID", "the_app1"))).Text);
        Assert.Equal("two |/x", (await server.AskAsync(door, "/x", variables: ("UWSGI_APPID", "the_app2"))).Text);
        Assert.Equal("two |/x", (await server.AskAsync(door, "/x", variables: ("SCRIPT_NAME", "the_app2"))).Text);
        Assert.Equal("default |/x", (await server.AskAsync(door, "/x", "the_app1")).Text);
        Assert.Equal("default |/x", (await server.AskAsync(door, "/x", variables: ("HTTP_UWSGI_APPID", "the_app1"))).Text);
    }

    // mount = example.com=app1.py with uwsgi_param UWSGI_APPID $http_host;
    [Theory]
    [MemberData(nameof(MountServer.GatewayDoors), MemberType = typeof(MountServer))]
    public async Task A_host_is_named_by_the_web_server_too(string door)
    {
        await using var server = await MountServer.StartAsync(
            options => (options.Mounts["example.com"], options.Mounts["foobar.it"]) = ("one", "two"), ["one", "two"]);

        Assert.Equal("one |/x", (await server.AskAsync(door, "/x", "backend", ("UWSGI_APPID", "Example.com:8000"))).Text);
        Assert.Equal("two |/x", (await server.AskAsync(door, "/x", "example.com", ("UWSGI_APPID", "foobar.it"))).Text);
        Assert.Equal("one |/x", (await server.AskAsync(door, "/x", "example.com", ("UWSGI_APPID", ""))).Text);
    }

    [Fact]
    public async Task Over_HTTP_no_header_names_an_app()
    {
        await using var server = await MountServer.StartAsync(
            options =>
            {
                options.Mounts["the_app1"] = "one";
                options.DynamicApps = true;
            },
            ["one"]);

        foreach (var name in (string[])["UWSGI_APPID", "UWSGI-APPID", "SCRIPT_NAME", "UWSGI_SCRIPT", "UWSGI_FILE"])
        {
            Assert.Equal("default |/x", (await server.AskAsync("Http", "/x", variables: (name, "one"))).Text);
            Assert.Equal("default |/x", (await server.AskAsync("Http", "/x", variables: (name, "the_app1"))).Text);
        }
    }

    [Fact]
    public async Task Behind_the_app_the_path_is_whole_again()
    {
        var seen = new List<string>();
        await using var server = await MountServer.StartAsync(
            options => (options.Mounts["/app1"], options.Mounts["/bad"]) = ("one", "bad"),
            ["one"],
            builder =>
            {
                builder.Services.AddUwsgiApp("bad", branch => branch.Run(_ => throw new InvalidOperationException("On purpose.")));
                builder.Services.AddSingleton<Microsoft.AspNetCore.Hosting.IStartupFilter>(new Outer(async (context, next) =>
                {
                    try
                    {
                        await next(context);
                    }
                    finally
                    {
                        seen.Add($"{context.Request.PathBase.Value}|{context.Request.Path.Value}");
                    }
                }));
            });
        server.ExpectError("ApplicationError");

        await server.AskAsync("Uwsgi", "/app1/x");
        Assert.Equal(500, (await server.AskAsync("Uwsgi", "/bad/y")).StatusCode);

        Assert.Equal(["|/app1/x", "|/bad/y"], seen);
    }

    [Theory]
    [MemberData(nameof(MountServer.Doors), MemberType = typeof(MountServer))]
    public async Task A_response_that_starts_behind_the_app_is_prepared_below_its_base(string door)
    {
        await using var server = await MountServer.StartAsync(
            options => options.Mounts["/app1"] = "redirects",
            [],
            builder => builder.Services.AddUwsgiApp("redirects", branch => branch.Run(context =>
            {
                // As the cookie of TempData is set: on start, for the base, and a redirect has no body that would start it earlier.
                context.Response.OnStarting(() =>
                {
                    context.Response.Headers["X-Paths"] = $"{context.Request.PathBase.Value}|{context.Request.Path.Value}";
                    return Task.CompletedTask;
                });
                context.Response.Redirect("/app1/next");
                return Task.CompletedTask;
            })));

        var response = await server.AskAsync(door, "/app1/x");

        Assert.Equal("/app1|/x", response["X-Paths"]);
    }

    [Fact]
    public async Task A_branch_has_its_own_routing_and_the_host_its_own()
    {
        var built = 0;
        await using var server = await MountServer.StartAsync(
            options => (options.Mounts["/shop"], options.Mounts["/store"]) = ("shop", "shop"),
            [],
            builder => builder.Services.AddUwsgiApp("shop", branch =>
            {
                built++;
                branch.UseRouting();
                branch.Use((context, next) =>
                {
                    context.Response.Headers["X-Shop"] = context.GetEndpoint()?.DisplayName ?? "none";
                    return next(context);
                });
                branch.UseEndpoints(endpoints => endpoints.MapGet(
                    "/cart/{item}", (string item, LinkGenerator links, HttpContext context) => $"shop {item} {links.GetPathByName(context, "cart", new { item = 7 })}").WithName("cart"));
            }),
            app => app.MapGet("/host", () => "host"));

        var cart = await server.AskAsync("Uwsgi", "/shop/cart/5");
        Assert.Equal("shop 5 /shop/cart/7", cart.Text);
        Assert.Contains("/cart/", cart["X-Shop"]);
        Assert.Equal("shop 5 /store/cart/7", (await server.AskAsync("Http", "/store/cart/5")).Text);
        Assert.Equal("host", (await server.AskAsync("Uwsgi", "/host")).Text);
        Assert.Equal(404, (await server.AskAsync("Uwsgi", "/cart/5")).StatusCode);

        // What runs through a branch ends there.
        var missed = await server.AskAsync("Uwsgi", "/shop/host");
        Assert.Equal(404, missed.StatusCode);
        Assert.Equal("none", missed["X-Shop"]);
        Assert.Equal(1, built);
    }

    [Fact]
    public async Task An_app_that_cannot_be_built_is_named()
    {
        var error = await Assert.ThrowsAsync<InvalidOperationException>(() => MountServer.StartAsync(
            options => options.Mounts["/app1"] = "shop",
            [],
            builder => builder.Services.AddUwsgiApp("shop", _ => throw new NotSupportedException("No shop today."))));

        Assert.Contains("The app 'shop' of AddUwsgiApp could not be built: No shop today.", error.Message);
        Assert.IsType<NotSupportedException>(error.InnerException);
    }

    [Fact]
    public async Task Every_mistake_is_reported_at_start()
    {
        var error = await Assert.ThrowsAsync<OptionsValidationException>(() => MountServer.StartAsync(
            options =>
            {
                options.Backlog = 0;
                options.Mounts["/a"] = "shop";
                options.Mounts["/a/"] = "shpo";
            },
            ["shop"]));

        Assert.Equal(3, error.Failures.Count());
        Assert.Contains("Uwsgi:Mounts: '/a/' means the same as '/a'", error.Message);
        Assert.Contains("Uwsgi:Mounts:/a/: 'shpo' is no app", error.Message);
        Assert.Contains("Uwsgi:Backlog", error.Message);
    }

    [Fact]
    public async Task Configuration_mounts_apps_that_are_added_after_UseUwsgi()
    {
        await using var server = await GatewayTestServer.StartAsync(MountServer.Answer("default"), options => options.Host = builder =>
        {
            builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
            {
                ["Uwsgi:Mounts:/app1"] = "shop",
                ["Uwsgi:Mounts:example.com/admin:App"] = "shop",
                ["Uwsgi:Mounts:example.com/admin:Harakiri"] = "5",
            });
            builder.UseUwsgi();
            builder.Services.AddUwsgiApp("shop", branch => branch.Run(MountServer.Answer("shop")));
        });

        Assert.Equal("shop /app1|/x", (await server.RequestAsync(UwsgiPacket.Nginx(target: "/app1/x"))).Text);
        Assert.Equal("shop /admin|/x", (await server.RequestAsync(UwsgiPacket.Nginx(target: "/admin/x", host: "example.com"))).Text);
    }

    [Fact]
    public async Task An_app_that_nothing_reaches_is_not_built_and_warned_of()
    {
        await using var server = await MountServer.StartAsync(
            _ => { }, ["one"], builder => builder.Services.AddUwsgiApp("broken", _ => throw new NotSupportedException()));

        Assert.Equal("default |/x", (await server.AskAsync("Http", "/x")).Text);
        Assert.Contains("'broken', 'one'", Assert.Single(server.Logs.Find("AppsNotMounted")).Message);
    }

    [Fact]
    public async Task Without_UseUwsgi_an_app_does_nothing()
    {
        var builder = Hosting.HostedApp.CreateBuilder(null, "--urls", "http://127.0.0.1:0");
        builder.Services.AddUwsgiApp("shop", _ => throw new NotSupportedException());
        await using var app = await Hosting.HostedApp.StartAsync(builder);

        await Hosting.HostedApp.AssertAnswersHttpAsync(app.Urls.Single());
    }

    [Fact]
    public async Task A_mount_counts_its_requests_and_brings_its_time_limit()
    {
        var limits = new List<TimeSpan?>();
        await using var server = await MountServer.StartAsync(
            options =>
            {
                options.Harakiri = TimeSpan.FromMinutes(1);
                options.Mounts["/slow"] = new UwsgiMount("limit") { Harakiri = TimeSpan.FromSeconds(30) };
                options.Mounts["/app1"] = "limit";
                options.NoDefaultApp = true;
            },
            [],
            builder => builder.Services.AddUwsgiApp("limit", branch => branch.Run(context =>
            {
                limits.Add(Core.Of(context)!.MountTimeout);
                return Task.CompletedTask;
            })));

        foreach (var target in (string[])["/slow", "/app1", "/slow/x", "/", "/other"])
            await server.AskAsync("Uwsgi", target);

        // The counters are written behind the response.
        await server.App.StopAsync().WithTimeoutAsync();
        Assert.Equal([TimeSpan.FromSeconds(30), null, TimeSpan.FromSeconds(30)], limits);
        var worker = server.Services.GetRequiredService<Worker>();
        Assert.Equal([("/slow", 2), ("/app1", 1)], worker.Apps.Select(app => (app.MountPoint, (int)app.Requests)));
        Assert.Equal(0, worker.DefaultApp.Requests);
    }

    private static Task<GatewayTestServer> StartTwoAsync(Action<UwsgiOptions>? configure = null) => MountServer.StartAsync(
        options =>
        {
            options.Mounts["/app1"] = "one";
            options.Mounts["/app2/"] = "two";
            configure?.Invoke(options);
        },
        ["one", "two"]);

    private sealed class Outer(Func<HttpContext, RequestDelegate, Task> middleware) : Microsoft.AspNetCore.Hosting.IStartupFilter
    {
        public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
        {
            app.Use(middleware);
            next(app);
        };
    }
}
