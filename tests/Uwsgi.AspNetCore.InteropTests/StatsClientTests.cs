using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Uwsgi.AspNetCore.InteropTests.Processes;

namespace Uwsgi.AspNetCore.InteropTests;

/// <summary>uWSGI's own reader of stats sockets, <c>uwsgi --connect-and-read</c>.</summary>
public sealed class StatsClientTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    // Not over abstract sockets, which this client does not reach by their plain names.
    [SkippableTheory]
    [InlineData("tcp")]
    [InlineData("unix")]
    public async Task ConnectAndRead_GetsTheWholeDocument(string kind)
    {
        var program = RequiredProgram.Find("uwsgi", "uwsgi-core");
        await using var app = await TestApp.StartAsync(
            options =>
            {
                options.Sockets.Add("127.0.0.1:0");
                options.Stats.Add(kind == "tcp" ? "127.0.0.1:0" : _directory["stats.sock"]);
            },
            app => app.Run(context => context.Response.WriteAsync("hello")));
        var address = app.GetAddress("stats");
        address = address.StartsWith("unix:", StringComparison.Ordinal) ? address["unix:".Length..] : address;

        await using var process = ForegroundProcess.Start(program, ["--connect-and-read", address]);
        Assert.Equal(0, await process.Exited.OrTimeout());

        using var document = JsonDocument.Parse(process.Output);
        Assert.Equal(Environment.ProcessId, document.RootElement.GetProperty("pid").GetInt32());
        Assert.Equal("idle", document.RootElement.GetProperty("workers")[0].GetProperty("status").GetString());
    }
}
