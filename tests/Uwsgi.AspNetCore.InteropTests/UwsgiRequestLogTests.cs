using System.Net.Sockets;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Uwsgi.AspNetCore.InteropTests.Processes;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.InteropTests;

/// <summary>The same request to uWSGI and to an app here leaves the same line in both logs.</summary>
public sealed partial class UwsgiRequestLogTests
{
    private const byte CgiModifier = 9;

    [SkippableTheory]
    [InlineData("LINE %(uri)|%(method)|%(user)|%(addr)|%(host)|%(proto)|%(uagent)|%(referer)|%(status)|%(size)|%(rsize)|%(hsize)|%(headers)|%(cl)|")]
    [InlineData("LINE %(vars)|%(pktsize)|%(modifier1)|%(modifier2)|%(wid)|%(core)|%(rerr)|%(werr)|%(ioerr)|%(var.QUERY_STRING)|%(var.NOPE)|")]
    [InlineData("LINE %(nothing)|%%|100%|%%(uri)|a)b|")]
    [InlineData(null)]
    public async Task Line_IsUwsgis(string? format)
    {
        var packet = UwsgiPacket.Nginx(target: "/a?b=c").Add("REMOTE_USER", "bob").Add("HTTP_USER_AGENT", "an agent");
        packet.Modifier1 = CgiModifier;

        Assert.Equal(WithoutChance(await LogWithUwsgiAsync(packet, format)), WithoutChance(await LogWithAppAsync(packet, format)));
    }

    private static async Task<string> LogWithUwsgiAsync(UwsgiPacket packet, string? format)
    {
        using var directory = new TemporaryDirectory();
        await File.WriteAllTextAsync(
            directory["app"], "#!/bin/sh\nprintf 'Status: 200 OK\\r\\nContent-Type: text/plain\\r\\nX-A: b\\r\\nContent-Length: 5\\r\\n\\r\\nhello'\n");
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(directory["app"], UnixFileMode.UserRead | UnixFileMode.UserExecute);
        var socket = directory["s"];
        string[] formatArguments = format is null ? [] : ["--log-format", format];
        await using var uwsgi = ForegroundProcess.Start(
            RequiredProgram.Find("uwsgi", "uwsgi-core"),
            ["--die-on-term", "--plugin", "cgi", "--cgi", directory["app"], "--socket", socket, .. formatArguments]);
        Assert.NotNull(await uwsgi.WaitForLineAsync(line => line.StartsWith("spawned uWSGI worker 1 ", StringComparison.Ordinal)));

        var response = await UwsgiClient.RequestAsync(new UnixDomainSocketEndPoint(socket), packet);
        Assert.Equal("hello", response.Text);

        return (await uwsgi.WaitForLineAsync(IsRequestLine))!;
    }

    private static async Task<string> LogWithAppAsync(UwsgiPacket packet, string? format)
    {
        using var logs = new LogSink();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders().AddProvider(logs);
        builder.UseUwsgi(uwsgi =>
        {
            uwsgi.Sockets.Add("127.0.0.1:0");
            uwsgi.LogFormat = format;
            uwsgi.DisableLogging = false;
        });
        await using var app = builder.Build();
        app.Run(context =>
        {
            context.Response.ContentType = "text/plain";
            context.Response.Headers["X-A"] = "b";
            context.Response.ContentLength = 5;
            return context.Response.WriteAsync("hello");
        });
        await app.StartAsync();

        await UwsgiClient.RequestAsync(app.Urls.Single(), packet);

        return (await logs.WaitForAsync("RequestLogged")).Message;
    }

    private static bool IsRequestLine(string line) =>
        line.StartsWith("LINE ", StringComparison.Ordinal) || line.Contains(" => generated ", StringComparison.Ordinal);

    // Without process, counters (CGI is no app in uWSGI), start, duration and how often uWSGI waited for the script.
    private static string WithoutChance(string line) => Chance().Replace(line, "*");

    [GeneratedRegex(@"^\[pid: [0-9]+\|app: -?[0-9]+\|req: -?[0-9]+/1\]|\[\w{3} \w{3} [ 0-9][0-9] [0-9:]{8} [0-9]{4}\]|in [0-9]+ msecs|[0-9]+ switches", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Chance();
}
