using System.IO.Pipelines;
using System.Text;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;
using Uwsgi.AspNetCore.Testing;
using static Uwsgi.AspNetCore.Testing.FastCgiBytes;

namespace Uwsgi.AspNetCore.FunctionalTests.FastCgi;

public class FastCgiRequestTests
{
    [Theory]
    [Trait("GatewayRule", "7")]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_small_answer_is_four_records(bool keep)
    {
        await using var server = await FastCgiTestServer.StartAsync(context => context.Response.WriteAsync("hello"));
        var client = await server.OpenAsync(Request(1, UwsgiPacket.Nginx(), keep));

        var stdout = await client.ReadRecordAsync();
        Assert.Equal((StdoutType, 1), (stdout.Type, stdout.Id));
        Assert.EndsWith("\r\n\r\nhello", Encoding.ASCII.GetString(stdout.Content));
        Assert.Empty((await client.ReadRecordAsync()).Content);
        Assert.Equal(EndType, (await client.ReadRecordAsync()).Type);
        if (!keep)
            await client.AssertClosedAsync();
    }

    [Fact]
    public async Task A_small_answer_is_one_write()
    {
        await using var server = await FastCgiTestServer.StartAsync(context =>
        {
            context.Response.ContentLength = 5;
            return context.Response.WriteAsync("hello");
        });
        var client = await server.OpenAsync(Request(1, UwsgiPacket.Nginx()));

        // What is read at once was flushed at once.
        var records = FastCgiAnswerRecord.ParseAll(await client.Connection.Client.ReadSomeAsync());

        Assert.Equal([StdoutType, StdoutType, EndType], records.Select(record => record.Type));
    }

    [Fact]
    public async Task Large_answers_take_turns()
    {
        const int Length = 2_000_000;
        var both = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var writing = 0;
        await using var server = await FastCgiTestServer.StartAsync(async context =>
        {
            context.Response.ContentLength = Length;
            var write = context.Response.Body.WriteAsync(new byte[Length]);
            if (Interlocked.Increment(ref writing) == 2)
                both.SetResult();
            await write;
        });
        var client = new FastCgiClient(await server.ConnectAsync(applicationScheduler: PipeScheduler.Inline));
        await client.SendAsync(Request(2, UwsgiPacket.Nginx()), Request(3, UwsgiPacket.Nginx()));
        await both.Task.WithTimeoutAsync();

        // Each asks for its next turn behind the other, so they alternate as soon as both are at it. Inline, and off the test's own context: who was read has asked.
        var ids = await Task.Run(async () =>
        {
            var read = new List<ushort>();
            for (var ends = 0; ends < 2;)
            {
                var record = await client.ReadRecordAsync();
                read.Add(record.Id);
                ends += record.Type == EndType ? 1 : 0;
            }

            return read;
        });

        var shared = ids[ids.IndexOf(ids[0] == 2 ? (ushort)3 : (ushort)2)..];
        var firstEnd = Math.Min(shared.LastIndexOf(2), shared.LastIndexOf(3));
        Assert.True(firstEnd > 20);
        Assert.InRange(shared.Take(firstEnd).Zip(shared.Skip(1)).Count(pair => pair.First == pair.Second), 0, firstEnd / 2);
    }

    [Fact]
    public async Task The_status_is_the_last_header()
    {
        await using var server = await FastCgiTestServer.StartAsync(context =>
        {
            context.Response.StatusCode = 302;
            context.Response.Headers.Location = "/elsewhere";
            return Task.CompletedTask;
        });
        var client = await server.OpenAsync(Request(1, UwsgiPacket.Nginx()));

        var answer = await client.ReadAnswerAsync(1);

        Assert.Equal("Status", answer.Response.Headers[^1].Key);
        Assert.Equal(302, answer.Response.StatusCode);
    }

    [Fact]
    public async Task A_kept_connection_serves_requests_one_after_another()
    {
        await using var server = await FastCgiTestServer.StartAsync(FastCgiTestServer.EchoAsync);
        var client = await server.OpenAsync();

        for (var i = 0; i < 50; i++)
        {
            await client.SendAsync(Request(1, UwsgiPacket.Nginx("POST", $"/{i}").WithBody($"body {i}"), padding: (byte)i));
            Assert.Equal($"/{i} body {i}", (await client.ReadAnswerAsync(1)).Response.Text);
        }
    }

    [Fact]
    public async Task An_idle_connection_leaves_its_request_object_to_the_others()
    {
        var time = new ManualTimeProvider();
        var running = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var contexts = new List<HttpContext>();
        var streams = new List<Stream>();
        var names = new List<string>();
        await using var server = await FastCgiTestServer.StartAsync(
            context =>
            {
                contexts.Add(context);
                streams.Add(context.Response.Body);
                names.Add(context.TraceIdentifier[^8..]);
                running.TrySetResult();
                return release.Task;
            },
            time: time);
        var first = await server.OpenAsync();

        await first.SendAsync(Request(1, UwsgiPacket.Nginx()));
        await running.Task.WithTimeoutAsync();
        await first.FinishOnlyRequestAsync(time, release);
        var second = await server.OpenAsync();
        await second.SendAsync(Request(1, UwsgiPacket.Nginx()));
        await second.ReadAnswerAsync(1);
        await first.SendAsync(Request(1, UwsgiPacket.Nginx()));
        await first.ReadAnswerAsync(1);

        Assert.Same(contexts[0], contexts[1]);
        Assert.Same(streams[0], streams[2]);
        Assert.NotSame(streams[0], streams[1]);
        Assert.Equal(["00000001", "00000001", "00000002"], names);
    }

    [Fact]
    public async Task What_was_kept_of_a_request_does_not_reach_another_connection()
    {
        var kept = new List<(Stream Response, System.IO.Pipelines.PipeWriter Writer, Stream Request)>();
        await using var server = await FastCgiTestServer.StartAsync(async context =>
        {
            foreach (var (response, writer, body) in kept)
            {
                await Assert.ThrowsAsync<ObjectDisposedException>(async () => await response.WriteAsync("stale"u8.ToArray()));
                await Assert.ThrowsAsync<ObjectDisposedException>(async () => await writer.WriteAsync("stale"u8.ToArray()));
                await Assert.ThrowsAsync<ObjectDisposedException>(async () => await body.ReadExactlyAsync(new byte[1]));
            }

            kept.Add((context.Response.Body, context.Response.BodyWriter, context.Request.Body));
            await FastCgiTestServer.EchoAsync(context);
        });

        for (var i = 0; i < 3; i++)
        {
            var client = await server.OpenAsync(Request(1, UwsgiPacket.Nginx("POST", $"/{i}").WithBody("body")));
            Assert.Equal($"/{i} body", (await client.ReadAnswerAsync(1)).Response.Text);
        }

        Assert.Equal(3, kept.Count);
    }

    [Fact]
    public async Task Requests_that_arrive_together_are_answered_together()
    {
        await using var server = await FastCgiTestServer.StartAsync(FastCgiTestServer.EchoAsync);
        var client = await server.OpenAsync([.. Enumerable.Range(1, 20).Select(i => Request((ushort)i, UwsgiPacket.Nginx(target: $"/{i}")))]);

        for (ushort id = 20; id > 0; id--)
            Assert.Equal($"/{id} ", (await client.ReadAnswerAsync(id)).Response.Text);
    }

    [Fact]
    [Trait("GatewayRule", "4")]
    public async Task Interleaved_requests_do_not_mix()
    {
        await using var server = await FastCgiTestServer.StartAsync(FastCgiTestServer.EchoAsync);
        var client = await server.OpenAsync();
        ushort[] ids = [3, 1, 900, 65_535];
        var requests = ids
            .Select(id => (Id: id, Packet: UwsgiPacket.Nginx("POST", $"/{id}").WithBody(new string((char)('a' + (id % 26)), 3000))))
            .ToList();

        // Whole records in turns: every request's BEGIN, then a part of PARAMS of each, and so on.
        await client.SendAsync([.. requests.Select(request => Begin(request.Id))]);
        var streams = requests.Select(request => Enumerable.Empty<byte[]>()
            .Concat(Pairs(request.Packet).Chunk(37).Select(part => Record(ParamsType, request.Id, part, padding: 3)))
            .Append(End(ParamsType, request.Id))
            .Concat(request.Packet.Body.ToArray().Chunk(101).Select(part => Record(StdinType, request.Id, part, padding: 5)))
            .Append(End(StdinType, request.Id)).ToList()).ToList();
        for (var i = 0; i < streams.Max(stream => stream.Count); i++)
        {
            foreach (var stream in streams.Where(stream => i < stream.Count))
                await client.SendAsync(stream[i]);
        }

        foreach (var (id, packet) in requests)
            Assert.Equal($"/{id} {Encoding.ASCII.GetString(packet.Body.Span)}", (await client.ReadAnswerAsync(id)).Response.Text);
    }

    [Fact]
    public async Task The_application_starts_before_the_body_has_arrived()
    {
        await using var server = await FastCgiTestServer.StartAsync(async context =>
        {
            await context.Response.Body.FlushAsync();
            await FastCgiTestServer.EchoAsync(context);
        });
        var client = await server.OpenAsync(Head(1, UwsgiPacket.Nginx("POST").Set("CONTENT_LENGTH", "4")));

        Assert.Contains("Status: 200", Encoding.ASCII.GetString((await client.ReadRecordAsync()).Content));
        await client.SendAsync(Record(StdinType, 1, "body"u8), End(StdinType, 1));

        Assert.Equal("/ body", Encoding.ASCII.GetString((await client.ReadAnswerAsync(1)).Stdout));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("-1")]
    public async Task A_body_of_unknown_length_ends_with_its_stream(string? length)
    {
        await using var server = await FastCgiTestServer.StartAsync(FastCgiTestServer.EchoAsync);
        var packet = UwsgiPacket.Nginx("PUT").Remove("CONTENT_LENGTH");
        if (length is not null)
            packet.Add("CONTENT_LENGTH", length);
        var client = await server.OpenAsync(Head(1, packet), Record(StdinType, 1, "some"u8));
        await client.SendAsync(Record(StdinType, 1, " more"u8, padding: 200), End(StdinType, 1));

        Assert.Equal("/ some more", (await client.ReadAnswerAsync(1)).Response.Text);
    }

    [Fact]
    public async Task End_request_leaves_with_the_last_announced_byte()
    {
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = await FastCgiTestServer.StartAsync(async context =>
        {
            context.Response.ContentLength = 5;
            await context.Response.WriteAsync("hello");
            await release.Task;
            await context.Response.Body.FlushAsync();
            Assert.False(context.RequestAborted.IsCancellationRequested);
        });
        var client = await server.OpenAsync(Request(1, UwsgiPacket.Nginx()));
        Assert.Equal("hello", (await client.ReadAnswerAsync(1)).Response.Text);

        // Its id is free again, though it still runs.
        await client.SendAsync(Request(1, UwsgiPacket.Nginx()));
        Assert.Equal("hello", (await client.ReadAnswerAsync(1)).Response.Text);
        release.SetResult();
    }

    [Fact]
    public async Task An_application_may_read_on_behind_the_last_announced_byte()
    {
        var read = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = await FastCgiTestServer.StartAsync(async context =>
        {
            context.Response.ContentLength = 5;
            await context.Response.WriteAsync("hello");
            read.SetResult(await new StreamReader(context.Request.Body).ReadToEndAsync());
        });
        var client = await server.OpenAsync(Head(1, UwsgiPacket.Nginx("POST").Set("CONTENT_LENGTH", "3")));
        Assert.EndsWith("hello", Encoding.ASCII.GetString((await client.ReadRecordAsync()).Content));

        await client.SendAsync(Record(StdinType, 1, "abc"u8), End(StdinType, 1));

        Assert.Equal("abc", await read.Task.WithTimeoutAsync());
        Assert.Equal(0, (await client.ReadAnswerAsync(1)).ProtocolStatus);
    }

    [Theory]
    [InlineData("abcdef", "")]
    [InlineData("abc", "def")]
    [InlineData("ab", "cdef")]
    public async Task More_than_the_announced_body_is_an_error(string first, string second)
    {
        await using var server = await FastCgiTestServer.StartAsync(FastCgiTestServer.EchoAsync);
        var client = await server.OpenAsync(Head(1, UwsgiPacket.Nginx("POST").Set("CONTENT_LENGTH", "3")), Record(StdinType, 1, Encoding.ASCII.GetBytes(first)));
        if (second.Length > 0)
            await client.SendAsync(Record(StdinType, 1, Encoding.ASCII.GetBytes(second)));
        await client.SendAsync(End(StdinType, 1));
        Assert.Equal(400, (await client.ReadAnswerAsync(1)).Response.StatusCode);

        // Nothing of the rest reaches the next request.
        await client.SendAsync(Request(1, UwsgiPacket.Nginx("POST", "/next").WithBody("x")));
        Assert.Equal("/next x", (await client.ReadAnswerAsync(1)).Response.Text);
    }

    [Fact]
    public async Task Less_than_the_announced_body_is_an_error_for_the_application()
    {
        var seen = new TaskCompletionSource<Exception?>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = await FastCgiTestServer.StartAsync(async context =>
            seen.TrySetResult(await Xunit.Record.ExceptionAsync(() => context.Request.Body.CopyToAsync(System.IO.Stream.Null))));
        await server.OpenAsync(Head(1, UwsgiPacket.Nginx("POST").Set("CONTENT_LENGTH", "10")), Record(StdinType, 1, "abc"u8), End(StdinType, 1));

        Assert.IsType<BadHttpRequestException>(await seen.Task.WithTimeoutAsync());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_unread_body_does_not_reach_the_next_request(bool keep)
    {
        await using var server = await FastCgiTestServer.StartAsync(context => context.Response.WriteAsync(context.Request.Path));
        var client = await server.OpenAsync(Head(1, UwsgiPacket.Nginx("POST", "/first").Set("CONTENT_LENGTH", "600000"), keep));
        Assert.Equal("/first", (await client.ReadAnswerAsync(1)).Response.Text);

        await client.SendAsync(Stream(StdinType, 1, new byte[600_000]), End(StdinType, 1));
        if (keep)
        {
            await client.SendAsync(Request(1, UwsgiPacket.Nginx(target: "/second")));
            Assert.Equal("/second", (await client.ReadAnswerAsync(1)).Response.Text);
        }
        else
        {
            await client.AssertClosedAsync();
        }
    }

    [Fact]
    public async Task A_body_that_the_application_never_reads_goes_back_to_the_pool()
    {
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = await FastCgiTestServer.StartAsync(async context =>
        {
            _ = await context.Request.BodyReader.ReadAsync();
            await release.Task;
        });
        var client = await server.OpenAsync(Head(1, UwsgiPacket.Nginx("POST").Set("CONTENT_LENGTH", "100000")), Record(StdinType, 1, new byte[50_000]));
        await client.SendAsync(Record(GetValuesType, 0));
        Assert.Equal(GetValuesResultType, (await client.ReadRecordAsync()).Type);

        release.SetResult();

        Assert.Equal(200, (await client.ReadAnswerAsync(1)).Response.StatusCode);
    }

    [Fact]
    public async Task Large_bodies_go_both_ways_under_back_pressure()
    {
        // Each body stalls the other time and again, and all of that counts.
        await using var server = await FastCgiTestServer.StartAsync(
            async context =>
            {
                context.Response.ContentLength = context.Request.ContentLength;
                await context.Request.Body.CopyToAsync(context.Response.Body);
            },
            options => options.Limits.StalledBodyTimeout = TestTimeouts.Default);
        var body = new byte[5_000_000];
        new Random(1).NextBytes(body);
        var client = await server.OpenAsync();

        var sending = client.SendAsync(Request(1, UwsgiPacket.Nginx("POST").WithBody(body), padding: 7), Request(5, UwsgiPacket.Nginx("POST").WithBody(body)));
        var first = await client.ReadAnswerAsync(1);
        var second = await client.ReadAnswerAsync(5);
        await sending;

        Assert.True(first.Response.Body.AsSpan().SequenceEqual(body));
        Assert.True(second.Response.Body.AsSpan().SequenceEqual(body));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Everything_sent_before_a_half_close_is_delivered_to_a_slow_reader(ushort id)
    {
        var start = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = await FastCgiTestServer.StartAsync(
            async context =>
            {
                await start.Task;
                await FastCgiTestServer.EchoAsync(context);
            },
            options => options.AbortOnHalfClose = false);
        var client = await server.OpenAsync();
        var sending = client.SendAsync(Request(id, UwsgiPacket.Nginx("POST").WithBody(new string('x', 700_000))));
        client.Connection.Client.CompleteSending();
        start.SetResult();
        await sending;

        Assert.Equal(700_002, (await client.ReadAnswerAsync(id)).Response.Body.Length);
    }

    [Fact]
    [Trait("GatewayRule", "6")]
    public async Task An_authorizer_sees_its_role_and_needs_no_stdin()
    {
        await using var server = await FastCgiTestServer.StartAsync(context =>
        {
            context.Response.Headers["Variable-USER"] = context.Features.Get<IFastCgiFeature>()!.Role.ToString();
            return Task.CompletedTask;
        });
        var client = await server.OpenAsync(Head(1, UwsgiPacket.Nginx(), keep: false, role: 2));

        var answer = await client.ReadAnswerAsync(1);

        Assert.Equal("Authorizer", answer.Response["Variable-USER"]);
        await client.AssertClosedAsync();
    }

    // lighttpd drops a refusal's fields, such as Location, which it reads before it knows the status.
    [Fact]
    public async Task An_authorizers_answer_starts_with_the_status()
    {
        await using var server = await FastCgiTestServer.StartAsync(context =>
        {
            context.Response.Redirect("/login");
            return Task.CompletedTask;
        });
        var client = await server.OpenAsync(Head(1, UwsgiPacket.Nginx(), keep: false, role: 2));

        var answer = await client.ReadAnswerAsync(1);

        Assert.StartsWith("Status: 302 Found\r\n", answer.Response.HeadText);
        Assert.Equal("/login", answer.Response["Location"]);
    }

    [Fact]
    public async Task Stderr_reaches_the_web_server_up_to_a_limit()
    {
        await using var server = await FastCgiTestServer.StartAsync(async context =>
        {
            var feature = context.Features.Get<IFastCgiFeature>()!;
            await feature.WriteErrorAsync("caf\u00E9\n");
            await feature.WriteErrorAsync(new string('x', 100_000));
            await feature.WriteErrorAsync("dropped");
            await context.Response.WriteAsync($"{feature.RequestId}");
        });
        var client = await server.OpenAsync(Request(7, UwsgiPacket.Nginx()));

        var answer = await client.ReadAnswerAsync(7);

        Assert.Equal("7", answer.Response.Text);
        Assert.StartsWith("caf\u00E9\nxxx", answer.Stderr);
        Assert.EndsWith("x", answer.Stderr);
        Assert.Equal(64 * 1024, Encoding.UTF8.GetByteCount(answer.Stderr));
    }

    [Fact]
    public async Task A_failure_before_the_answer_is_a_500_and_the_connection_stays()
    {
        await using var server = await FastCgiTestServer.StartAsync(context => throw new InvalidOperationException("Boom."));
        server.ExpectError("ApplicationError");
        var client = await server.OpenAsync(Request(1, UwsgiPacket.Nginx()));
        Assert.Equal(500, (await client.ReadAnswerAsync(1)).Response.StatusCode);

        await client.SendAsync(Request(1, UwsgiPacket.Nginx()));
        Assert.Equal(500, (await client.ReadAnswerAsync(1)).Response.StatusCode);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_failure_within_the_only_answer_ends_the_connection_without_an_end(bool keep)
    {
        await using var server = await FastCgiTestServer.StartAsync(FailAfterStartAsync);
        server.ExpectError("ApplicationError");
        var client = await server.OpenAsync(Request(1, UwsgiPacket.Nginx(), keep));

        await Assert.ThrowsAsync<ConnectionResetException>(() => client.ReadAnswerAsync(1));

        // A reset would make nginx repeat the request if it was on a kept connection.
        Assert.Equal(keep, client.IsBrokenOff);
        await client.Connection.Disposed.WithTimeoutAsync();
    }

    [Fact]
    public async Task A_failure_within_an_answer_leaves_the_others_alone()
    {
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = await FastCgiTestServer.StartAsync(async context =>
        {
            if (context.Request.Path == "/bad")
                await FailAfterStartAsync(context);
            await release.Task;
            await context.Response.WriteAsync("good");
        });
        server.ExpectError("ApplicationError");
        var client = await server.OpenAsync(Head(3, UwsgiPacket.Nginx("POST", "/good")), Request(2, UwsgiPacket.Nginx(target: "/bad")));

        Assert.Equal(1u, (await client.ReadAnswerAsync(2)).ApplicationStatus);
        release.SetResult();
        await client.SendAsync(End(StdinType, 3));
        Assert.Equal("good", (await client.ReadAnswerAsync(3)).Response.Text);
    }

    private static async Task FailAfterStartAsync(HttpContext context)
    {
        await context.Response.WriteAsync("half");
        await context.Response.Body.FlushAsync();
        throw new InvalidOperationException("Boom.");
    }
}
