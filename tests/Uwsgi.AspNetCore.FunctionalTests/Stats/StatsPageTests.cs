using System.Security.Claims;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Uwsgi.AspNetCore.FunctionalTests.Gateway;
using Uwsgi.AspNetCore.FunctionalTests.Infrastructure;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.FunctionalTests.Stats;

/// <summary>The endpoints of <c>MapUwsgiStats</c>; what the page makes of them in a browser is tested with a real one.</summary>
public sealed class StatsPageTests
{
    private const string Json = "application/json";
    private const string Html = "text/html; charset=utf-8";

    public static TheoryData<string, string> Paths => new()
    {
        { "/uwsgi", Html },
        { "/uwsgi/", Html },
        { "/uwsgi/stats.json", Json },
        { "/uwsgi/live.json", Json },
    };

    [Theory]
    [MemberData(nameof(Speaker.All), MemberType = typeof(Speaker))]
    public async Task Every_protocol_shows_the_page_and_its_data(Speaker speaker)
    {
        await using var server = await StartAsync(configure: options => options.Protocol = null);

        foreach (var row in Paths)
        {
            var connection = await server.ConnectAsync(speaker.Request((string)row[0], method: "GET"));
            var response = speaker.Answer(await connection.Client.ReadToEndAsync());

            Assert.Equal(200, response.StatusCode);
            Assert.Equal(row[1], response["Content-Type"]);
            Assert.Equal(response.Body.Length.ToString(System.Globalization.CultureInfo.InvariantCulture), response["Content-Length"]);
        }
    }

    [Theory]
    [MemberData(nameof(Paths))]
    public async Task Every_answer_forbids_storing_sniffing_and_referring(string path, string contentType)
    {
        await using var server = await StartAsync();

        var response = await server.RequestAsync(UwsgiPacket.Nginx("GET", path));

        Assert.Equal(contentType, response["Content-Type"]);
        Assert.Equal("no-store", response["Cache-Control"]);
        Assert.Equal("nosniff", response["X-Content-Type-Options"]);
        Assert.Equal("no-referrer", response["Referrer-Policy"]);
    }

    [Theory]
    [MemberData(nameof(Paths))]
    public async Task Head_is_answered_with_the_head_alone(string path, string contentType)
    {
        await using var server = await StartAsync();

        var response = await server.RequestAsync(UwsgiPacket.Nginx("HEAD", path));

        Assert.Equal(200, response.StatusCode);
        Assert.Equal(contentType, response["Content-Type"]);
        Assert.NotEqual("0", response["Content-Length"]);
        Assert.Empty(response.Body);
    }

    [Theory]
    [MemberData(nameof(Paths))]
    public async Task Other_methods_are_refused(string path, string contentType)
    {
        await using var server = await StartAsync();

        var response = await server.RequestAsync(UwsgiPacket.Nginx("POST", path).WithBody("x"));

        Assert.Equal(405, response.StatusCode);
        Assert.NotEqual(contentType, response["Content-Type"]);
    }

    [Theory]
    [InlineData("application/json", Json)]
    [InlineData("text/html;q=0.5, application/json", Json)]
    [InlineData("APPLICATION/JSON; charset=utf-8, */*;q=0.1", Json)]
    [InlineData("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", Html)]
    [InlineData("application/json, text/html", Html)]
    [InlineData("application/json;q=0", Html)]
    [InlineData("application/*", Html)]
    [InlineData("*/*", Html)]
    [InlineData(";;", Html)]
    public async Task Who_prefers_JSON_gets_the_document_in_the_pages_place(string accept, string contentType)
    {
        await using var server = await StartAsync();

        var response = await server.RequestAsync(UwsgiPacket.Nginx("GET", "/uwsgi").Set("HTTP_ACCEPT", accept));

        Assert.Equal(contentType, response["Content-Type"]);
        Assert.Equal("Accept", response["Vary"]);
    }

    [Theory]
    [MemberData(nameof(Paths))]
    public async Task RequireAuthorization_covers_every_endpoint(string path, string contentType)
    {
        await using var server = await StartAsync(stats => stats.RequireAuthorization(), options => options.Host = builder =>
        {
            builder.Services.AddAuthentication("Key").AddScheme<AuthenticationSchemeOptions, KeyHandler>("Key", null);
            builder.Services.AddAuthorization();
        });

        var refused = await server.RequestAsync(UwsgiPacket.Nginx("GET", path));
        var allowed = await server.RequestAsync(UwsgiPacket.Nginx("GET", path).Set("HTTP_X_KEY", "operator"));

        Assert.Equal(401, refused.StatusCode);
        Assert.Empty(refused.Body);
        Assert.Equal(200, allowed.StatusCode);
        Assert.Equal(contentType, allowed["Content-Type"]);
    }

    [Theory]
    [MemberData(nameof(Paths))]
    public async Task RequireHost_covers_every_endpoint(string path, string contentType)
    {
        await using var server = await StartAsync(stats => stats.RequireHost("ops.example.test"));

        Assert.Equal(404, (await server.RequestAsync(UwsgiPacket.Nginx("GET", path))).StatusCode);
        Assert.Equal(contentType, (await server.RequestAsync(UwsgiPacket.Nginx("GET", path, "ops.example.test")))["Content-Type"]);
    }

    [Fact]
    public async Task The_page_is_below_a_path_base_too()
    {
        await using var server = await StartAsync(configure: options => options.Uwsgi = uwsgi => uwsgi.PathBase = "/shop");

        foreach (var row in Paths)
        {
            Assert.Equal(row[1], (await server.RequestAsync(UwsgiPacket.Nginx("GET", "/shop" + row[0])))["Content-Type"]);
        }
    }

    [Fact]
    public async Task The_policy_allows_the_pages_own_style_and_script_and_nothing_else()
    {
        await using var server = await StartAsync();

        var response = await server.RequestAsync(UwsgiPacket.Nginx("GET", "/uwsgi"));

        var policy = response["Content-Security-Policy"]!.Split("; ");
        Assert.Equal(
            [
                "default-src 'none'", $"style-src {HashOf(response.Text, "style")}", $"script-src {HashOf(response.Text, "script")}",
                "img-src data:", "connect-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
            ],
            policy);
        Assert.DoesNotContain("http://", response.Text.Replace("http://www.w3.org/2000/svg", "", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.DoesNotContain("https://", response.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Requests_are_counted_without_the_pages_own()
    {
        await using var server = await StartAsync();
        for (var i = 0; i < 3; i++)
        {
            await server.RequestAsync(UwsgiPacket.Nginx("GET", "/app/hello"));
            await server.RequestAsync(UwsgiPacket.Nginx("GET", "/uwsgi"));
            await server.RequestAsync(UwsgiPacket.Nginx("GET", "/uwsgi/stats.json"));
        }

        var first = await LookAsync(server);
        var second = await LookAsync(server);

        Assert.All([first, second], live =>
        {
            Assert.Equal(3, live.GetProperty("requests").GetInt64());
            Assert.Equal(0, live.GetProperty("in_flight").GetInt64());
            Assert.Equal(0, live.GetProperty("longest").GetArrayLength());
            var app = Assert.Single(live.GetProperty("apps").EnumerateArray());
            Assert.Equal("", app.GetProperty("mountpoint").GetString());
            Assert.Equal(3, app.GetProperty("requests").GetInt64());
        });
        Assert.Equal(first.GetProperty("tx").GetInt64(), second.GetProperty("tx").GetInt64());

        // Of its own time the last instant counts, between the end of the response and leaving the core.
        var ran = second.GetProperty("running_time").GetInt64() - first.GetProperty("running_time").GetInt64();
        Assert.InRange(ran, 0, 100_000);
        Assert.InRange(second.GetProperty("clock_ms").GetDouble(), first.GetProperty("clock_ms").GetDouble(), double.MaxValue);
    }

    [Fact]
    public async Task Exceptions_are_counted()
    {
        await using var server = await StartAsync(app: _ => throw new InvalidOperationException("The printer is on fire."));
        server.ExpectError("ApplicationError");

        await server.RequestAsync(UwsgiPacket.Nginx("GET", "/app/orders"));

        var live = await LookAsync(server);
        Assert.Equal(1, live.GetProperty("exceptions").GetInt64());
        Assert.Equal(1, live.GetProperty("apps")[0].GetProperty("exceptions").GetInt64());
    }

    [Theory]
    [MemberData(nameof(Speaker.All), MemberType = typeof(Speaker))]
    public async Task A_running_request_is_shown_until_it_ends(Speaker speaker)
    {
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var released = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = await StartAsync(
            configure: options => options.Protocol = null,
            app: context =>
            {
                started.SetResult();
                return released.Task;
            });
        var running = await server.ConnectAsync(speaker.Request("/app/reports/yearly?secret=1", method: "GET"));
        await started.Task.WithTimeoutAsync();

        var live = await LookAsync(server);
        released.SetResult();
        await running.Client.ReadToEndAsync();
        // Counted behind the response.
        await running.Disposed.WithTimeoutAsync();
        var after = await LookAsync(server);

        Assert.Equal(1, live.GetProperty("in_flight").GetInt64());
        var request = Assert.Single(live.GetProperty("longest").EnumerateArray());
        Assert.Equal("GET", request.GetProperty("method").GetString());
        Assert.Equal("/app/reports/yearly", request.GetProperty("path").GetString());
        Assert.Equal("", request.GetProperty("mount").GetString());
        Assert.InRange(request.GetProperty("elapsed_ms").GetDouble(), 0, TestTimeouts.Default.TotalMilliseconds);
        Assert.Equal(0, after.GetProperty("in_flight").GetInt64());
        Assert.Equal(1, after.GetProperty("requests").GetInt64());
    }

    [Fact]
    public async Task The_twenty_that_run_for_the_longest_time_are_shown_in_order()
    {
        var time = new ManualTimeProvider();
        using var started = new SemaphoreSlim(0);
        var released = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = await StartAsync(
            configure: options => options.Time = time,
            app: context =>
            {
                started.Release();
                return released.Task;
            });
        for (var i = 0; i < 25; i++)
        {
            await server.BeginAsync(UwsgiPacket.Nginx("GET", $"/app/{i}"));
            Assert.True(await started.WaitAsync(TestTimeouts.Default));
            time.Advance(TimeSpan.FromMilliseconds(100));
        }

        var live = await LookAsync(server);
        released.SetResult();

        Assert.Equal(25, live.GetProperty("in_flight").GetInt64());
        Assert.Equal(
            Enumerable.Range(0, 20).Select(i => ($"/app/{i}", 2500.0 - (i * 100))),
            live.GetProperty("longest").EnumerateArray().Select(request => (request.GetProperty("path").GetString()!, request.GetProperty("elapsed_ms").GetDouble())));
    }

    [Fact]
    public async Task A_path_of_any_characters_is_valid_JSON()
    {
        const string Path = "/\"<script>alert(1)</script>\u0001\\\ud800é\u2028";
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var released = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = await StartAsync(app: context =>
        {
            context.Request.Path = Path;
            started.SetResult();
            return released.Task;
        });
        await server.BeginAsync(UwsgiPacket.Nginx("GET", "/app/"));
        await started.Task.WithTimeoutAsync();

        var response = await server.RequestAsync(UwsgiPacket.Nginx("GET", "/uwsgi/live.json"));
        released.SetResult();

        Assert.DoesNotContain("<script", response.Text, StringComparison.Ordinal);
        var request = Assert.Single(JsonDocument.Parse(response.Body).RootElement.GetProperty("longest").EnumerateArray());
        Assert.Equal(Path.Replace('\ud800', '\ufffd'), request.GetProperty("path").GetString());
    }

    [Fact]
    public async Task The_process_is_this_one()
    {
        await using var server = await StartAsync();

        var process = (await LookAsync(server)).GetProperty("process");

        Assert.Equal(Environment.ProcessId, process.GetProperty("pid").GetInt32());
        Assert.InRange(process.GetProperty("rss").GetInt64(), 1_000_000, long.MaxValue);
        Assert.InRange(process.GetProperty("uptime_ms").GetInt64(), 0, (long)TestTimeouts.Default.TotalMilliseconds);
        Assert.StartsWith(".NET ", process.GetProperty("runtime").GetString());
    }

    [Fact]
    public void Without_UseUwsgi_mapping_says_what_to_do()
    {
        var builder = WebApplication.CreateSlimBuilder();
        var app = builder.Build();

        var error = Assert.Throws<InvalidOperationException>(() => app.MapUwsgiStats());

        Assert.Contains("call UseUwsgi()", error.Message, StringComparison.Ordinal);
    }

    private static Task<GatewayTestServer> StartAsync(
        Action<IEndpointConventionBuilder>? convention = null, Action<GatewayTestServerOptions>? configure = null, RequestDelegate? app = null) =>
        GatewayTestServer.StartAsync(null, options =>
        {
            options.Pipeline = host =>
            {
                var stats = host.MapUwsgiStats();
                convention?.Invoke(stats);
                host.Map("/app/{**rest}", app ?? (context => context.Response.WriteAsync("hello")));
            };
            configure?.Invoke(options);
        });

    private static async Task<JsonElement> LookAsync(GatewayTestServer server)
    {
        var connection = await server.ConnectAsync(UwsgiPacket.Nginx("GET", "/uwsgi/live.json").ToArray());
        return JsonDocument.Parse((await connection.Client.ReadResponseAsync()).Body).RootElement;
    }

    private static string HashOf(string page, string tag)
    {
        var start = page.IndexOf($"<{tag}>", StringComparison.Ordinal) + tag.Length + 2;
        var text = page[start..page.IndexOf($"</{tag}>", start, StringComparison.Ordinal)];
        return $"'sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(text)))}'";
    }

    private sealed class KeyHandler(IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logger, UrlEncoder encoder)
        : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
    {
        protected override Task<AuthenticateResult> HandleAuthenticateAsync()
        {
            var user = new ClaimsIdentity([new Claim(ClaimTypes.Name, Request.Headers["X-Key"].ToString())], Scheme.Name);
            return Task.FromResult(Request.Headers["X-Key"] == "operator"
                ? AuthenticateResult.Success(new AuthenticationTicket(new ClaimsPrincipal(user), Scheme.Name))
                : AuthenticateResult.NoResult());
        }
    }
}
