using Uwsgi.AspNetCore.InteropTests.FrontEnds;
using Xunit.Abstractions;

namespace Uwsgi.AspNetCore.InteropTests.FirstSteps;

/// <summary>Every sample does what its README, and the README at the top, say: same commands, same output.</summary>
public sealed class SamplesTests(ITestOutputHelper output)
{
    private const string Uwsgi = "127.0.0.1:3031";
    private const string Http = "127.0.0.1:8080";

    [SkippableTheory]
    [InlineData("README.md")]
    [InlineData("samples/Hello/README.md")]
    public async Task Hello_CommandsOfThePage_PrintWhatThePageShows(string file)
    {
        var page = MarkdownPage.Read(file);
        Assert.Contains(page.Commands, step => step.Command == "dotnet run --project samples/Hello");
        Assert.Contains(page.Commands, step => step.Command == "/usr/sbin/nginx -p /tmp -c $PWD/samples/Hello/nginx.conf");
        var requests = page.Commands.Where(step => step.Command.StartsWith("curl ", StringComparison.Ordinal) && step.Command.Contains("//127.0.0.1:")).ToList();
        Assert.NotEmpty(requests);

        await using var app = await StartHelloAsync();
        await using var nginx = await NginxFrontEnd.StartAsync("samples/Hello/nginx.conf", (Uwsgi, app["uwsgi"]));
        output.WriteLine(nginx.Version);
        var addresses = new DocumentedAddresses((Uwsgi, app["uwsgi"]), (Http, app["http"]), nginx.Address);

        foreach (var (command, expected) in requests)
        {
            var actual = addresses.ToDocumented(await Repository.CurlAsync(addresses.ToActual(command)));
            Assert.Equal(expected, WithHostOf(expected, actual));
        }
    }

    [SkippableFact]
    public async Task Hello_BelowAndBesideTheMount_RoutesByTheWholePath()
    {
        await using var app = await StartHelloAsync();
        await using var nginx = await NginxFrontEnd.StartAsync("samples/Hello/nginx.conf", (Uwsgi, app["uwsgi"]));

        Assert.Equal(("/shop", ""), await GetPathAsync(nginx, "/shop"));
        Assert.Equal(("/shop", "/"), await GetPathAsync(nginx, "/shop/"));
        Assert.Equal(("/shop", "/a%20b%25"), await GetPathAsync(nginx, "/shop/a%20b%25"));
        Assert.Equal(("/shop", "/shop/x"), await GetPathAsync(nginx, "/shop/shop/x"));
        Assert.Equal(("(none)", "/shopping/list"), await GetPathAsync(nginx, "/shopping/list"));
        Assert.Equal(("(none)", "/other/shop/x"), await GetPathAsync(nginx, "/other/shop/x"));
    }

    [SkippableFact]
    public async Task Mounts_CommandsOfThePage_PrintWhatThePageShows()
    {
        var page = MarkdownPage.Read("samples/Mounts/README.md");
        Assert.Contains(page.Commands, step => step.Command == "dotnet run --project samples/Mounts");
        Assert.Contains(page.Commands, step => step.Command == "/usr/sbin/nginx -p /tmp -c $PWD/samples/Mounts/nginx.conf");
        var requests = page.Commands.Where(step => step.Command.StartsWith("curl ", StringComparison.Ordinal)).ToList();
        Assert.Equal(10, requests.Count);

        await using var app = await StartAsync("samples/Mounts");
        await using var nginx = await NginxFrontEnd.StartAsync("samples/Mounts/nginx.conf", (Uwsgi, app["uwsgi"]));
        output.WriteLine(nginx.Version);
        var addresses = new DocumentedAddresses((Uwsgi, app["uwsgi"]), (Http, app["http"]), nginx.Address);

        foreach (var (command, expected) in requests)
        {
            Assert.Equal(expected, (await Repository.CurlAsync(addresses.ToActual(command))).TrimEnd('\n'));
        }
    }

    [Theory]
    [InlineData("samples/Hello")]
    [InlineData("samples/Mounts")]
    public async Task Settings_NameTheDocumentedAddresses(string sample)
    {
        var settings = await File.ReadAllTextAsync(Repository.PathOf(sample + "/appsettings.json"));

        Assert.Contains($"\"Urls\": \"http://{Http}\"", settings);
        Assert.Contains($"\"Sockets\": [ \"{Uwsgi}\" ]", settings);
    }

    [Fact]
    public void Index_ListsEverySample()
    {
        var samples = Directory.GetDirectories(Repository.PathOf("samples")).Select(path => Path.GetFileName(path) + "/README.md");

        Assert.Equal(samples.Order(), MarkdownPage.Read("samples/README.md").LocalLinks.Order());
    }

    private static Task<ListeningApp> StartHelloAsync() => StartAsync("samples/Hello");

    private static Task<ListeningApp> StartAsync(string sample) => ListeningApp.StartAsync(
        ["--project", Repository.PathOf(sample), "--no-build", "-c", Repository.Configuration, "--", "--urls", "http://127.0.0.1:0", "--Uwsgi:Sockets:0", "127.0.0.1:0"]);

    private static async Task<(string PathBase, string Path)> GetPathAsync(NginxFrontEnd nginx, string target)
    {
        var lines = (await Repository.CurlAsync($"curl http://{nginx.Address.Actual}{target}")).Split('\n');
        string Get(string name) => Assert.Single(lines, line => line.StartsWith(name, StringComparison.Ordinal))[name.Length..];
        return (Get("path base    "), Get("path         "));
    }

    // nginx's own uwsgi_params passes the host with its port, Debian's without; the page shows Debian's and says so.
    private static string WithHostOf(string expected, string actual) => expected.Contains("host         127.0.0.1\n", StringComparison.Ordinal)
        ? actual.Replace("host         127.0.0.1:8000\n", "host         127.0.0.1\n", StringComparison.Ordinal)
        : actual;
}
