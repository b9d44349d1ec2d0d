using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.FunctionalTests.Harakiri;

/// <summary>Requests that take too long, over every protocol and over Kestrel's HTTP.</summary>
[Collection(nameof(HarakiriTests))]
[CollectionDefinition(nameof(HarakiriTests), DisableParallelization = true)]
public class HarakiriTests
{
    public static TheoryData<Wire, string> Hanging
    {
        get
        {
            var data = new TheoryData<Wire, string>();
            foreach (var wire in Enum.GetValues<Wire>())
            {
                foreach (var how in (string[])["async", "block", "spin"])
                    data.Add(wire, how);
            }

            return data;
        }
    }

    public static TheoryData<Wire> Wires => [.. Enum.GetValues<Wire>()];

    [Theory]
    [MemberData(nameof(Hanging))]
    public async Task HangingApp_NothingSent_Answers504AndNothingFollows(Wire wire, string how)
    {
        await using var site = await HarakiriSite.StartAsync();

        var reply = await site.AskAsync(wire, "/hang/" + how);

        AssertTimeout(reply, wire);
        Assert.Equal(1, site.Watchdog.Stuck);
        Assert.Equal(1, site.Worker.HarakiriCount);

        // Others are served, and what wakes up late reaches nobody.
        using var next = await site.ConnectAsync(wire);
        await next.SendAsync(HarakiriSite.RequestBytes(wire, "/polite"));
        await site.LetGoAsync();
        Assert.Single(site.Ends);
        next.Shutdown(System.Net.Sockets.SocketShutdown.Send);
        var other = await HarakiriSite.ReadToEndAsync(wire, next);
        Assert.DoesNotContain("late", other.Text, StringComparison.OrdinalIgnoreCase);
        Assert.Equal(0, site.Watchdog.Stuck);
        var warning = await site.Logs.WaitForAsync(nameof(Harakiri));
        Assert.Contains("*** HARAKIRI ON WORKER", warning.Message, StringComparison.Ordinal);
        Assert.Contains($"GET /hang/{how}", warning.Message, StringComparison.Ordinal);
        Assert.Contains("stage: Taken", warning.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(site.Logs.Entries, entry => entry.Level >= LogLevel.Error);
    }

    [Theory]
    [MemberData(nameof(Hanging))]
    public async Task HangingApp_ResponseBegun_IsCutVisibly(Wire wire, string how)
    {
        await using var site = await HarakiriSite.StartAsync();

        var reply = await site.AskAsync(wire, "/begin/" + how);

        // A busy machine may not have sent the beginning when the connection is cut.
        Assert.True(reply is { Status: 200, Body: "begun" } or { Status: 0, Body: "" }, reply.ToString());
        Assert.False(reply.IsEnded);
        await site.Logs.WaitForAsync(nameof(Harakiri));
    }

    [Theory]
    [MemberData(nameof(Wires))]
    public async Task PoliteApp_UnwindsWithinTheGrace_Answers504(Wire wire)
    {
        await using var site = await HarakiriSite.StartAsync(uwsgi => uwsgi.HarakiriGrace = TimeSpan.FromMinutes(1));

        using var socket = await site.ConnectAsync(wire);
        await socket.SendAsync(HarakiriSite.RequestBytes(wire, "/polite"));
        var warning = await site.Logs.WaitForAsync(nameof(Harakiri));
        socket.Shutdown(System.Net.Sockets.SocketShutdown.Send);
        var reply = await HarakiriSite.ReadToEndAsync(wire, socket);

        Assert.Equal(504, reply.Status);
        Assert.Contains("took too long", reply.Body, StringComparison.Ordinal);
        Assert.Contains("stage: Cancelled", warning.Message, StringComparison.Ordinal);
        Assert.Equal(0, site.Worker.DefaultApp.Exceptions);
        Assert.Single(site.Logs.Find(nameof(Harakiri)));
        Assert.DoesNotContain(site.Logs.Entries, entry => entry.Level >= LogLevel.Error);
    }

    [Theory]
    [InlineData(Wire.Uwsgi)]
    [InlineData(Wire.Http)]
    public async Task HeadRequest_GetsTheHeadOfTheAnswerOnly(Wire wire)
    {
        await using var site = await HarakiriSite.StartAsync(map: app => app.MapMethods("/head", ["HEAD"], async (HttpContext context) => await context.RequestServices.GetRequiredGate().Task), host: builder => builder.AddGate());

        var reply = await site.AskAsync(wire, "/head", "HEAD");

        Assert.Equal(504, reply.Status);
        Assert.Equal("", reply.Body);
        site.App.Services.GetRequiredGate().TrySetResult();
    }

    [Fact]
    public async Task Endpoint_OwnLimit_NeedsNoOption()
    {
        await using var site = await HarakiriSite.StartAsync(
            uwsgi => uwsgi.Harakiri = null,
            app => app.MapGet("/own", [Harakiri(0.2)] async (HttpContext context) => await Task.Delay(Timeout.Infinite, context.RequestAborted)));

        Assert.Equal(504, (await site.AskAsync(Wire.Uwsgi, "/own")).Status);
        Assert.Equal(504, (await site.AskAsync(Wire.Http, "/own")).Status);
    }

    [Fact]
    public async Task Code_OwnLimit_WinsOverTheEndpoint()
    {
        await using var site = await HarakiriSite.StartAsync(
            uwsgi => uwsgi.Harakiri = null,
            app => app.MapGet("/code", async (HttpContext context) =>
            {
                context.Features.Get<IHarakiriFeature>()!.Timeout = TimeSpan.FromSeconds(0.2);
                await Task.Delay(Timeout.Infinite, context.RequestAborted);
            }).WithHarakiri(TimeSpan.FromHours(1)));

        Assert.Equal(504, (await site.AskAsync(Wire.Scgi, "/code")).Status);
        Assert.Equal(504, (await site.AskAsync(Wire.Http, "/code")).Status);
    }

    [Theory]
    [MemberData(nameof(Wires))]
    public async Task DisabledAndFastRequests_AreLeftAlone(Wire wire)
    {
        await using var site = await HarakiriSite.StartAsync(
            map: app => app.MapGet("/free", async (HttpContext context) =>
            {
                await context.RequestServices.GetRequiredGate().Task;
                return "free";
            }).DisableHarakiri(),
            host: builder => builder.AddGate());

        using var socket = await site.ConnectAsync(wire);
        await socket.SendAsync(HarakiriSite.RequestBytes(wire, "/free"));
        Assert.Equal(504, (await site.AskAsync(wire, "/hang/async")).Status);
        site.App.Services.GetRequiredGate().SetResult();

        await HarakiriSite.ReadUntilAsync(socket, "free");
        Assert.Equal(1, site.Worker.HarakiriCount);
    }

    [Theory]
    [InlineData(Wire.Uwsgi)]
    [InlineData(Wire.FastCgi)]
    [InlineData(Wire.Http)]
    public async Task ServerSentEvents_AreExemptUnlessTheEndpointSaysMore(Wire wire)
    {
        await using var site = await HarakiriSite.StartAsync(
            map: app =>
            {
                app.MapGet("/events", StreamAsync);
                app.MapGet("/bounded", StreamAsync).WithHarakiri(TimeSpan.FromMilliseconds(200));
            },
            host: builder => builder.AddGate());

        using var events = await site.ConnectAsync(wire);
        await events.SendAsync(HarakiriSite.RequestBytes(wire, "/events"));
        Assert.DoesNotContain("data: 2", (await site.AskAsync(wire, "/bounded")).Body, StringComparison.Ordinal);
        Assert.Equal(504, (await site.AskAsync(wire, "/hang/async")).Status);

        Assert.Equal(2, site.Worker.HarakiriCount);
        site.App.Services.GetRequiredGate().SetResult();
        Assert.Contains("data: 2", (await HarakiriSite.ReadToEndAsync(wire, events)).Text, StringComparison.Ordinal);

        static async Task StreamAsync(HttpContext context)
        {
            context.Response.ContentType = "text/event-stream";
            await context.Response.WriteAsync("data: 1\n\n");
            await context.RequestServices.GetRequiredGate().Task;
            await context.Response.WriteAsync("data: 2\n\n");
        }
    }

    [Fact]
    public async Task Debugger_Attached_NothingIsEnforced()
    {
        await using var site = await HarakiriSite.StartAsync();
        var looked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var looks = 0;
        site.Watchdog.IsDebugging = () =>
        {
            if (Interlocked.Increment(ref looks) == 5)
                looked.SetResult();
            return true;
        };

        using var socket = await site.ConnectAsync(Wire.Uwsgi);
        await socket.SendAsync(HarakiriSite.RequestBytes(Wire.Uwsgi, "/hang/async"));
        await looked.Task.WithTimeoutAsync();

        Assert.Equal(0, site.Worker.HarakiriCount);
        await site.LetGoAsync();
        Assert.Equal("late", (await HarakiriSite.ReadToEndAsync(Wire.Uwsgi, socket)).Body);
    }

    [Fact]
    public async Task Http2_OnlyTheHangingStreamIsAnswered()
    {
        await using var site = await HarakiriSite.StartAsync(
            map: app => app.MapGet("/free", async (HttpContext context) =>
            {
                await context.RequestServices.GetRequiredGate().Task;
                return "free";
            }).DisableHarakiri(),
            host: builder => builder.AddGate());
        using var client = new HttpClient { DefaultRequestVersion = HttpVersion.Version20, DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact };
        var root = $"http://127.0.0.1:{site.Http2Port}";

        var free = client.GetStringAsync(new Uri(root + "/free"));
        using var reply = await client.GetAsync(new Uri(root + "/hang/block")).WithTimeoutAsync();
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => client.GetStringAsync(new Uri(root + "/begin/async"))).WithTimeoutAsync();
        site.App.Services.GetRequiredGate().SetResult();

        Assert.Equal(HttpStatusCode.GatewayTimeout, reply.StatusCode);
        Assert.Contains("took too long", await reply.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Equal("free", await free.WithTimeoutAsync());
    }

    [Fact]
    public async Task Callback_SeesEachStage_AndMayBlockOrFail()
    {
        using var never = new ManualResetEventSlim();
        var seen = new System.Collections.Concurrent.ConcurrentQueue<HarakiriContext>();
        await using var site = await HarakiriSite.StartAsync(uwsgi => uwsgi.OnHarakiri = context =>
        {
            seen.Enqueue(context);
            if (context.Stage == HarakiriStage.Cancelled)
                never.Wait(CancellationToken.None);
            throw new InvalidOperationException("A callback that fails.");
        });

        AssertTimeout(await site.AskAsync(Wire.Uwsgi, "/hang/block?a=b"), Wire.Uwsgi);
        AssertTimeout(await site.AskAsync(Wire.Http, "/hang/block?a=b"), Wire.Http);
        never.Set();
        await site.Logs.WaitForAsync("HarakiriCallbackFailed");

        var context = seen.First(context => context.Stage == HarakiriStage.Taken);
        Assert.Equal(("GET", "/hang/block?a=b", ""), (context.Method, context.Target, context.Mount));
        Assert.Contains(seen, context => IPAddress.Parse("192.0.2.7").Equals(context.RemoteAddress));
        Assert.Contains(seen, context => IPAddress.Loopback.Equals(context.RemoteAddress));
        Assert.InRange(context.Elapsed, HarakiriSite.Limit, TestTimeouts.Default);
        Assert.Equal(HarakiriSite.Limit, context.Timeout);
    }

    private static void AssertTimeout(HarakiriReply reply, Wire wire)
    {
        Assert.Equal(504, reply.Status);
        Assert.Equal("504 Gateway Timeout: the application took too long.\n", reply.Body);
        Assert.False(reply.IsReset);
        Assert.Equal(wire is Wire.FastCgi or Wire.FastCgiKept, reply.IsEnded);
    }
}
