using Uwsgi.AspNetCore.FunctionalTests.Infrastructure;

namespace Uwsgi.AspNetCore.FunctionalTests.Mounts;

public class DynamicAppTests
{
    // location / { uwsgi_param UWSGI_SCRIPT testapp; } location /django { uwsgi_param UWSGI_SCRIPT django_wsgi; }
    // In uWSGI both share one key, and the first to be loaded answers for both.
    [Theory]
    [MemberData(nameof(MountServer.GatewayDoors), MemberType = typeof(MountServer))]
    public async Task Two_locations_run_two_apps(string door)
    {
        await using var server = await StartAsync();

        for (var round = 0; round < 2; round++)
        {
            Assert.Equal("testapp |/x", (await server.AskAsync(door, "/x", variables: ("UWSGI_SCRIPT", "testapp"))).Text);
            Assert.Equal("django_wsgi |/django/x", (await server.AskAsync(door, "/django/x", variables: ("UWSGI_SCRIPT", "django_wsgi"))).Text);
        }

        Assert.Equal(
            "django_wsgi /django|/x",
            (await server.AskAsync(door, "/django/x", variables: [("UWSGI_SCRIPT", "django_wsgi"), ("SCRIPT_NAME", "/django")])).Text);
    }

    [Theory]
    [MemberData(nameof(MountServer.GatewayDoors), MemberType = typeof(MountServer))]
    public async Task Every_variable_names_an_app_that_was_added(string door)
    {
        await using var server = await StartAsync();

        Assert.Equal("testapp |/", (await server.AskAsync(door, "/", variables: ("UWSGI_FILE", "testapp"))).Text);
        Assert.Equal("testapp |/", (await server.AskAsync(door, "/", variables: ("UWSGI_APPID", "testapp"))).Text);
        Assert.Equal("testapp |/", (await server.AskAsync(door, "/", variables: ("UWSGI_MODULE", "testapp"))).Text);
        Assert.Equal("shop:app |/", (await server.AskAsync(door, "/", variables: [("UWSGI_MODULE", "shop"), ("UWSGI_CALLABLE", "app")])).Text);
        Assert.Equal("default |/", (await server.AskAsync(door, "/")).Text);
    }

    [Theory]
    [MemberData(nameof(MountServer.GatewayDoors), MemberType = typeof(MountServer))]
    public async Task Nobody_else_is_ever_run(string door)
    {
        await using var server = await StartAsync();

        foreach (var name in (string[])["System.IO.File", "/srv/testapp", "exec://id", "TESTAPP", "testapp:other", "http://other.test/a.py"])
        {
            foreach (var variable in (string[])["UWSGI_SCRIPT", "UWSGI_MODULE", "UWSGI_FILE", "UWSGI_APPID"])
                Assert.Equal(404, (await server.AskAsync(door, "/x", variables: (variable, name))).StatusCode);
        }

        Assert.Equal(6, server.Logs.Find("UnknownApp").Count);
        Assert.Contains("'django_wsgi', 'shop:app', 'testapp'", server.Logs.Find("UnknownApp")[0].Message);
    }

    [Theory]
    [MemberData(nameof(MountServer.GatewayDoors), MemberType = typeof(MountServer))]
    public async Task Unless_turned_on_the_variables_do_nothing(string door)
    {
        await using var server = await StartAsync(options =>
        {
            options.DynamicApps = false;
            options.Mounts["/mounted"] = "shop:app";
        });

        foreach (var variable in (string[])["UWSGI_SCRIPT", "UWSGI_MODULE", "UWSGI_FILE", "UWSGI_APPID"])
            Assert.Equal("default |/x", (await server.AskAsync(door, "/x", variables: (variable, "testapp"))).Text);
    }

    [Theory]
    [MemberData(nameof(MountServer.GatewayDoors), MemberType = typeof(MountServer))]
    public async Task A_mount_comes_first_and_a_header_names_nothing(string door)
    {
        await using var server = await StartAsync(options => options.Mounts["/mounted"] = "shop:app");

        Assert.Equal("shop:app /mounted|/x", (await server.AskAsync(door, "/mounted/x", variables: ("UWSGI_SCRIPT", "testapp"))).Text);
        Assert.Equal("default |/x", (await server.AskAsync(door, "/x", variables: ("HTTP_UWSGI_SCRIPT", "testapp"))).Text);
    }

    private static Task<GatewayTestServer> StartAsync(Action<UwsgiOptions>? configure = null) => MountServer.StartAsync(
        options =>
        {
            options.DynamicApps = true;
            configure?.Invoke(options);
        },
        ["testapp", "django_wsgi", "shop:app"]);
}
