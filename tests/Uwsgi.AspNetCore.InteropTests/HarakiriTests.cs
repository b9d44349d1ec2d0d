using Uwsgi.AspNetCore.InteropTests.Children;
using Uwsgi.AspNetCore.InteropTests.Http;
using Uwsgi.AspNetCore.InteropTests.Servers;

namespace Uwsgi.AspNetCore.InteropTests;

/// <summary>Apps that hang behind nginx, in processes of their own whose end is part of the test.</summary>
public sealed class HarakiriTests
{
    private const int Threads = 3;

    // All threads of the pool hang, so nothing that needs one gets anywhere.
    [SkippableTheory]
    [InlineData("uwsgi")]
    [InlineData("fastcgi")]
    [InlineData("scgi")]
    [InlineData("proxy")]
    public async Task ThreadPoolBlocked_EveryHangingRequestIsAnswered504(string pass)
    {
        await using var child = await StartAsync($"Threads={Threads}");
        await using var nginx = await StartNginxAsync(child, pass);
        var fast = await AskAsync(nginx, "/answer");

        var hanging = await Task.WhenAll(Enumerable.Range(0, Threads).Select(_ => AskAsync(nginx, "/block"))).OrTimeout();

        Assert.Equal($"{child.Process.Id}", fast.Text);
        Assert.All(hanging, response =>
        {
            Assert.Equal(504, response.Status);
            Assert.Equal("504 Gateway Timeout: the application took too long.\n", response.Text);
        });
        await child.KillAsync();
    }

    [SkippableTheory]
    [InlineData("uwsgi")]
    [InlineData("fastcgi")]
    [InlineData("scgi")]
    [InlineData("proxy")]
    public async Task TooManyStuck_OthersAreFinishedAndTheProcessEndsWithItsExitCode(string pass)
    {
        await using var child = await StartAsync("Uwsgi:HarakiriMaxStuck=1", "Uwsgi:HarakiriAction=Stop");
        await using var nginx = await StartNginxAsync(child, pass);

        Assert.Equal(200, (await AskAsync(nginx, "/answer")).Status);
        var other = AskAsync(nginx, "/finish");
        await child.Process.WaitForLineAsync(line => line == ChildApp.Holding);
        var hanging = await Task.WhenAll(AskAsync(nginx, "/block"), AskAsync(nginx, "/block")).OrTimeout();

        Assert.All(hanging, response => Assert.Equal(504, response.Status));
        Assert.Equal("finished", (await other.OrTimeout()).Text);
        Assert.Equal(UwsgiExitCodes.Harakiri, await child.Process.Exited.OrTimeout());
    }

    [SkippableTheory]
    [InlineData("uwsgi")]
    [InlineData("fastcgi")]
    [InlineData("scgi")]
    [InlineData("proxy")]
    public async Task MaxRequestsReached_TheProcessEndsWithItsExitCode(string pass)
    {
        await using var child = await StartAsync("Uwsgi:MaxRequests=5", "Uwsgi:Harakiri=60");
        await using var nginx = await StartNginxAsync(child, pass);

        for (var i = 0; i < 5; i++)
        {
            Assert.Equal(200, (await AskAsync(nginx, "/answer")).Status);
        }

        Assert.Equal(UwsgiExitCodes.Recycle, await child.Process.Exited.OrTimeout());
    }

    private static Task<ChildProcess> StartAsync(params string[] settings) => ChildProcess.StartAsync(
        "127.0.0.1:0", ["Uwsgi:AutoSockets:0=127.0.0.1:0", "Uwsgi:Harakiri=2", "Uwsgi:HarakiriGrace=0.2", .. settings]);

    private static Task<NginxServer> StartNginxAsync(ChildProcess child, string pass)
    {
        var ready = child.Process.Output.Split('\n').Single(line => line.StartsWith(ChildApp.Ready, StringComparison.Ordinal));
        var address = new Uri(ready.Split(' ').Single(word => word.StartsWith("gateway://", StringComparison.Ordinal))).Authority;
        var include = pass == "proxy" ? "" : $"include {pass}_params;";
        return NginxServer.StartAsync("site", $"location / {{ {include} {pass}_pass {(pass == "proxy" ? "http://" : "")}{address}; }}");
    }

    private static Task<RawResponse> AskAsync(NginxServer nginx, string target) =>
        RawHttpConnection.SendAsync(nginx["site"], new RawRequest("GET", target));
}
