using System.Net;
using Uwsgi.AspNetCore.InteropTests.FrontEnds;
using Xunit.Abstractions;

namespace Uwsgi.AspNetCore.InteropTests.FirstSteps;

/// <summary>The page of the web servers' configurations: it lists every file, and what it tells a reader to do works.</summary>
public sealed class FrontEndsTests(FrontEndsTests.Hello hello, ITestOutputHelper output) : IClassFixture<FrontEndsTests.Hello>
{
    private const string Folder = "samples/FrontEnds";

    private const string Request = "curl 'http://127.0.0.1:8000/cart?item=7'";

    // Those for which the app of the page's first command is enough.
    private static readonly string[] Run =
    [
        "nginx/uwsgi.conf", "nginx/fastcgi.conf", "nginx/fastcgi-keepalive.conf", "nginx/scgi.conf",
        "apache/uwsgi.conf", "apache/fastcgi.conf", "apache/scgi.conf",
        "lighttpd/uwsgi.conf", "lighttpd/fastcgi.conf", "lighttpd/scgi.conf", "lighttpd/authorizer.conf",
        "haproxy/fastcgi.cfg", "haproxy/fastcgi-keepalive.cfg", "haproxy/fastcgi-multiplexed.cfg",
        "caddy/fastcgi.Caddyfile", "uwsgi/router.ini",
    ];

    public static TheoryData<string> Files => [.. FindFiles()];

    public static TheoryData<string> RunFiles => [.. Run];

    private static MarkdownPage Page { get; } = MarkdownPage.Read($"{Folder}/README.md");

    [Fact]
    public void Page_ListsEveryFileOnce() =>
        Assert.Equal(FindFiles().Order(), Page.LocalLinks.Where(link => !link.EndsWith(".md", StringComparison.Ordinal)).Order());

    [Theory]
    [MemberData(nameof(Files))]
    public void Page_ShowsTheCommandOfTheFile(string file)
    {
        var command = File.ReadLines(Repository.PathOf($"{Folder}/{file}"))
            .First(line => line.StartsWith('#') && line.Contains($"{Folder}/{file}", StringComparison.Ordinal))
            .TrimStart('#').Trim();

        Assert.Contains(command, Page.Commands.Select(step => step.Command));
    }

    /// <summary>A test of the web server, by the name of its source, or this one names the file.</summary>
    [Theory]
    [MemberData(nameof(Files))]
    public void File_IsRunByATest(string file)
    {
        var project = Repository.PathOf("tests/Uwsgi.AspNetCore.InteropTests");
        var (server, name) = (Path.GetDirectoryName(file)!, Path.GetFileName(file));

        Assert.Contains(
            Directory.EnumerateFiles(project, "*.cs", SearchOption.AllDirectories),
            source => Path.GetRelativePath(project, source).Contains(server, StringComparison.OrdinalIgnoreCase)
                && File.ReadAllText(source) is var text
                && (text.Contains($"\"{name}\"", StringComparison.Ordinal) || text.Contains($"/{name}\"", StringComparison.Ordinal)));
    }

    [SkippableTheory]
    [MemberData(nameof(RunFiles))]
    public async Task Curl_ThroughTheFile_PrintsWhatThePageShows(string file)
    {
        var expected = Page.Commands.Single(step => step.Command == Request).Output;

        await using var frontEnd = await StartAsync(file);
        output.WriteLine(frontEnd.Version);
        var addresses = new DocumentedAddresses(frontEnd.Address);
        var actual = addresses.ToDocumented(await Repository.CurlAsync(addresses.ToActual(Request)));

        // Debian's nginx passes the host without its port, as the page says.
        Assert.Equal(expected.Replace("FastCgi", GetDoor(file), StringComparison.Ordinal), actual.Replace("host         127.0.0.1:8000", "host         127.0.0.1", StringComparison.Ordinal));
    }

    [SkippableFact]
    public async Task OnePort_OfThePage_TakesHttpAndFastCgi()
    {
        const string Gateway = "127.0.0.1:9000";
        Assert.Contains(Page.Commands, step => step.Command == $"{Hello.Command} --urls gateway://{Gateway}");
        var (http, httpOutput) = Page.Commands.Single(step => step.Command.Contains($"http://{Gateway}", StringComparison.Ordinal));
        var (request, fastCgiOutput) = Page.Commands.Single(step => step.Command == Request);

        await using var app = await Hello.StartAsync("gateway://127.0.0.1:0");
        await using var nginx = await NginxFrontEnd.StartAsync($"{Folder}/nginx/fastcgi.conf", (Gateway, app["gateway"]));
        var addresses = new DocumentedAddresses((Gateway, app["gateway"]), nginx.Address);

        Assert.Equal(httpOutput, addresses.ToDocumented(await Repository.CurlAsync(addresses.ToActual(http))));
        Assert.Equal(
            fastCgiOutput.Split('\n').Where(line => !line.StartsWith("host ", StringComparison.Ordinal)),
            (await Repository.CurlAsync(addresses.ToActual(request))).TrimEnd('\n').Split('\n').Where(line => !line.StartsWith("host ", StringComparison.Ordinal)));
    }

    private static IEnumerable<string> FindFiles() =>
        from path in Directory.EnumerateFiles(Repository.PathOf(Folder), "*", SearchOption.AllDirectories)
        let file = Path.GetRelativePath(Repository.PathOf(Folder), path)
        where file != "README.md"
        select file;

    private static string GetDoor(string file) => file switch
    {
        "uwsgi/router.ini" => "Uwsgi",
        "lighttpd/authorizer.conf" => "Scgi",
        _ when file.Contains("/uwsgi", StringComparison.Ordinal) => "Uwsgi",
        _ when file.Contains("/scgi", StringComparison.Ordinal) => "Scgi",
        _ => "FastCgi",
    };

    private async Task<FrontEndServer> StartAsync(string file)
    {
        var path = $"{Folder}/{file}";
        (string Documented, EndPoint Actual) Upstream(string uwsgi) => GetDoor(file) switch
        {
            "Uwsgi" => (uwsgi, hello.App["uwsgi"]),
            "Scgi" => ("127.0.0.1:4000", hello.App["scgi"]),
            _ => ("127.0.0.1:9000", hello.App["fastcgi"]),
        };
        return file.Split('/')[0] switch
        {
            "apache" => await ApacheFrontEnd.StartAsync(Path.GetFileName(file), Upstream("127.0.0.1:3032")),
            "lighttpd" when file == "lighttpd/authorizer.conf" =>
                await LighttpdFrontEnd.StartAsync(path, [("127.0.0.1:9000", hello.App["fastcgi"]), Upstream(string.Empty)]),
            "lighttpd" => await LighttpdFrontEnd.StartAsync(path, [Upstream("127.0.0.1:3031")]),
            "haproxy" => await HAProxyFrontEnd.StartAsync(path, Upstream(string.Empty)),
            "caddy" => await CaddyFrontEnd.StartAsync(path, Upstream(string.Empty)),
            "uwsgi" => await UwsgiRouterFrontEnd.StartAsync(hello.App["uwsgi"]),
            _ => await NginxFrontEnd.StartAsync(path, Upstream("127.0.0.1:3031")),
        };
    }

    /// <summary>The app of the page's first command, on ports of the kernel's choice.</summary>
    public sealed class Hello : IAsyncLifetime
    {
        internal const string Command = "dotnet run --project samples/Hello --";

        internal ListeningApp App { get; private set; } = null!;

        public async Task InitializeAsync()
        {
            var command = Page.Commands[0].Command;
            Assert.StartsWith($"{Command} --urls \"", command);
            App = await StartAsync(command.Split('"')[1].Replace(":3032", ":0", StringComparison.Ordinal)
                .Replace(":9000", ":0", StringComparison.Ordinal).Replace(":4000", ":0", StringComparison.Ordinal));
        }

        public async Task DisposeAsync()
        {
            // It is missing when it did not start, which is the failure to be shown.
            if (App is not null)
            {
                await App.DisposeAsync();
            }
        }

        internal static Task<ListeningApp> StartAsync(string urls) => ListeningApp.StartAsync(
            ["--project", Repository.PathOf("samples/Hello"), "--no-build", "-c", Repository.Configuration, "--", "--urls", urls, "--Uwsgi:Sockets:0", "127.0.0.1:0"]);
    }
}
