using System.Globalization;
using System.Security.Claims;
using System.Text;
using Microsoft.AspNetCore.Http;
using Uwsgi.AspNetCore.FunctionalTests.Attacks;
using Uwsgi.AspNetCore.FunctionalTests.Gateway;
using Uwsgi.AspNetCore.FunctionalTests.Infrastructure;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.FunctionalTests.RequestLog;

/// <summary>The lines that whole servers log, over every protocol.</summary>
public class RequestLogTests
{
    [Theory]
    [OnEachProtocol]
    public async Task The_line_is_uWSGIs_byte_for_byte(GatewayProtocol protocol)
    {
        var time = new ManualTimeProvider();
        await using var server = await AttackServer.StartAsync(
            protocol,
            context =>
            {
                time.Advance(TimeSpan.FromMilliseconds(7));
                context.Response.Headers["X-A"] = "b";
                return context.Response.WriteAsync("hello");
            },
            uwsgi => uwsgi.DisableLogging = false,
            time);
        var packet = GatewayWire.Packet(protocol, "GET", "/ok?a=b").Set("REMOTE_USER", "bob");

        var response = await server.RequestAsync(packet);

        // SCGI has a variable to say so.
        var (variables, bytes) = (packet.Variables.Count(), packet.ToBlock().Length);
        if (protocol == GatewayProtocol.Scgi)
            (variables, bytes) = (variables + 1, bytes + 4 + "SCGI1".Length);
        Assert.Equal(
            string.Create(
                CultureInfo.InvariantCulture,
                $"[pid: {Environment.ProcessId}|app: 0|req: 1/1] 192.0.2.7 (bob) {{{variables * 2} vars in {bytes} bytes}} [Fri Jan  2 03:04:05 2026] GET /ok?a=b => generated 5 bytes in 7 msecs (HTTP/1.1 200) {CountFields(response)} headers in {response.Head.Length} bytes (1 switches on core 0)"),
            await ReadLineAsync(server.Host));
    }

    [Theory]
    [MemberData(nameof(Speaker.All), MemberType = typeof(Speaker))]
    public async Task Sizes_are_those_the_client_received(Speaker speaker)
    {
        await using var server = await StartAsync(
            context =>
            {
                context.Response.Headers["X-A"] = new[] { "b", "c" };
                context.Response.ContentLength = 5;
                return context.Response.WriteAsync("hello");
            },
            "%(status) %(size) %(rsize) %(hsize) %(headers) %(cl)");

        var response = await AskAsync(server, speaker, body: "a body");

        Assert.Equal(
            string.Create(
                CultureInfo.InvariantCulture,
                $"200 {response.Head.Length + response.Body.Length} {response.Body.Length} {response.Head.Length} {CountFields(response)} 6"),
            await ReadLineAsync(server));
    }

    [Theory]
    [MemberData(nameof(Speaker.All), MemberType = typeof(Speaker))]
    public async Task The_request_is_shown_alike(Speaker speaker)
    {
        await using var server = await StartAsync(
            context =>
            {
                context.User = new ClaimsPrincipal(new ClaimsIdentity([new Claim(ClaimTypes.Name, "alice")], "test"));
                context.SetLogVariable("tenant", "t 1");
                return Task.CompletedTask;
            },
            "%(method) %(uri) %(user) %(status) %(rsize) %(tenant) %(nothing) %(modifier1) %(modifier2) %(var.REQUEST_URI) %(var.X)");

        await AskAsync(server, speaker, "/a%20b?c=d");

        Assert.Equal("POST /a%20b?c=d alice 200 0 t 1 - 0 0 /a%20b?c=d -", await ReadLineAsync(server));
    }

    [Theory]
    [MemberData(nameof(Speaker.All), MemberType = typeof(Speaker))]
    public async Task A_response_that_breaks_off_is_logged_as_far_as_it_came(Speaker speaker)
    {
        await using var server = await StartAsync(
            async context =>
            {
                await context.Response.WriteAsync("part");
                await context.Response.Body.FlushAsync();
                context.Abort();
            },
            "%(status) %(rsize) %(werr)");

        await server.ConnectAsync(speaker.Request());

        // Kestrel does not tell that nobody was there to read.
        Assert.Equal($"200 4 {(speaker.Name == "Http" ? 0 : 1)}", await ReadLineAsync(server));
    }

    [Theory]
    [MemberData(nameof(Speaker.All), MemberType = typeof(Speaker))]
    public async Task An_exception_is_logged_as_500(Speaker speaker)
    {
        await using var server = await StartAsync(_ => throw new InvalidOperationException("no"), "%(status) %(uri)", uwsgi =>
        {
            uwsgi.DisableLogging = true;
            uwsgi.Log5xx = true;
        });
        server.ExpectError("ApplicationError");

        Assert.Equal(500, (await AskAsync(server, speaker, "/x")).StatusCode);

        Assert.Equal("500 /x", await ReadLineAsync(server));
    }

    [Theory]
    [OnEachProtocol]
    public async Task Nobody_forges_a_line(GatewayProtocol protocol)
    {
        await using var server = await AttackServer.StartAsync(protocol, _ => Task.CompletedTask, uwsgi =>
        {
            uwsgi.LogFormat = "%(uri)|%(user)|%(addr)|%(uagent)|%(referer)|%(var.EVIL)";
            uwsgi.LogXForwardedFor = true;
            uwsgi.RequestHeaderEncodingSelector = _ => Encoding.Latin1;
        });
        var packet = GatewayWire.Packet(protocol, "GET", "/a b\x1b[31m\"\\")
            .Add("REMOTE_USER", "bob) {2 vars in 3 bytes}\r\n[pid: 1|app: 0|req: 1/1] 10.0.0.1 (root")
            .Add("HTTP_X_FORWARDED_FOR", "1.1.1.1, 2.2.2.2\x9b")
            .Add("HTTP_X_FORWARDED_FOR", "3.3.3.3")
            .Add("HTTP_USER_AGENT", "\x1b]0;title\x07")
            .Add("HTTP_REFERER", "\xff\xfe\x80")
            .Add("EVIL", "a\r\nb\xe2\x80\xa8");

        Assert.Equal(200, (await server.RequestAsync(packet)).StatusCode);

        Assert.Equal(
            @"/a\x20b\x1B[31m\x22\x5C|bob)\x20{2\x20vars\x20in\x203\x20bytes}\x0D\x0A[pid:\x201|app:\x200|req:\x201/1]\x2010.0.0.1\x20(root"
                + @"|1.1.1.1, 2.2.2.2\x9B, 3.3.3.3|\x1B]0;title\x07|\xFF\xFE\x80|a\x0D\x0Ab\xE2\x80\xA8",
            await ReadLineAsync(server.Host));
    }

    [Theory]
    [OnEachProtocol("\r\n")]
    [OnEachProtocol("\n")]
    public async Task A_target_with_a_line_break_is_refused_and_not_logged(GatewayProtocol protocol, string lineBreak)
    {
        await using var server = await AttackServer.StartAsync(protocol, _ => Task.CompletedTask, uwsgi => uwsgi.DisableLogging = false);

        Assert.Equal(400, await server.RefusalAsync(GatewayWire.Request(protocol, GatewayWire.Packet(protocol, "GET", $"/a{lineBreak}[pid: 1]"))));

        Assert.Empty(server.Host.Logs.Find("RequestLogged"));
    }

    [Theory]
    [InlineData(null, false)]
    [InlineData("%(uri)", true)]
    public async Task Requests_are_watched_only_when_they_are_logged(string? format, bool isWatched)
    {
        var seen = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = await StartAsync(
            context =>
            {
                seen.TrySetResult(context.Features.Get<IHarakiriFeature>() is not null);
                return Task.CompletedTask;
            },
            format);

        await AskAsync(server, Speaker.Everybody[0]);

        Assert.Equal(isWatched, await seen.Task.WithTimeoutAsync());
    }

    private static Task<GatewayTestServer> StartAsync(RequestDelegate app, string? format, Action<UwsgiOptions>? configure = null) =>
        GatewayTestServer.StartAsync(app, options =>
        {
            options.Protocol = null;
            options.Uwsgi = uwsgi =>
            {
                uwsgi.LogFormat = format;
                configure?.Invoke(uwsgi);
            };
        });

    private static async Task<RawResponse> AskAsync(GatewayTestServer server, Speaker speaker, string path = "/", string body = "")
    {
        var connection = await server.ConnectAsync(speaker.Request(path, body));
        return speaker.Answer(await connection.Client.ReadToEndAsync());
    }

    private static async Task<string> ReadLineAsync(GatewayTestServer server) => (await server.Logs.WaitForAsync("RequestLogged")).Message;

    // A CGI head's Status is its status line.
    private static int CountFields(RawResponse response) => response.Headers.Count(header => header.Key != "Status");
}
