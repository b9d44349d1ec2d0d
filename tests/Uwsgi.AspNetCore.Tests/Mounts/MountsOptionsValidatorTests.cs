using Microsoft.Extensions.DependencyInjection;
using Uwsgi.AspNetCore.Mounts;

namespace Uwsgi.AspNetCore.Tests.Mounts;

public class MountsOptionsValidatorTests
{
    [Fact]
    public void Validate_GoodMounts_Succeeds() => Assert.Empty(Validate(
        options =>
        {
            options.Mounts["/app1"] = "shop";
            options.Mounts["/"] = "shop";
            options.Mounts["example.com"] = new UwsgiMount("blog") { Harakiri = TimeSpan.FromSeconds(1) };
            options.Mounts["intranet"] = "blog";
            options.Mounts["intranet/"] = "blog";
        },
        "shop",
        "blog"));

    [Fact]
    public void Validate_SeveralMistakes_AreAllReported() => Assert.Equal(
        [
            "Uwsgi:Mounts: '/a/../b' has a segment '..'; write the path without it.",
            "Uwsgi:Mounts: '/app1/' means the same as '/app1'; remove one of them.",
            "Uwsgi:Mounts: 'EXAMPLE.com' means the same as 'example.com.'; remove one of them.",
            "Uwsgi:Mounts:/x: 'shpo' is no app; AddUwsgiApp has added 'blog', 'shop', of which 'shop' is the nearest.",
            "Uwsgi:Mounts:/y:Harakiri: '00:00:00' must be more than zero, or unset for the limit of Uwsgi:Harakiri.",
        ],
        Validate(
            options =>
            {
                options.Mounts["/a/../b"] = "shop";
                options.Mounts["/app1"] = "shop";
                options.Mounts["/app1/"] = "blog";
                options.Mounts["example.com."] = "blog";
                options.Mounts["EXAMPLE.com"] = "blog";
                options.Mounts["/x"] = "shpo";
                options.Mounts["/y"] = new UwsgiMount("shop") { Harakiri = TimeSpan.Zero };
            },
            "shop",
            "blog"));

    [Fact]
    public void Validate_NoAppAtAll_SaysHowToAddOne() => Assert.Equal(
        ["Uwsgi:Mounts:/x: 'shop' is no app; add it with services.AddUwsgiApp(name, branch => ...)."],
        Validate(options => options.Mounts["/x"] = "shop"));

    [Fact]
    public void Validate_NamesByCase_AreDifferent() => Assert.Contains(
        "'Shop' is the nearest", Assert.Single(Validate(options => options.Mounts["/x"] = "shop", "Shop")));

    [Fact]
    public void AddUwsgiApp_BadName_IsRefused()
    {
        var services = new ServiceCollection().AddKeyedSingleton("key", new object()).AddUwsgiApp("shop", _ => { });

        services.AddUwsgiApp("Shop", _ => { });
        Assert.Contains("'shop' already", Assert.Throws<ArgumentException>(() => services.AddUwsgiApp("shop", _ => { })).Message);
        Assert.Throws<ArgumentException>(() => services.AddUwsgiApp("", _ => { }));
        Assert.Throws<ArgumentException>(() => services.AddUwsgiApp(" ", _ => { }));
        Assert.Throws<ArgumentNullException>(() => services.AddUwsgiApp("blog", null!));
    }

    private static IEnumerable<string> Validate(Action<UwsgiOptions> configure, params string[] apps)
    {
        var options = new UwsgiOptions();
        configure(options);
        return new MountsOptionsValidator(apps.Select(app => new UwsgiApp(app, _ => { }))).Validate(null, options).Failures ?? [];
    }
}
