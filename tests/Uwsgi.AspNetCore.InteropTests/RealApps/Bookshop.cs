using System.Net;
using System.Reflection;
using System.Text.RegularExpressions;
using Uwsgi.AspNetCore.InteropTests.Processes;
using Uwsgi.AspNetCore.InteropTests.Servers;

namespace Uwsgi.AspNetCore.InteropTests.RealApps;

/// <summary>
/// The app of <c>Uwsgi.AspNetCore.RealApps</c> as a process of its own, as <c>dotnet run</c> starts it, and one nginx with two
/// sites: the app alone at the root, over TCP, and the app mounted under <c>/app1</c>, over a unix socket, with nothing else there. A second
/// process has the same app as a named one in its option <c>Mounts</c>, below paths that nginx passes on in each of the usual ways.
/// </summary>
/// <remarks>Started by the first test that asks, so that a missing nginx skips the tests instead of failing the fixture.</remarks>
[CollectionDefinition(nameof(Bookshop))]
public sealed partial class Bookshop : ICollectionFixture<Bookshop>, IAsyncLifetime, IDisposable
{
    /// <summary>The mount points every test runs under.</summary>
    public static readonly TheoryData<string> Mounts = ["", Mounted, NamedWhole, NamedTwice, NamedCut];

    private const string Mounted = "/app1";

    // Mounts of the named app: nothing but the stock variables, SCRIPT_NAME that is still in PATH_INFO, and SCRIPT_NAME that is cut off.
    private const string NamedWhole = "/app2";
    private const string NamedTwice = "/app3";
    private const string NamedCut = "/app4";

    private readonly TemporaryDirectory _directory = new();
    private readonly Lazy<Task> _start;
    private ForegroundProcess? _app;
    private ForegroundProcess? _named;
    private NginxServer? _nginx;

    public Bookshop() => _start = new Lazy<Task>(StartAsync);

    /// <summary>Gets a file of five million random bytes which the app serves as <c>/downloads/catalogue.bin</c>.</summary>
    internal byte[] Catalogue { get; } = Random.Shared.GetItems(Enumerable.Range(0, 256).Select(value => (byte)value).ToArray(), 5_000_000);

    /// <summary>Returns the address of the app's front page under a mount, with a slash at its end.</summary>
    public async Task<Uri> OpenAsync(string mount)
    {
        await _start.Value;
        var site = (IPEndPoint)_nginx![mount.Length == 0 ? "root" : "mount"];
        return new Uri($"http://{site}{mount}/");
    }

    Task IAsyncLifetime.InitializeAsync() => Task.CompletedTask;

    Task IAsyncLifetime.DisposeAsync() => StopAsync();

    public void Dispose() => _directory.Dispose();

    [GeneratedRegex(@"Now listening on: uwsgi://127\.0\.0\.1:(?<port>\d+)", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Listening();

    [GeneratedRegex(@"^(fail|crit): |\[(error|crit|alert|emerg)\]", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Complaint();

    private static string Metadata(string key) =>
        typeof(Bookshop).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(metadata => metadata.Key == key).Value!;

    private async Task StartAsync()
    {
        // Before the app, since it decides whether the tests are skipped.
        RequiredProgram.Find("nginx", "nginx");
        Directory.CreateDirectory(_directory["downloads"]);
        await File.WriteAllBytesAsync(Path.Combine(_directory["downloads"], "catalogue.bin"), Catalogue);

        _app = await StartAppAsync("app.sock");
        _named = await StartAppAsync(
            "named.sock",
            "--NamedApp", "bookshop",
            "--Uwsgi:NoDefaultApp", "true",
            $"--Uwsgi:Mounts:{NamedWhole}", "bookshop",
            $"--Uwsgi:Mounts:{NamedTwice}", "bookshop",
            $"--Uwsgi:Mounts:{NamedCut}", "bookshop");
        var port = Listening().Match(_app.Output).Groups["port"].Value;
        _nginx = await NginxServer.StartAsync(new NginxSites
        {
            Sites = new Dictionary<string, string>
            {
                ["root"] = $$"""
                    location / {
                      include uwsgi_params;
                      uwsgi_pass 127.0.0.1:{{port}};
                    }
                    """,
                ["mount"] = $$"""
                    location / { return 404; }
                    location {{Mounted}} {
                      include uwsgi_params;
                      uwsgi_param SCRIPT_NAME {{Mounted}};
                      uwsgi_pass unix:{{_directory["app.sock"]}};
                    }
                    location {{NamedWhole}} {
                      include uwsgi_params;
                      uwsgi_pass unix:{{_directory["named.sock"]}};
                    }
                    location {{NamedTwice}} {
                      include uwsgi_params;
                      uwsgi_param SCRIPT_NAME {{NamedTwice}};
                      uwsgi_pass unix:{{_directory["named.sock"]}};
                    }
                    location {{NamedCut}} {
                      include uwsgi_params;
                      uwsgi_param SCRIPT_NAME {{NamedCut}};
                      rewrite ^{{NamedCut}}(/.*)$ $1 break;
                      uwsgi_pass unix:{{_directory["named.sock"]}};
                    }
                    """,
            },
        });
    }

    private async Task<ForegroundProcess> StartAppAsync(string socket, params string[] arguments)
    {
        var app = ForegroundProcess.Start(
            "dotnet",
            [
                Metadata("RealAppsAssembly"),
                "--contentRoot", Metadata("RealAppsDirectory"),
                "--urls", $"uwsgi://127.0.0.1:0;uwsgi://unix:{_directory[socket]}",
                "--Uwsgi:SocketMode", "666",
                "--Downloads", _directory["downloads"],
                .. arguments,
            ],
            ("HOME", _directory.Path));
        var started = await app.WaitForLineAsync(line => line.Contains("Application started.", StringComparison.Ordinal));
        Assert.True(started is not null, app.Output);
        return app;
    }

    /// <summary>Stops both as an administrator would, and fails if one of them had something to complain about.</summary>
    private async Task StopAsync()
    {
        if (_app is null || _named is null || _nginx is null)
        {
            await (_app?.DisposeAsync() ?? ValueTask.CompletedTask);
            await (_named?.DisposeAsync() ?? ValueTask.CompletedTask);
            return;
        }

        await using (_nginx)
        await using (_app)
        await using (_named)
        {
            foreach (var app in (ForegroundProcess[])[_app, _named])
            {
                app.Signal(Signals.Terminate);
                Assert.True(await app.Exited.OrTimeout() == 0, app.Output);
            }
        }

        string[] complaints = [.. $"{_app.Output}\n{_named.Output}\n{_nginx.ErrorLog}".Split('\n').Where(line => Complaint().IsMatch(line))];
        Assert.True(complaints is [], string.Join('\n', complaints));
        Assert.False(File.Exists(_directory["app.sock"]) || File.Exists(_directory["named.sock"]), "A unix socket outlived its app.");
    }
}
