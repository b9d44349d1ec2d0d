using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Uwsgi.AspNetCore.FunctionalTests.Infrastructure;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.FunctionalTests.Responses;

public class WriterTests
{
    [Fact]
    [Trait("Rule", "33")]
    [Trait("Item", "87")]
    public async Task Stream_and_writer_are_two_doors_to_one_body()
    {
        await using var server = await GatewayTestServer.StartAsync(async context =>
        {
            var response = context.Response;
            response.BodyWriter.Write("a"u8);
            await response.Body.WriteAsync("b"u8.ToArray());
            response.BodyWriter.Write("c"u8);
            await response.BodyWriter.WriteAsync("d"u8.ToArray());
            await response.WriteAsync("e");
            response.BodyWriter.Write("f"u8);
            await response.Body.FlushAsync();
            response.BodyWriter.Write("g"u8);
        });

        var response = await server.RequestAsync(UwsgiPacket.Nginx());

        Assert.Equal("abcdefg", response.Text);
    }

    [Theory]
    [InlineData("flush")]
    [InlineData("complete")]
    [InlineData("return")]
    [Trait("Rule", "35")]
    [Trait("Item", "85")]
    public async Task Advanced_memory_is_sent_with_the_next_flush_or_the_end(string how)
    {
        await using var server = await GatewayTestServer.StartAsync(async context =>
        {
            var writer = context.Response.BodyWriter;
            context.Response.ContentLength = 5;
            "hello"u8.CopyTo(writer.GetSpan(5));
            writer.Advance(5);
            Assert.False(context.Response.HasStarted);
            if (how == "flush")
                await writer.FlushAsync();
            else if (how == "complete")
                await writer.CompleteAsync();
        });

        var response = await server.RequestAsync(UwsgiPacket.Nginx());

        Assert.Equal("hello", response.Text);
    }

    [Fact]
    [Trait("Rule", "36")]
    [Trait("Item", "84")]
    public async Task Advancing_without_memory_or_out_of_it_is_refused()
    {
        await using var server = await GatewayTestServer.StartAsync(async context =>
        {
            var writer = context.Response.BodyWriter;
            Assert.Throws<InvalidOperationException>(() => writer.Advance(1));
            var size = writer.GetMemory(10).Length;
            Assert.Throws<ArgumentOutOfRangeException>(() => writer.Advance(-1));
            Assert.Throws<ArgumentOutOfRangeException>(() => writer.Advance(size + 1));
            writer.Advance(0);

            await context.Response.StartAsync();
            Assert.Throws<InvalidOperationException>(() => writer.Advance(1));
            size = writer.GetMemory(10).Length;
            Assert.Throws<ArgumentOutOfRangeException>(() => writer.Advance(size + 1));
            Assert.Throws<ArgumentOutOfRangeException>(() => writer.GetMemory(-1));
            "ok"u8.CopyTo(writer.GetSpan(2));
            writer.Advance(2);
        });

        var response = await server.RequestAsync(UwsgiPacket.Nginx());

        Assert.Equal("ok", response.Text);
    }

    [Fact]
    [Trait("Rule", "36")]
    [Trait("Item", "86")]
    public async Task Memory_taken_before_the_start_cannot_be_advanced_after_it()
    {
        await using var server = await GatewayTestServer.StartAsync(async context =>
        {
            var writer = context.Response.BodyWriter;
            "one "u8.CopyTo(writer.GetSpan(4));
            writer.Advance(4);
            _ = writer.GetMemory(4);
            await context.Response.StartAsync();
            Assert.Throws<InvalidOperationException>(() => writer.Advance(4));
            "two "u8.CopyTo(writer.GetSpan(4));
            writer.Advance(4);
            await writer.FlushAsync();
            Assert.Throws<InvalidOperationException>(() => writer.Advance(1));
            _ = writer.GetMemory(4);
            await context.Response.CompleteAsync();
            Assert.Throws<InvalidOperationException>(() => writer.Advance(4));
        });

        var response = await server.RequestAsync(UwsgiPacket.Nginx());

        Assert.Equal("one two ", response.Text);
    }

    [Fact]
    [Trait("Rule", "37")]
    [Trait("Item", "86")]
    public async Task Headers_may_change_until_the_first_flush_although_body_memory_is_filled()
    {
        await using var server = await GatewayTestServer.StartAsync(async context =>
        {
            for (var i = 0; i < 10_000; i++)
                context.Response.BodyWriter.Write("0123456789"u8);
            context.Response.StatusCode = 201;
            context.Response.Headers["X-Late"] = "1";
            await context.Response.BodyWriter.FlushAsync();
            context.Response.BodyWriter.Write("!"u8);
        });

        var response = await server.RequestAsync(UwsgiPacket.Nginx());

        Assert.Equal("HTTP/1.1 201 Created\r\nX-Late: 1\r\n\r\n", response.HeadText);
        Assert.Equal(string.Concat(Enumerable.Repeat("0123456789", 10_000)) + "!", response.Text);
    }

    [Fact]
    [Trait("Rule", "38")]
    [Trait("Item", "90")]
    public async Task Unflushed_bytes_are_counted_before_and_after_the_headers_were_sent()
    {
        var counts = new List<long>();
        await using var server = await GatewayTestServer.StartAsync(async context =>
        {
            var writer = context.Response.BodyWriter;
            Assert.True(writer.CanGetUnflushedBytes);
            counts.Add(writer.UnflushedBytes);
            writer.Write("hello"u8);
            counts.Add(writer.UnflushedBytes);
            await writer.FlushAsync();
            counts.Add(writer.UnflushedBytes);
            writer.Write(new byte[10_000]);
            counts.Add(writer.UnflushedBytes);
            await context.Response.Body.FlushAsync();
            counts.Add(writer.UnflushedBytes);
        });

        var response = await server.RequestAsync(UwsgiPacket.Nginx());

        Assert.Equal([0, 5, 0, 10_000, 0], counts);
        Assert.Equal(10_005, response.Body.Length);
    }

    [Fact]
    [Trait("Rule", "38")]
    [Trait("Item", "90")]
    public async Task A_large_JSON_document_is_flushed_on_the_way()
    {
        var numbers = Enumerable.Range(0, 50_000).ToArray();
        await using var server = await GatewayTestServer.StartAsync(context => context.Response.WriteAsJsonAsync(numbers));

        var response = await server.RequestAsync(UwsgiPacket.Nginx());

        Assert.Equal(numbers, JsonSerializer.Deserialize<int[]>(response.Body));
        Assert.Null(response["Content-Length"]);
    }

    [Fact]
    [Trait("Rule", "39")]
    public async Task A_flush_waits_while_the_web_server_takes_nothing()
    {
        var stalled = Events.New<int>();
        await using var server = await GatewayTestServer.StartAsync(async context =>
        {
            var chunk = new byte[1024];
            for (var written = 0; ; written += chunk.Length)
            {
                var flush = context.Response.BodyWriter.WriteAsync(chunk);
                if (!flush.IsCompleted)
                {
                    stalled.SetResult(written + chunk.Length);
                    await flush;
                    return;
                }
            }
        });

        var connection = await server.SendAsync(UwsgiPacket.Nginx());
        var written = await stalled.Task.WithTimeoutAsync();
        var response = await connection.Client.ReadResponseAsync();

        // The transport's threshold is 64 KiB, a little of which is the head.
        Assert.InRange(written, 63 * 1024, 65 * 1024);
        Assert.Equal(written, response.Body.Length);
    }

    [Fact]
    [Trait("Rule", "40")]
    [Trait("Item", "101")]
    public async Task Writing_to_a_peer_that_is_gone_is_no_error()
    {
        var outcome = Events.New<(bool FlushCompleted, bool Cancelled)>();
        var arrived = Events.New();
        await using var server = await GatewayTestServer.StartAsync(async context =>
        {
            arrived.SetResult();
            await context.RequestAborted.WaitForCancellationAsync();
            await context.Response.WriteAsync("hello");
            var flush = await context.Response.BodyWriter.WriteAsync(new byte[200_000]);
            await context.Response.Body.FlushAsync();
            var cancelled = await Record.ExceptionAsync(() => context.Response.WriteAsync("hello", new CancellationToken(canceled: true)));
            outcome.SetResult((flush.IsCompleted, cancelled is OperationCanceledException));
        });

        var connection = await server.SendAsync(UwsgiPacket.Nginx());
        await arrived.Task.WithTimeoutAsync();
        connection.Client.Reset();

        Assert.Equal((true, true), await outcome.Task.WithTimeoutAsync());
    }

    [Fact]
    [Trait("Rule", "53")]
    [Trait("Item", "102")]
    public async Task A_write_with_the_token_of_an_aborted_request_throws()
    {
        var arrived = Events.New();
        var failure = Events.New<Exception>();
        await using var server = await GatewayTestServer.StartAsync(async context =>
        {
            arrived.SetResult();
            await context.RequestAborted.WaitForCancellationAsync();
            try
            {
                await context.Response.WriteAsync("hello", context.RequestAborted);
            }
            catch (Exception exception)
            {
                failure.SetResult(exception);
                throw;
            }
        });

        var connection = await server.SendAsync(UwsgiPacket.Nginx());
        await arrived.Task.WithTimeoutAsync();
        connection.Client.Close();

        Assert.IsAssignableFrom<OperationCanceledException>(await failure.Task.WithTimeoutAsync());
        Assert.Equal(Microsoft.Extensions.Logging.LogLevel.Debug, (await server.Logs.WaitForAsync("RequestCancelled")).Level);
    }

    [Fact]
    [Trait("Rule", "41")]
    [Trait("Item", "80")]
    public async Task Cancelling_a_write_that_is_on_its_way_aborts_the_connection()
    {
        var stalled = Events.New();
        using var cancellation = new CancellationTokenSource();
        var aborted = Events.New();
        await using var server = await GatewayTestServer.StartAsync(async context =>
        {
            var write = context.Response.Body.WriteAsync(new byte[200_000], cancellation.Token);
            Assert.False(write.IsCompleted);
            stalled.SetResult();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => write.AsTask());
            await context.RequestAborted.WaitForCancellationAsync();
            aborted.SetResult();
        });

        var connection = await server.SendAsync(UwsgiPacket.Nginx());
        await stalled.Task.WithTimeoutAsync();
        await cancellation.CancelAsync();

        await aborted.Task.WithTimeoutAsync();
        await connection.Disposed.WithTimeoutAsync();
        Assert.NotNull(connection.AbortReason);
    }

    [Theory]
    [InlineData("feature")]
    [InlineData("writer")]
    [Trait("Rule", "42")]
    [Trait("Item", "88")]
    public async Task Nothing_can_be_written_after_completion(string how)
    {
        await using var server = await GatewayTestServer.StartAsync(async context =>
        {
            await context.Response.WriteAsync("hello");
            if (how == "feature")
                await context.Response.CompleteAsync();
            else
                await context.Response.BodyWriter.CompleteAsync();
            await Assert.ThrowsAsync<InvalidOperationException>(() => context.Response.WriteAsync("!"));
            await Assert.ThrowsAsync<InvalidOperationException>(async () => await context.Response.BodyWriter.WriteAsync("!"u8.ToArray()));
            Assert.Throws<InvalidOperationException>(() => context.Response.BodyWriter.GetMemory());
        });

        var response = await server.RequestAsync(UwsgiPacket.Nginx());

        Assert.Equal("hello", response.Text);
    }

    [Fact]
    [Trait("Rule", "42")]
    public async Task Nothing_can_be_written_after_the_request()
    {
        Stream? stream = null;
        PipeWriter? writer = null;
        await using var server = await GatewayTestServer.StartAsync(context =>
        {
            (stream, writer) = (context.Response.Body, context.Response.BodyWriter);
            return context.Response.WriteAsync("hello");
        });

        var response = await server.RequestAsync(UwsgiPacket.Nginx());

        Assert.Equal("hello", response.Text);
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await stream!.WriteAsync("!"u8.ToArray()));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => stream!.FlushAsync());
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await writer!.WriteAsync("!"u8.ToArray()));
        Assert.Throws<ObjectDisposedException>(() => writer!.GetMemory());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [Trait("Rule", "43")]
    public async Task Completing_sends_the_whole_response_while_the_app_goes_on(bool startsFirst)
    {
        var release = Events.New();
        await using var server = await GatewayTestServer.StartAsync(async context =>
        {
            context.Response.ContentLength = 5;
            if (startsFirst)
                await context.Response.StartAsync();
            context.Response.BodyWriter.Write("hello"u8);
            await context.Response.CompleteAsync();
            await release.Task;
        });

        var connection = await server.SendAsync(UwsgiPacket.Nginx());
        var head = await connection.Client.ReadHeadAsync();
        var body = await connection.Client.ReadExactlyAsync(5);
        var isOver = connection.Disposed.IsCompleted;
        release.SetResult();
        await connection.Disposed.WithTimeoutAsync();

        Assert.Equal("5", head["Content-Length"]);
        Assert.Equal("hello"u8.ToArray(), body);
        Assert.False(isOver);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [Trait("Rule", "44")]
    [Trait("Item", "88")]
    public async Task Completing_the_writer_with_an_error_is_a_500_or_cuts_the_response(bool startsFirst)
    {
        await using var server = await GatewayTestServer.StartAsync(async context =>
        {
            if (startsFirst)
                await context.Response.WriteAsync("hello");
            await context.Response.BodyWriter.CompleteAsync(new InvalidDataException("The producer has failed."));
        });
        server.ExpectError("ApplicationError");

        var connection = await server.SendAsync(UwsgiPacket.Nginx());

        if (startsFirst)
            await Assert.ThrowsAsync<ConnectionResetException>(connection.Client.ReadToEndAsync);
        else
            Assert.Equal(500, (await connection.Client.ReadResponseAsync()).StatusCode);
    }

    [Fact]
    [Trait("Rule", "45")]
    public async Task Disposing_the_stream_ends_nothing()
    {
        await using var server = await GatewayTestServer.StartAsync(async context =>
        {
            await using (var text = new StreamWriter(context.Response.Body, Encoding.UTF8, leaveOpen: false))
                await text.WriteAsync("hello ");
            await context.Response.Body.DisposeAsync();
            context.Response.Body.Close();
            await context.Response.WriteAsync("world");
        });

        var response = await server.RequestAsync(UwsgiPacket.Nginx());

        Assert.EndsWith("hello world", response.Text);
    }

    [Theory]
    [InlineData("write")]
    [InlineData("flush")]
    [Trait("Rule", "48")]
    [Trait("Item", "91")]
    public async Task Synchronous_writes_are_refused_unless_allowed(string what)
    {
        await using var server = await GatewayTestServer.StartAsync(context =>
        {
            Assert.False(context.Features.Get<IHttpBodyControlFeature>()!.AllowSynchronousIO);
            Assert.Throws<InvalidOperationException>(() => Do(context));
            context.Features.Get<IHttpBodyControlFeature>()!.AllowSynchronousIO = true;
            Do(context);
            return Task.CompletedTask;
        });

        var first = await server.RequestAsync(UwsgiPacket.Nginx());
        var second = await server.RequestAsync(UwsgiPacket.Nginx());

        // The second shows that the permission was the first request's own.
        Assert.Equal(what == "write" ? "hello" : "", first.Text);
        Assert.Equal(first.Text, second.Text);

        void Do(HttpContext context)
        {
            if (what == "write")
                context.Response.Body.Write("hello"u8);
            else
                context.Response.Body.Flush();
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [Trait("Rule", "48")]
    [Trait("Item", "91")]
    public async Task Synchronous_writes_can_be_allowed_for_all_requests(bool byKestrelsOption)
    {
        await using var server = await GatewayTestServer.StartAsync(
            context =>
            {
                context.Response.Body.Write("hello"u8);
                context.Response.Body.Flush();
                return Task.CompletedTask;
            },
            options =>
            {
                if (byKestrelsOption)
                    options.Host = host => Microsoft.Extensions.DependencyInjection.OptionsServiceCollectionExtensions.Configure<KestrelServerOptions>(
                        host.Services, kestrel => kestrel.AllowSynchronousIO = true);
                else
                    options.Uwsgi = uwsgi => uwsgi.AllowSynchronousIO = true;
            });

        var response = await server.RequestAsync(UwsgiPacket.Nginx());

        Assert.Equal("hello", response.Text);
    }

    [Fact]
    [Trait("Rule", "49")]
    public async Task Writes_that_are_not_awaited_keep_their_order()
    {
        var stalled = Events.New();
        await using var server = await GatewayTestServer.StartAsync(async context =>
        {
            var writes = new List<Task>();
            for (var i = 0; i < 26; i++)
                writes.Add(context.Response.Body.WriteAsync(Letters((char)('a' + i), 10_000)).AsTask());
            Assert.False(writes[^1].IsCompleted);
            stalled.SetResult();
            await Task.WhenAll(writes);
        });

        var connection = await server.SendAsync(UwsgiPacket.Nginx());
        await stalled.Task.WithTimeoutAsync();
        var response = await connection.Client.ReadResponseAsync();

        Assert.Equal(string.Concat(Enumerable.Range(0, 26).Select(i => new string((char)('a' + i), 10_000))), response.Text);
    }

    [Fact]
    [Trait("Rule", "49")]
    public async Task Writes_from_several_threads_stay_whole()
    {
        const int Writers = 4;
        const int Lines = 500;
        await using var server = await GatewayTestServer.StartAsync(async context =>
        {
            await context.Response.StartAsync();
            await Task.WhenAll(Enumerable.Range(0, Writers).Select(writer => Task.Run(async () =>
            {
                for (var i = 0; i < Lines; i++)
                    await context.Response.Body.WriteAsync(Encoding.ASCII.GetBytes($"{new string((char)('a' + writer), 500)}\n"));
            })));
        });

        var response = await server.RequestAsync(UwsgiPacket.Nginx());

        var lines = response.Text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(Writers * Lines, lines.Length);
        Assert.All(lines, line => Assert.Equal(new string(line[0], 500), line));
    }

    [Fact]
    [Trait("Item", "89")]
    public async Task A_replaced_body_is_seen_by_the_writer_and_gone_for_the_next_request()
    {
        var bodies = new List<(Stream Own, bool IsOwn)>();
        await using var server = await GatewayTestServer.StartAsync(async context =>
        {
            var own = context.Response.Body;
            bodies.Add((own, context.Features.Get<IHttpResponseBodyFeature>()!.Stream == own));
            using var memory = new MemoryStream();
            context.Response.Body = memory;
            await context.Response.BodyWriter.WriteAsync("hello"u8.ToArray());
            await context.Response.WriteAsync(" world");
            Assert.Equal(11, memory.Length);

            context.Response.Body = own;
            Assert.Same(own, context.Response.Body);
            await context.Response.BodyWriter.WriteAsync(memory.ToArray().Reverse().ToArray());
            context.Response.Body = new MemoryStream();
        });

        var first = await server.RequestAsync(UwsgiPacket.Nginx());
        var second = await server.RequestAsync(UwsgiPacket.Nginx());

        Assert.Equal("dlrow olleh", first.Text);
        Assert.Equal("dlrow olleh", second.Text);
        Assert.All(bodies, body => Assert.True(body.IsOwn));
    }

    [Fact]
    [Trait("Item", "100")]
    public async Task A_large_download_arrives_whole()
    {
        const int Chunks = 320;
        var chunk = new byte[64 * 1024];
        new Random(3031).NextBytes(chunk);
        await using var server = await GatewayTestServer.StartAsync(
            async context =>
            {
                for (var i = 0; i < Chunks; i++)
                    await context.Response.Body.WriteAsync(chunk);
            },
            options => options.Socket = "127.0.0.1:0");

        var response = await server.RequestAsync(UwsgiPacket.Nginx());

        Assert.Equal(Chunks * chunk.Length, response.Body.Length);
        for (var i = 0; i < Chunks; i++)
            Assert.True(response.Body.AsSpan(i * chunk.Length, chunk.Length).SequenceEqual(chunk));
    }

    private static byte[] Letters(char letter, int count) => Encoding.ASCII.GetBytes(new string(letter, count));
}
