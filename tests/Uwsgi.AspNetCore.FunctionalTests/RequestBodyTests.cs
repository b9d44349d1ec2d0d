using System.Globalization;
using System.IO.Pipelines;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Uwsgi.AspNetCore.FunctionalTests.Infrastructure;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.FunctionalTests;

public class RequestBodyTests(SharedServer shared) : IClassFixture<SharedServer>
{
    public static TheoryData<int> Sizes => [0, 1, 4095, 4096, 4097, 65535, 65536, 65537, (1024 * 1024) - 1, 1024 * 1024, (1024 * 1024) + 1];

    [Theory]
    [Trait("Rule", "74")]
    [Trait("Item", "8")]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("0")]
    [InlineData("000")]
    public async Task No_length_is_no_body(string? contentLength)
    {
        var packet = UwsgiPacket.Nginx("POST").Remove("CONTENT_LENGTH");
        if (contentLength is not null)
            packet.Add("CONTENT_LENGTH", contentLength);
        packet.Body = "bytes that belong to nobody"u8.ToArray();

        var seen = await shared.SeeAsync(packet, async context => (
            context.Features.GetRequiredFeature<IHttpRequestBodyDetectionFeature>().CanHaveBody,
            await new StreamReader(context.Request.Body).ReadToEndAsync(),
            (await context.Request.BodyReader.ReadAsync()).IsCompleted));

        Assert.Equal((false, "", true), seen);
    }

    [Theory]
    [Trait("Rule", "74")]
    [Trait("Item", "12")]
    [Trait("Item", "15")]
    [InlineData("-1")]
    [InlineData("+1")]
    [InlineData(" 1")]
    [InlineData("1 ")]
    [InlineData("1.0")]
    [InlineData("1,1")]
    [InlineData("0x10")]
    [InlineData("many")]
    [InlineData("9223372036854775808")]
    [InlineData("99999999999999999999999")]
    [InlineData("\u00B2")]
    public async Task A_length_that_is_no_number_is_refused(string contentLength) =>
        Assert.Equal(400, await shared.RefusalAsync(UwsgiPacket.Nginx("POST").Set("CONTENT_LENGTH", contentLength)));

    [Theory]
    [Trait("Rule", "74")]
    [Trait("Item", "15")]
    [InlineData("CONTENT_LENGTH", "6")]
    [InlineData("HTTP_CONTENT_LENGTH", "6")]
    [InlineData("HTTP_CONTENT_LENGTH", "many")]
    [InlineData("HTTP_CONTENT_LENGTH", "5, 5")]
    public async Task Lengths_that_disagree_are_refused(string name, string value) =>
        Assert.Equal(400, await shared.RefusalAsync(UwsgiPacket.Nginx("POST").WithBody("12345").Add(name, value)));

    [Theory]
    [Trait("Rule", "74")]
    [InlineData("CONTENT_LENGTH", "5")]
    [InlineData("HTTP_CONTENT_LENGTH", "5")]
    [InlineData("HTTP_CONTENT_LENGTH", "0005")]
    [InlineData("HTTP_CONTENT_LENGTH", "")]
    public async Task Lengths_that_agree_are_one(string name, string value) =>
        Assert.Equal("12345", await shared.SeeAsync(UwsgiPacket.Nginx("POST").WithBody("12345").Add(name, value), ReadTextAsync));

    [Fact]
    [Trait("Rule", "74")]
    public async Task A_transfer_coding_without_a_length_is_refused_and_with_one_means_nothing()
    {
        Assert.Equal(411, await shared.RefusalAsync(UwsgiPacket.Nginx("POST").Add("HTTP_TRANSFER_ENCODING", "chunked")));
        Assert.Equal("12345", await shared.SeeAsync(
            UwsgiPacket.Nginx("POST").WithBody("12345").Add("HTTP_TRANSFER_ENCODING", "chunked"), ReadTextAsync));
        Assert.Equal(400, await shared.RefusalAsync(
            UwsgiPacket.Nginx("POST").WithBody("12345").Add("HTTP_TRANSFER_ENCODING", "chunked").Add("UWSGI_ROUTER", "http")));
    }

    [Fact]
    [Trait("Rule", "72")]
    public async Task Bytes_behind_the_body_belong_to_nobody()
    {
        var packet = UwsgiPacket.Nginx("POST").WithBody("12345");
        packet.Body = "12345678"u8.ToArray();

        Assert.Equal("12345", await shared.SeeAsync(packet, ReadTextAsync));
        Assert.Equal("12345", await shared.SeeAsync(packet, async context =>
        {
            var read = await context.Request.BodyReader.ReadAsync();
            Assert.True(read.IsCompleted);
            return Encoding.ASCII.GetString(read.Buffer);
        }));
    }

    [Theory]
    [Trait("Rule", "72")]
    [Trait("Item", "26")]
    [MemberData(nameof(Sizes))]
    public async Task A_body_of_any_size_arrives_whole(int size)
    {
        var body = new byte[size];
        new Random(size).NextBytes(body);

        Assert.Equal(SHA256.HashData(body), await shared.SeeAsync(
            UwsgiPacket.Nginx("PUT").WithBody(body), context => SHA256.HashDataAsync(context.Request.Body).AsTask()));
    }

    [Theory]
    [Trait("Item", "33")]
    [Trait("Item", "37")]
    [InlineData(1)]
    [InlineData(3)]
    public async Task A_body_in_tiny_blocks_arrives_whole(int blockSize)
    {
        await using var server = await GatewayTestServer.StartAsync(
            async context => await context.Request.Body.CopyToAsync(context.Response.Body),
            options => options.Pool = new TinyBlockMemoryPool(blockSize));
        var body = Enumerable.Range(0, 2000).Select(i => (byte)i).ToArray();

        Assert.Equal(body, (await server.RequestAsync(UwsgiPacket.Nginx("PUT").WithBody(body))).Body);
    }

    [Fact]
    [Trait("Rule", "75")]
    [Trait("Item", "37")]
    public async Task Reading_after_the_end_goes_on_saying_so() => await shared.SeeAsync(UwsgiPacket.Nginx("POST").WithBody("12345"), async context =>
    {
        Assert.Equal("12345", await ReadTextAsync(context));
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(0, await context.Request.Body.ReadAsync(new byte[10]));
            var read = await context.Request.BodyReader.ReadAsync();
            Assert.True(read is { IsCompleted: true, Buffer.IsEmpty: true });
            context.Request.BodyReader.AdvanceTo(read.Buffer.End);
            Assert.True(context.Request.BodyReader.TryRead(out read) && read is { IsCompleted: true, Buffer.IsEmpty: true });
            context.Request.BodyReader.AdvanceTo(read.Buffer.Start);
        }

        return true;
    });

    [Fact]
    [Trait("Rule", "75")]
    [Trait("Item", "37")]
    public async Task Reading_twice_without_advancing_is_an_error() => await shared.SeeAsync(UwsgiPacket.Nginx("POST").WithBody("12345"), async context =>
    {
        var read = await context.Request.BodyReader.ReadAsync();

        await Assert.ThrowsAsync<InvalidOperationException>(async () => await context.Request.BodyReader.ReadAsync());
        Assert.Throws<InvalidOperationException>(() => context.Request.BodyReader.TryRead(out _));

        context.Request.BodyReader.AdvanceTo(read.Buffer.Start);
        Assert.Throws<InvalidOperationException>(() => context.Request.BodyReader.AdvanceTo(read.Buffer.Start));
        Assert.Equal("12345", await ReadTextAsync(context));
        return true;
    });

    [Theory]
    [Trait("Rule", "75")]
    [Trait("Item", "37")]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Reading_after_complete_is_an_error(bool duringRead) => await shared.SeeAsync(UwsgiPacket.Nginx("POST").WithBody("12345"), async context =>
    {
        if (duringRead)
            await context.Request.BodyReader.ReadAsync();

        await context.Request.BodyReader.CompleteAsync();

        await Assert.ThrowsAsync<InvalidOperationException>(async () => await context.Request.BodyReader.ReadAsync());
        Assert.Throws<InvalidOperationException>(() => context.Request.BodyReader.TryRead(out _));
        return true;
    });

    [Fact]
    [Trait("Rule", "75")]
    public async Task Reading_after_the_request_is_an_error()
    {
        var (stream, reader) = await shared.SeeAsync(
            UwsgiPacket.Nginx("POST").WithBody("12345"), context => (context.Request.Body, context.Request.BodyReader));

        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await stream.ReadExactlyAsync(new byte[1]));
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await stream.CopyToAsync(Stream.Null));
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await reader.ReadAsync());
    }

    [Fact]
    [Trait("Item", "37")]
    public async Task Two_reads_at_once_are_an_error_and_the_first_still_gets_its_bytes()
    {
        var pending = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = await GatewayTestServer.StartAsync(async context =>
        {
            var first = context.Request.BodyReader.ReadAsync();
            Assert.False(first.IsCompleted);
            await Assert.ThrowsAsync<InvalidOperationException>(async () => await context.Request.BodyReader.ReadAsync());
            pending.SetResult();
            await context.Response.WriteAsync(Encoding.ASCII.GetString((await first).Buffer));
        });
        var connection = await server.BeginAsync(UwsgiPacket.Nginx("POST").WithBody("12345"));

        await pending.Task.WithTimeoutAsync();
        await connection.Client.SendAsync("12345");

        Assert.Equal("12345", (await connection.Client.ReadResponseAsync()).Text);
    }

    [Theory]
    [Trait("Item", "1")]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_cancelled_read_leaves_the_body_usable(bool useStream)
    {
        var pending = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var cancellation = new CancellationTokenSource();
        await using var server = await GatewayTestServer.StartAsync(async context =>
        {
            Task read = useStream
                ? context.Request.Body.ReadAsync(new byte[10], cancellation.Token).AsTask()
                : context.Request.BodyReader.ReadAsync(cancellation.Token).AsTask();
            pending.SetResult();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => read);
            await context.Response.WriteAsync("cancelled, ");
            await context.Response.WriteAsync(await ReadTextAsync(context));
        });
        var connection = await server.BeginAsync(UwsgiPacket.Nginx("POST").WithBody("12345"));
        await pending.Task.WithTimeoutAsync();

        await cancellation.CancelAsync();
        await connection.Client.ReadThroughAsync("cancelled, ");
        await connection.Client.SendAsync("12345");

        Assert.Equal("12345", Encoding.ASCII.GetString(await connection.Client.ReadToEndAsync()));
    }

    [Theory]
    [Trait("Item", "1")]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_read_with_a_cancelled_token_takes_nothing(bool useStream) => await shared.SeeAsync(UwsgiPacket.Nginx("POST").WithBody("12345"), async context =>
    {
        var cancelled = new CancellationToken(canceled: true);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            if (useStream)
                await context.Request.Body.ReadExactlyAsync(new byte[5], cancelled);
            else
                await context.Request.BodyReader.ReadAsync(cancelled);
        });

        Assert.Equal("12345", await ReadTextAsync(context));
        return true;
    });

    [Fact]
    [Trait("Item", "37")]
    public async Task CancelPendingRead_ends_a_read_and_the_next_one_goes_on()
    {
        var pending = new TaskCompletionSource<PipeReader>(TaskCreationOptions.RunContinuationsAsynchronously);
        var cancelled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = await GatewayTestServer.StartAsync(async context =>
        {
            var reading = context.Request.BodyReader.ReadAsync();
            pending.SetResult(context.Request.BodyReader);
            var read = await reading;
            Assert.True(read is { IsCanceled: true, IsCompleted: false, Buffer.IsEmpty: true });
            context.Request.BodyReader.AdvanceTo(read.Buffer.Start);
            cancelled.SetResult();
            await context.Response.WriteAsync(await ReadTextAsync(context));
        });
        var connection = await server.BeginAsync(UwsgiPacket.Nginx("POST").WithBody("12345"));

        (await pending.Task.WithTimeoutAsync()).CancelPendingRead();
        await cancelled.Task.WithTimeoutAsync();
        await connection.Client.SendAsync("12345");

        Assert.Equal("12345", (await connection.Client.ReadResponseAsync()).Text);
    }

    [Fact]
    [Trait("Item", "37")]
    public async Task CancelPendingRead_without_a_read_cancels_the_next_one_only() => await shared.SeeAsync(UwsgiPacket.Nginx("POST").WithBody("12345"), async context =>
    {
        context.Request.BodyReader.CancelPendingRead();

        var first = await context.Request.BodyReader.ReadAsync();
        Assert.True(first.IsCanceled);
        context.Request.BodyReader.AdvanceTo(first.Buffer.Start);
        var second = await context.Request.BodyReader.ReadAsync();
        Assert.False(second.IsCanceled);
        context.Request.BodyReader.AdvanceTo(second.Buffer.Start);

        Assert.Equal("12345", await ReadTextAsync(context));
        return true;
    });

    [Fact]
    [Trait("Item", "37")]
    public async Task A_zero_byte_read_waits_for_bytes_and_takes_none()
    {
        var pending = new TaskCompletionSource<Task<int>>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = await GatewayTestServer.StartAsync(async context =>
        {
            var read = context.Request.Body.ReadAsync(Memory<byte>.Empty).AsTask();
            pending.SetResult(read);
            Assert.Equal(0, await read);
            await context.Response.WriteAsync(await ReadTextAsync(context));
            Assert.Equal(0, await context.Request.Body.ReadAsync(Memory<byte>.Empty));
        });
        var connection = await server.BeginAsync(UwsgiPacket.Nginx("POST").WithBody("12345"));

        Assert.False((await pending.Task.WithTimeoutAsync()).IsCompleted);
        await connection.Client.SendAsync("12345");

        Assert.Equal("12345", (await connection.Client.ReadResponseAsync()).Text);
    }

    [Fact]
    [Trait("Item", "37")]
    public async Task Stream_and_reader_take_turns() => await shared.SeeAsync(UwsgiPacket.Nginx("POST").WithBody("1234567890"), async context =>
    {
        var buffer = new byte[3];
        Assert.Equal(3, await context.Request.Body.ReadAsync(buffer));
        Assert.Equal("123"u8, buffer);

        var read = await context.Request.BodyReader.ReadAsync();
        Assert.Equal("4567890", Encoding.ASCII.GetString(read.Buffer));
        context.Request.BodyReader.AdvanceTo(read.Buffer.GetPosition(2));

        using var rest = new MemoryStream();
        await context.Request.Body.CopyToAsync(rest);
        Assert.Equal("67890"u8, rest.ToArray());
        return true;
    });

    [Fact]
    [Trait("Item", "37")]
    public async Task Examined_bytes_come_again_when_more_arrive()
    {
        var examined = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = await GatewayTestServer.StartAsync(async context =>
        {
            var reader = context.Request.BodyReader;
            var read = await reader.ReadAsync();
            reader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
            examined.SetResult();
            read = await reader.ReadAsync();
            await context.Response.WriteAsync($"{Encoding.ASCII.GetString(read.Buffer)} {read.IsCompleted}");
        });
        var connection = await server.BeginAsync(UwsgiPacket.Nginx("POST").WithBody("12345"), 2);

        await examined.Task.WithTimeoutAsync();
        await connection.Client.SendAsync("345");

        Assert.Equal("12345 True", (await connection.Client.ReadResponseAsync()).Text);
    }

    [Fact]
    [Trait("Item", "38")]
    public async Task The_stream_reads_and_does_nothing_else() => await shared.SeeAsync(UwsgiPacket.Nginx("POST").WithBody("12345"), async context =>
    {
        var body = context.Request.Body;
        Assert.True(body is { CanRead: true, CanSeek: false, CanWrite: false });
        Assert.Throws<NotSupportedException>(() => body.Length);
        Assert.Throws<NotSupportedException>(() => body.Position);
        Assert.Throws<NotSupportedException>(() => body.Position = 1);
        Assert.Throws<NotSupportedException>(() => body.Seek(0, SeekOrigin.Begin));
        Assert.Throws<NotSupportedException>(() => body.SetLength(1));
        Assert.Throws<NotSupportedException>(() => body.Write([1], 0, 1));
        await Assert.ThrowsAsync<NotSupportedException>(async () => await body.WriteAsync(new byte[1]));
        body.Flush();
        await body.FlushAsync();
        await body.DisposeAsync();
        Assert.Equal("12345", await ReadTextAsync(context));
        return true;
    });

    [Fact]
    [Trait("Item", "36")]
    public async Task Synchronous_reads_are_an_error_unless_the_request_allows_them() => await shared.SeeAsync(UwsgiPacket.Nginx("POST").WithBody("12345"), context =>
    {
        var body = context.Request.Body;
        Assert.Throws<InvalidOperationException>(() => body.Read(new byte[1], 0, 1));
        Assert.Throws<InvalidOperationException>(() => body.ReadByte());
        Assert.Throws<InvalidOperationException>(() => body.CopyTo(Stream.Null));

        context.Features.GetRequiredFeature<IHttpBodyControlFeature>().AllowSynchronousIO = true;

        Assert.Equal('1', body.ReadByte());
        Assert.Equal("2345", new StreamReader(body).ReadToEnd());
        return true;
    });

    [Fact]
    [Trait("Item", "36")]
    public async Task Synchronous_reads_can_be_allowed_for_all_requests()
    {
        await using var server = await GatewayTestServer.StartAsync(
            context => context.Response.WriteAsync(new StreamReader(context.Request.Body).ReadToEnd()),
            options => options.Uwsgi = uwsgi => uwsgi.AllowSynchronousIO = true);

        Assert.Equal("12345", (await server.RequestAsync(UwsgiPacket.Nginx("POST").WithBody("12345"))).Text);
    }

    [Theory]
    [Trait("Item", "50")]
    [InlineData("/json", "{\"name\":\"Ada\"}", "application/json", 200, "Ada")]
    [InlineData("/json", null, null, 200, "nobody")]
    [InlineData("/json", "{\"name\":", "application/json", 400, null)]
    [InlineData("/form", "name=Ada+L%C3%B6v", "application/x-www-form-urlencoded", 200, "Ada L\u00F6v")]
    [InlineData("/form", "--b\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\nAda\r\n--b--\r\n", "multipart/form-data; boundary=b", 200, "Ada")]
    public async Task Minimal_apis_bind_bodies_and_notice_when_there_is_none(string path, string? body, string? contentType, int status, string? text)
    {
        await using var server = await GatewayTestServer.StartAsync(
            app: null,
            options => options.Pipeline = app =>
            {
                app.MapPost("/json", (Person? person) => person?.Name ?? "nobody");
                app.MapPost("/form", async (HttpRequest request) => (await request.ReadFormAsync())["name"].ToString());
            });
        var packet = UwsgiPacket.Nginx("POST", path);
        if (body is not null)
            packet.WithBody(body, contentType);

        var response = await server.RequestAsync(packet);

        Assert.Equal(status, response.StatusCode);
        if (text is not null)
            Assert.Equal(text, response.Text);
    }

    [Fact]
    [Trait("Item", "50")]
    public async Task A_body_is_announced_by_its_length_alone()
    {
        Assert.True(await shared.SeeAsync(
            UwsgiPacket.Nginx("GET").WithBody("12345"), context => context.Features.GetRequiredFeature<IHttpRequestBodyDetectionFeature>().CanHaveBody));
        Assert.False(await shared.SeeAsync(
            UwsgiPacket.Nginx("POST"), context => context.Features.GetRequiredFeature<IHttpRequestBodyDetectionFeature>().CanHaveBody));
    }

    [Fact]
    [Trait("Item", "51")]
    public async Task The_reader_follows_a_replaced_body_and_back() => await shared.SeeAsync(UwsgiPacket.Nginx("POST").WithBody("original"), async context =>
    {
        var original = context.Request.Body;
        var first = context.Request.BodyReader;

        context.Request.Body = new MemoryStream("replaced"u8.ToArray());
        Assert.Equal("replaced", Encoding.ASCII.GetString((await context.Request.BodyReader.ReadAsync()).Buffer));
        Assert.Same(context.Request.BodyReader, context.Request.BodyReader);

        context.Request.Body = new MemoryStream("again"u8.ToArray());
        Assert.Equal("again", Encoding.ASCII.GetString((await context.Request.BodyReader.ReadAsync()).Buffer));

        context.Request.Body = original;
        Assert.Same(original, context.Request.Body);
        Assert.Same(first, context.Request.BodyReader);
        Assert.Equal("original", await ReadTextAsync(context));
        return true;
    });

    [Fact]
    [Trait("Item", "51")]
    public async Task A_buffered_body_can_be_read_twice() => await shared.SeeAsync(UwsgiPacket.Nginx("POST").WithBody("12345"), async context =>
    {
        context.Request.EnableBuffering();
        Assert.Equal("12345", await new StreamReader(context.Request.Body, leaveOpen: true).ReadToEndAsync());
        context.Request.Body.Position = 0;
        Assert.Equal("12345", Encoding.ASCII.GetString((await context.Request.BodyReader.ReadAsync()).Buffer));
        return true;
    });

    [Theory]
    [Trait("Rule", "73")]
    [Trait("Item", "52")]
    [InlineData(true, false)]
    [InlineData(true, true)]
    [InlineData(false, false)]
    public async Task A_body_that_ends_too_early_is_never_taken_for_a_whole_one(bool abortOnHalfClose, bool useStream)
    {
        Exception? error = null;
        var aborted = CancellationToken.None;
        await using var server = await GatewayTestServer.StartAsync(
            async context =>
            {
                aborted = context.RequestAborted;
                try
                {
                    if (useStream)
                        await context.Request.Body.CopyToAsync(Stream.Null);
                    else
                        await ReadTextAsync(context);
                }
                catch (Exception caught)
                {
                    error = caught;
                    throw;
                }
            },
            options => options.Uwsgi = uwsgi => uwsgi.AbortOnHalfClose = abortOnHalfClose);
        var connection = await server.BeginAsync(UwsgiPacket.Nginx("POST").WithBody("12345"), 4);

        connection.Client.CompleteSending();

        await Assert.ThrowsAnyAsync<IOException>(connection.Client.ReadSomeAsync);
        await connection.Disposed.WithTimeoutAsync();
        Assert.Equal(400, Assert.IsType<BadHttpRequestException>(error).StatusCode);
        await aborted.WaitForCancellationAsync();
        server.Logs.AssertNothingAbove(Microsoft.Extensions.Logging.LogLevel.Debug, "Uwsgi.AspNetCore");
    }

    [Theory]
    [Trait("Rule", "73")]
    [Trait("Item", "25")]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_reset_in_the_middle_of_a_body_is_an_io_error_and_an_abort(bool abortOnHalfClose)
    {
        var reading = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Exception? error = null;
        var aborted = CancellationToken.None;
        await using var server = await GatewayTestServer.StartAsync(
            async context =>
            {
                aborted = context.RequestAborted;
                var read = ReadTextAsync(context);
                reading.SetResult();
                try
                {
                    await read;
                }
                catch (Exception caught)
                {
                    error = caught;
                    throw;
                }
            },
            options => options.Uwsgi = uwsgi => uwsgi.AbortOnHalfClose = abortOnHalfClose);

        // The reader goes on right where the reset is seen, before the connection is known to be closed, as sockets may have it too.
        var connection = await server.BeginAsync(UwsgiPacket.Nginx("POST").WithBody("12345"), 4, PipeScheduler.Inline);
        await reading.Task.WithTimeoutAsync();

        connection.Client.Reset();

        await connection.Disposed.WithTimeoutAsync();
        Assert.IsAssignableFrom<IOException>(error);
        await aborted.WaitForCancellationAsync();
        server.Logs.AssertNothingAbove(Microsoft.Extensions.Logging.LogLevel.Debug, "Uwsgi.AspNetCore");
    }

    [Fact]
    [Trait("Item", "48")]
    public async Task A_client_has_to_wait_while_the_application_does_not_read()
    {
        const int Size = 4 * 1024 * 1024;
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var go = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = await GatewayTestServer.StartAsync(async context =>
        {
            started.SetResult();
            await go.Task.WithTimeoutAsync();
            using var body = new MemoryStream();
            await context.Request.Body.CopyToAsync(body);
            await context.Response.WriteAsync(body.Length.ToString(CultureInfo.InvariantCulture));
        });
        var packet = UwsgiPacket.Nginx("POST").WithBody(new byte[Size]);
        var connection = await server.BeginAsync(packet);
        await started.Task.WithTimeoutAsync();

        var sending = connection.Client.SendAsync(packet.Body);
        Assert.False(sending.IsCompleted);
        go.SetResult();

        Assert.Equal($"{Size}", (await connection.Client.ReadResponseAsync()).Text);
        await sending;
    }

    [Fact]
    [Trait("Item", "49")]
    public async Task A_stopping_server_waits_for_a_request_whose_body_is_held_up()
    {
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = await GatewayTestServer.StartAsync(async context =>
        {
            started.SetResult();
            await context.RequestServices.GetRequiredService<Microsoft.Extensions.Hosting.IHostApplicationLifetime>().ApplicationStopping.WaitForCancellationAsync();
            using var body = new MemoryStream();
            await context.Request.Body.CopyToAsync(body);
            await context.Response.WriteAsync(body.Length.ToString(CultureInfo.InvariantCulture));
        });
        var packet = UwsgiPacket.Nginx("POST").WithBody(new byte[2 * 1024 * 1024]);
        var connection = await server.BeginAsync(packet);
        var sending = connection.Client.SendAsync(packet.Body);
        await started.Task.WithTimeoutAsync();

        var stopping = server.App.StopAsync();

        Assert.Equal($"{2 * 1024 * 1024}", (await connection.Client.ReadResponseAsync()).Text);
        await sending;
        await stopping.WithTimeoutAsync();
    }

    private static Task<string> ReadTextAsync(HttpContext context) => new StreamReader(context.Request.Body, Encoding.UTF8).ReadToEndAsync();

    private sealed record Person(string Name);
}
