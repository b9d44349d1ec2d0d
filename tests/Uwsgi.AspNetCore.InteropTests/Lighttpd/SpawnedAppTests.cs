using Uwsgi.AspNetCore.InteropTests.FirstSteps;
using Uwsgi.AspNetCore.InteropTests.FrontEnds;
using Uwsgi.AspNetCore.InteropTests.Http;
using Uwsgi.AspNetCore.InteropTests.Processes;

namespace Uwsgi.AspNetCore.InteropTests.Lighttpd;

/// <summary>The sample Hello as lighttpd starts it: its listening socket is descriptor 0.</summary>
public sealed class SpawnedAppTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [SkippableFact]
    public async Task SpawnedApp_AnswersAndStopsWithLighttpd()
    {
        await using var lighttpd = await StartAsync();

        var response = await AskAsync(lighttpd, "/shop/cart?item=7");
        Assert.Equal(200, response.Status);
        Assert.Contains("\npath         /shop/cart\n", response.Text);
        Assert.Single(GetChildren(lighttpd));

        // The app has inherited lighttpd's standard error: that ends when both have ended. With which code is lighttpd's own affair.
        lighttpd.Process.Signal(Signals.Terminate);
        await lighttpd.Process.Exited.OrTimeout();
        Assert.Empty(Directory.GetFiles(_directory.Path));
    }

    [SkippableFact]
    public async Task SpawnedApp_Killed_IsStartedAgain()
    {
        await using var lighttpd = await StartAsync();
        Assert.Equal(200, (await AskAsync(lighttpd, "/")).Status);
        var killed = Assert.Single(GetChildren(lighttpd));

        Signals.Send(killed, Signals.Kill);
        await lighttpd.WaitForLogAsync("child signalled: 9").OrTimeout();

        Assert.Equal(200, (await AskAsync(lighttpd, "/")).Status);
        Assert.NotEqual(killed, Assert.Single(GetChildren(lighttpd)));
    }

    private static Task<RawResponse> AskAsync(LighttpdFrontEnd lighttpd, string target) =>
        RawHttpConnection.SendAsync(lighttpd.Address.Actual, new RawRequest("GET", target));

    private static int[] GetChildren(LighttpdFrontEnd lighttpd)
    {
        var id = lighttpd.Process.Id;
        return [.. File.ReadAllText($"/proc/{id}/task/{id}/children").Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(int.Parse)];
    }

    private Task<LighttpdFrontEnd> StartAsync()
    {
        var framework = Path.GetFileName(AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar));
        return LighttpdFrontEnd.StartAsync(
            "samples/FrontEnds/lighttpd/fastcgi-spawned.conf",
            [],
            ("/tmp/frontend-lighttpd.sock", _directory["app.sock"]),
            ("/usr/bin/dotnet", RequiredProgram.Find("dotnet", "dotnet-sdk-10.0")),
            ("/srv/hello", Repository.PathOf($"samples/Hello/bin/{Repository.Configuration}/{framework}")));
    }
}
