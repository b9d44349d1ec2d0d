using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
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
        await using var site = await HarakiriSite.StartAsync(timeRunsWith: 1);

        var reply = await site.AskAsync(wire, "/begin/" + how);

        AssertCut(reply, wire);
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
        var reply = await HarakiriSite.ReadAnswerAsync(wire, socket);

        Assert.Equal(504, reply.Status);
        Assert.Contains("took too long", reply.Body, StringComparison.Ordinal);
        Assert.Contains("stage: Cancelled", warning.Message, StringComparison.Ordinal);
        Assert.Equal(0, site.Worker.DefaultApp.Exceptions);
        Assert.Single(site.Logs.Find(nameof(Harakiri)));
        Assert.DoesNotContain(site.Logs.Entries, entry => entry.Level >= LogLevel.Error);
    }

    [Theory]
    [MemberData(nameof(Wires))]
    public async Task ThreadPoolBlocked_WhatWasFlushedArrivesBeforeTheCut(Wire wire)
    {
        using var taken = new ManualResetEventSlim();
        using var pool = new ManualResetEventSlim();
        using var app = new ManualResetEventSlim();
        var passed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var site = await HarakiriSite.StartAsync(
            uwsgi => uwsgi.OnHarakiri = context =>
            {
                if (context.Stage == HarakiriStage.Taken)
                    taken.Set();
            },
            map => map.MapGet("/starve", (HttpContext context) =>
            {
                // More than there will be threads, and in front of what sends the response.
                var waiting = 256;
                for (var i = waiting; i > 0; i--)
                {
                    ThreadPool.UnsafeQueueUserWorkItem(
                        _ =>
                        {
                            pool.Wait(CancellationToken.None);
                            if (Interlocked.Decrement(ref waiting) == 0)
                                passed.SetResult();
                        },
                        0,
                        preferLocal: false);
                }

                context.Response.ContentLength = 100;
                Assert.True(context.Response.WriteAsync("begun").IsCompleted);
                context.RequestServices.GetRequiredService<HeldClock>().LetGo();
                app.Wait(CancellationToken.None);
                return Task.CompletedTask;
            }),
            timeRunsWith: 1);
        using var socket = await site.ConnectAsync(wire);

        await Task.Factory.StartNew(
            () =>
            {
                socket.Send(HarakiriSite.RequestBytes(wire, "/starve"));
                Assert.True(taken.Wait(TestTimeouts.Default));
                pool.Set();
            },
            CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default).WithTimeoutAsync();
        var reply = await HarakiriSite.ReadToEndAsync(wire, socket);
        app.Set();

        AssertCut(reply, wire);
        await site.LetGoAsync();

        // An event that is disposed while a thread is on its way to it would end the process.
        await passed.Task.WithTimeoutAsync();
    }

    [Theory]
    [MemberData(nameof(Wires))]
    public async Task HangingApp_ResponseBegun_EndsBehindTheCut_NothingFollows(Wire wire)
    {
        var taken = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var site = await HarakiriSite.StartAsync(uwsgi => uwsgi.OnHarakiri = context =>
        {
            if (context.Stage == HarakiriStage.Taken)
                taken.TrySetResult();
        }, timeRunsWith: 1);

        using var socket = await site.ConnectAsync(wire);
        await socket.SendAsync(HarakiriSite.RequestBytes(wire, "/begin/async"));
        await taken.Task.WithTimeoutAsync();
        await site.LetGoAsync();
        var reply = await HarakiriSite.ReadToEndAsync(wire, socket);

        Assert.True(reply.IsReset || reply.IsBroken, reply.ToString());
        Assert.False(reply.IsEnded);
        if (wire is not (Wire.Http or Wire.HttpKept))
            Assert.Equal("begun", reply.Body);
    }

    [Theory]
    [MemberData(nameof(Wires))]
    public async Task UploadInProgress_IsAnswered504(Wire wire)
    {
        await using var site = await HarakiriSite.StartAsync(
            map: app => app.MapPost("/upload", async (HttpContext context) =>
            {
                await context.Request.Body.ReadExactlyAsync(new byte[1000]);
                await context.RequestServices.GetRequiredGate().Task;
            }),
            host: builder => builder.AddGate());

        using var socket = await site.ConnectAsync(wire);
        await socket.SendAsync(HarakiriSite.UploadBytes(wire, "/upload", announced: 20_000_000));
        var sending = SendAsync(socket, HarakiriSite.BodyBytes(wire, new byte[8_000_000]));
        var reply = await HarakiriSite.ReadToEndAsync(wire, socket);
        site.App.Services.GetRequiredGate().SetResult();

        Assert.Equal(504, reply.Status);
        Assert.Contains("took too long", reply.Body, StringComparison.Ordinal);
        await sending.WithTimeoutAsync();

        // Cut off by the server in the end; what counts is that the answer came first.
        static async Task SendAsync(System.Net.Sockets.Socket socket, byte[] body)
        {
            try
            {
                await socket.SendAsync(body);
            }
            catch (System.Net.Sockets.SocketException)
            {
            }
        }
    }

    [Theory]
    [InlineData(Wire.Uwsgi)]
    [InlineData(Wire.Scgi)]
    [InlineData(Wire.Http)]
    public async Task WebSocket_IsExemptUnlessTheEndpointSaysMore(Wire wire)
    {
        await using var site = await HarakiriSite.StartAsync(
            map: app =>
            {
                app.UseWebSockets();
                app.MapGet("/chat", ChatAsync);
                app.MapGet("/bounded", ChatAsync).WithHarakiri(TimeSpan.FromMilliseconds(200));
            },
            host: builder => builder.AddGate(),
            timeRunsWith: 1);

        using var chat = await site.ConnectAsync(wire);
        await chat.SendAsync(HarakiriSite.UpgradeBytes(wire, "/chat"));
        await HarakiriSite.ReadUntilAsync(chat, "first");
        using var bounded = await site.ConnectAsync(wire);
        await bounded.SendAsync(HarakiriSite.UpgradeBytes(wire, "/bounded"));
        Assert.DoesNotContain("second", (await HarakiriSite.ReadToEndAsync(wire, bounded)).Text, StringComparison.Ordinal);
        Assert.Equal(504, (await site.AskAsync(wire, "/hang/async")).Status);

        Assert.Equal(2, site.Worker.HarakiriCount);
        site.App.Services.GetRequiredGate().SetResult();
        await HarakiriSite.ReadUntilAsync(chat, "second");

        static async Task ChatAsync(HttpContext context)
        {
            using var socket = await context.WebSockets.AcceptWebSocketAsync();
            await socket.SendAsync("first"u8.ToArray(), System.Net.WebSockets.WebSocketMessageType.Text, endOfMessage: true, CancellationToken.None);
            context.RequestServices.GetRequiredService<HeldClock>().LetGo();
            await context.RequestServices.GetRequiredGate().Task;
            await socket.SendAsync("second"u8.ToArray(), System.Net.WebSockets.WebSocketMessageType.Text, endOfMessage: true, CancellationToken.None);
        }
    }

    [Fact]
    public async Task FastCgi_Multiplexed_OnlyTheHangingRequestIsEnded()
    {
        await using var site = await HarakiriSite.StartAsync(
            map: app => app.MapGet("/free", async (HttpContext context) =>
            {
                await context.RequestServices.GetRequiredGate().Task;
                return "free";
            }).DisableHarakiri(),
            host: builder => builder.AddGate(),
            timeRunsWith: 2);

        using var socket = await site.ConnectAsync(Wire.FastCgiKept);
        await socket.SendAsync(Multiplexed(1, "/free"));
        await socket.SendAsync(Multiplexed(2, "/hang/block"));
        await socket.SendAsync(Multiplexed(3, "/begin/async"));
        var records = new List<byte>();
        var seen = await ReadUntilEndedAsync(2, 3);
        site.App.Services.GetRequiredGate().SetResult();
        seen = await ReadUntilEndedAsync(1, 2, 3);

        Assert.Contains("Status: 504 Gateway Timeout", seen[2], StringComparison.Ordinal);
        Assert.EndsWith("\r\n\r\nbegun", seen[3], StringComparison.Ordinal);
        Assert.EndsWith("\r\n\r\nfree", seen[1], StringComparison.Ordinal);

        static byte[] Multiplexed(ushort id, string target) => FastCgiBytes.Request(id, Attacks.GatewayWire.Packet(GatewayProtocol.FastCgi, target: target));

        async Task<Dictionary<ushort, string>> ReadUntilEndedAsync(params ushort[] ids)
        {
            var buffer = new byte[4096];
            while (true)
            {
                var all = FastCgiAnswerRecord.ParseAll([.. records]);
                if (ids.All(id => all.Any(record => record.Id == id && record.Type == FastCgiBytes.EndType)))
                    return ids.ToDictionary(id => id, id => string.Concat(all.Where(record => record.Id == id && record.Type == FastCgiBytes.StdoutType).Select(record => System.Text.Encoding.Latin1.GetString(record.Content))));
                var count = await socket.ReceiveAsync(buffer).WithTimeoutAsync();
                Assert.NotEqual(0, count);
                records.AddRange(buffer.AsSpan(0, count));
            }
        }
    }

    [Theory]
    [InlineData(1, "block")]
    [InlineData(2, "block")]
    [InlineData(1, "async")]
    [InlineData(2, "async")]
    public async Task Https_HangingRequestsAreEnded(int version, string how)
    {
        using var certificate = CreateCertificate();
        await using var site = await HarakiriSite.StartAsync(
            host: builder => builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.UseHttps(certificate))));
        using var handler = new SocketsHttpHandler
        {
            SslOptions =
            {
                CertificateChainPolicy = new X509ChainPolicy
                {
                    TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck, CustomTrustStore = { certificate },
                },
            },
        };
        using var client = new HttpClient(handler) { DefaultRequestVersion = new Version(version, version == 1 ? 1 : 0), DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact };
        var root = $"https://127.0.0.1:{site.AddedPort}";

        using var reply = await client.GetAsync(new Uri($"{root}/hang/{how}")).WithTimeoutAsync();
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => client.GetStringAsync(new Uri($"{root}/begin/{how}"))).WithTimeoutAsync();

        Assert.Equal(HttpStatusCode.GatewayTimeout, reply.StatusCode);
        Assert.Contains("took too long", await reply.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(GatewayProtocol.Uwsgi)]
    [InlineData(GatewayProtocol.Scgi)]
    [InlineData(GatewayProtocol.FastCgi)]
    public async Task ConnectionWithoutSocket_IsAnsweredThroughItsPipe(GatewayProtocol protocol)
    {
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = await Infrastructure.GatewayTestServer.StartAsync(_ => gate.Task, options =>
        {
            options.Protocol = protocol;
            options.Uwsgi = uwsgi => (uwsgi.Harakiri, uwsgi.HarakiriGrace) = (HarakiriSite.Limit, TimeSpan.Zero);
        });

        var connection = await server.ConnectAsync(Attacks.GatewayWire.Request(protocol, Attacks.GatewayWire.Packet(protocol)));
        var bytes = await connection.Client.ReadToEndAsync().WithTimeoutAsync();
        gate.SetResult();

        var reply = HarakiriReply.Parse(protocol == GatewayProtocol.FastCgi ? Wire.FastCgi : Wire.Uwsgi, bytes, isReset: false);
        Assert.Equal(504, reply.Status);
        Assert.Contains("took too long", reply.Body, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Wires))]
    public async Task BlockedOnACancelledTask_IsNoFailureOfTheApp(Wire wire)
    {
        await using var site = await HarakiriSite.StartAsync(
            uwsgi => uwsgi.HarakiriGrace = TimeSpan.FromMinutes(1),
            app => app.MapGet("/wrapped", (HttpContext context) => Task.Delay(Timeout.Infinite, context.RequestAborted).Wait(CancellationToken.None)));

        using var socket = await site.ConnectAsync(wire);
        await socket.SendAsync(HarakiriSite.RequestBytes(wire, "/wrapped"));
        await site.Logs.WaitForAsync(nameof(Harakiri));

        Assert.Equal(504, (await HarakiriSite.ReadAnswerAsync(wire, socket)).Status);
        Assert.Equal(0, site.Worker.DefaultApp.Exceptions);
    }

    [Theory]
    [MemberData(nameof(Wires))]
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
                context.RequestServices.GetRequiredService<HeldClock>().LetGo();
                await context.RequestServices.GetRequiredGate().Task;
                return "free";
            }).DisableHarakiri(),
            host: builder => builder.AddGate(),
            timeRunsWith: 2);

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
            host: builder => builder.AddGate(),
            timeRunsWith: 1);

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
            if (context.Request.Path == "/events")
                context.RequestServices.GetRequiredService<HeldClock>().LetGo();
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
        var taken = new SemaphoreSlim(0);
        await using var site = await HarakiriSite.StartAsync(uwsgi => uwsgi.OnHarakiri = context =>
        {
            seen.Enqueue(context);
            if (context.Stage == HarakiriStage.Cancelled)
                never.Wait(CancellationToken.None);
            else
                taken.Release();
            throw new InvalidOperationException("A callback that fails.");
        });

        AssertTimeout(await site.AskAsync(Wire.Uwsgi, "/hang/block?a=b"), Wire.Uwsgi);
        AssertTimeout(await site.AskAsync(Wire.Http, "/hang/block?a=b"), Wire.Http);
        never.Set();
        await site.Logs.WaitForAsync("HarakiriCallbackFailed");
        // Called behind the answers.
        Assert.True(await taken.WaitAsync(TestTimeouts.Default));
        Assert.True(await taken.WaitAsync(TestTimeouts.Default));

        var context = seen.First(context => context.Stage == HarakiriStage.Taken);
        Assert.Equal(("GET", "/hang/block?a=b", ""), (context.Method, context.Target, context.Mount));
        Assert.Contains(seen, context => IPAddress.Parse("192.0.2.7").Equals(context.RemoteAddress));
        Assert.Contains(seen, context => IPAddress.Loopback.Equals(context.RemoteAddress));
        Assert.InRange(context.Elapsed, HarakiriSite.Limit, TestTimeouts.Default);
        Assert.Equal(HarakiriSite.Limit, context.Timeout);
    }

    private static X509Certificate2 CreateCertificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
    }

    private static void AssertCut(HarakiriReply reply, Wire wire)
    {
        Assert.Equal((200, "begun"), (reply.Status, reply.Body));
        Assert.False(reply.IsEnded);
        Assert.True(wire == Wire.FastCgiKept ? reply.IsBroken : reply.IsReset, reply.ToString());
    }

    private static void AssertTimeout(HarakiriReply reply, Wire wire)
    {
        Assert.Equal(504, reply.Status);
        Assert.Equal("504 Gateway Timeout: the application took too long.\n", reply.Body);
        Assert.False(reply.IsReset);
        Assert.Equal(wire is Wire.FastCgi or Wire.FastCgiKept, reply.IsEnded);
    }
}
