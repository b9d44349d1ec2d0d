using System.Net;
using Uwsgi.AspNetCore.InteropTests.FrontEnds;
using Uwsgi.AspNetCore.InteropTests.Http;
using Uwsgi.AspNetCore.InteropTests.Processes;
using Uwsgi.AspNetCore.InteropTests.Servers;
using Xunit.Abstractions;

namespace Uwsgi.AspNetCore.InteropTests.FirstSteps;

/// <summary>The sample <c>Operations</c>: its page's commands, its units, and the exit code they wait for.</summary>
public sealed class OperationsTests(ITestOutputHelper output) : IDisposable
{
    private const string Folder = "samples/Operations";
    private const string Uwsgi = "127.0.0.1:3031";
    private const string Http = "127.0.0.1:8080";
    private const string Stats = "127.0.0.1:9191";

    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [SkippableFact]
    public async Task CommandsOfThePage_PrintWhatThePageShows()
    {
        var page = MarkdownPage.Read($"{Folder}/README.md");
        Assert.Contains(page.Commands, step => step.Command == $"dotnet run --project {Folder}");
        Assert.Contains(page.Commands, step => step.Command == $"/usr/sbin/nginx -p $PWD/{Folder} -c $PWD/{Folder}/nginx.conf");
        var requests = page.Commands.Where(step => step.Command.StartsWith("curl ", StringComparison.Ordinal)).ToList();
        Assert.NotEmpty(requests);

        var stats = new IPEndPoint(IPAddress.Loopback, FreePort.Take(1)[0]);
        await using var app = await StartAsync("--Uwsgi:Stats:0", stats.ToString());
        await using var nginx = await StartNginxAsync(app["uwsgi"]);
        output.WriteLine(nginx.Version);
        var addresses = new DocumentedAddresses((Uwsgi, app["uwsgi"]), (Http, app["http"]), (Stats, stats), nginx.Address);
        foreach (var (command, expected) in requests)
        {
            var actual = addresses.ToDocumented(await Repository.CurlAsync(addresses.ToActual(command)));
            Assert.Equal(expected, actual.ReplaceLineEndings("\n").TrimEnd('\n'));
        }
    }

    [SkippableFact]
    public async Task StuckRequests_EndTheAppWithTheCodeTheUnitWaitsFor()
    {
        await using var app = ForegroundProcess.Start("dotnet", Run("--Uwsgi:Harakiri", "1", "--Uwsgi:HarakiriGrace", "1", "--Uwsgi:Stats:0", "127.0.0.1:0"));
        Assert.True(await app.WaitForLineAsync(IsStarted) is not null, app.Output);
        await using var nginx = await StartNginxAsync(ListeningApp.FindAddress(app.Output, "uwsgi"));

        for (var i = 0; i < 2; i++)
        {
            Assert.Equal(504, (await RawHttpConnection.SendAsync(nginx.Address.Actual, new RawRequest("GET", "/reports/all"))).Status);
        }

        Assert.Equal(UwsgiExitCodes.Harakiri, await app.Exited.OrTimeout());
        Assert.Contains($"RestartForceExitStatus={UwsgiExitCodes.Recycle} {UwsgiExitCodes.Harakiri}", ReadUnit("operations.service"));
        Assert.Contains($"SuccessExitStatus={UwsgiExitCodes.Recycle}", ReadUnit("operations.service"));
    }

    // As systemd does it: it listens, starts the service with the first connection, and hands the socket over as descriptor 3.
    [SkippableFact]
    public async Task CommandOfTheUnit_ServesTheSocketItInherits()
    {
        var activate = RequiredProgram.Find("systemd-socket-activate", "systemd");
        var command = Assert.Single(ReadUnit("operations.service"), line => line.StartsWith("ExecStart=", StringComparison.Ordinal))["ExecStart=".Length..]
            .Replace("/usr/bin/dotnet", RequiredProgram.Find("dotnet", "dotnet-sdk-10.0"), StringComparison.Ordinal)
            .Replace("/srv/operations/", Repository.PathOf($"{Folder}/bin/{Repository.Configuration}/net10.0/"), StringComparison.Ordinal)
            .Split(' ');
        var address = new IPEndPoint(IPAddress.Loopback, FreePort.Take(1)[0]);
        await using var app = ForegroundProcess.Start(
            activate,
            ["-l", address.ToString(), .. command, "--contentRoot", Repository.PathOf(Folder), "--urls", "http://127.0.0.1:0", "--Uwsgi:Stats:0", "127.0.0.1:0"]);
        Assert.True(await app.WaitForLineAsync(line => line.Contains("Listening on", StringComparison.Ordinal)) is not null, app.Output);
        await using var nginx = await StartNginxAsync(address);

        var order = await RawHttpConnection.SendAsync(nginx.Address.Actual, new RawRequest("GET", "/orders/7"));

        Assert.Equal("Order 7: two books, on their way.\n", order.Text);

        // The app serves before it says where.
        Assert.True(await app.WaitForLineAsync(line => line.Contains("Now listening on: uwsgi://fd://3", StringComparison.Ordinal)) is not null, app.Output);
    }

    [SkippableFact]
    public async Task Units_AreAcceptedBySystemd()
    {
        var analyze = RequiredProgram.Find("systemd-analyze", "systemd");
        string[] units = ["operations.service", "operations.socket"];
        foreach (var unit in units)
        {
            var text = string.Join('\n', ReadUnit(unit)).Replace("/usr/bin/dotnet", RequiredProgram.Find("dotnet", "dotnet-sdk-10.0"), StringComparison.Ordinal);
            await File.WriteAllTextAsync(_directory[unit], text);
        }

        await using var verify = ForegroundProcess.Start(analyze, ["verify", .. units.Select(unit => _directory[unit])]);

        Assert.True(await verify.Exited.OrTimeout() == 0 && !verify.Output.Contains(_directory.Path, StringComparison.Ordinal), verify.Output);
        Assert.Contains("ListenStream=/run/operations/operations.sock", ReadUnit("operations.socket"));
    }

    private static bool IsStarted(string line) => line.Contains("Application started", StringComparison.Ordinal);

    private static string[] ReadUnit(string unit) => File.ReadAllLines(Repository.PathOf($"{Folder}/{unit}"));

    private static string[] Run(params string[] arguments) =>
    [
        "run", "--project", Repository.PathOf(Folder), "--no-build", "-c", Repository.Configuration,
        "--", "--urls", "http://127.0.0.1:0", "--Uwsgi:Sockets:0", "127.0.0.1:0", .. arguments,
    ];

    private static Task<ListeningApp> StartAsync(params string[] arguments) => ListeningApp.StartAsync(Run(arguments).Skip(1));

    private static Task<NginxFrontEnd> StartNginxAsync(EndPoint app) =>
        NginxFrontEnd.StartAsync($"{Folder}/nginx.conf", (Uwsgi, app), "wwwroot/css/site.css", "invoices/7.txt", "obj/");
}
