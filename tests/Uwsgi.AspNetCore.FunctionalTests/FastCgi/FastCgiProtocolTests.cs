using System.Text;
using Microsoft.AspNetCore.Http;
using Uwsgi.AspNetCore.Testing;
using static Uwsgi.AspNetCore.Testing.FastCgiBytes;

namespace Uwsgi.AspNetCore.FunctionalTests.FastCgi;

/// <summary>Aborts, management records, roles, limits, and records that break the rules.</summary>
public class FastCgiProtocolTests
{
    public static TheoryData<string, byte[]> Malformed => new()
    {
        { "version 0", Record(BeginType, 1, new byte[8], version: 0) },
        { "version 2", Record(BeginType, 1, new byte[8], version: 2) },
        { "HTTP", "GET / HTTP/1.1\r\n\r\n"u8.ToArray() },
        { "BEGIN_REQUEST with id 0", Begin(0) },
        { "PARAMS with id 0", End(ParamsType, 0) },
        { "STDIN with id 0", End(StdinType, 0) },
        { "GET_VALUES with an id", Record(GetValuesType, 1) },
        { "short BEGIN_REQUEST", Record(BeginType, 1, [0, 1, 0]) },
        { "long BEGIN_REQUEST", Record(BeginType, 1, [0, 1, 0, 0, 0, 0, 0, 0, 0]) },
        { "second BEGIN_REQUEST", [.. Begin(1), .. Begin(1)] },
        { "second BEGIN_REQUEST of a running request", [.. Head(1, UwsgiPacket.Nginx("POST").Set("CONTENT_LENGTH", "5")), .. Begin(1)] },
        { "STDIN before the end of PARAMS", [.. Begin(1), .. Record(StdinType, 1, "x"u8)] },
        { "PARAMS behind their end", [.. Head(1, UwsgiPacket.Nginx("POST").Set("CONTENT_LENGTH", "5")), .. Record(ParamsType, 1, "x"u8)] },
        { "truncated GET_VALUES", Record(GetValuesType, 0, [5, 0, 65]) },
    };

    [Theory]
    [Trait("GatewayRule", "5")]
    [Trait("Attack", "version mismatch")]
    [Trait("Attack", "early STDIN")]
    [MemberData(nameof(Malformed))]
    public async Task Records_that_break_the_rules_end_the_connection(string name, byte[] bytes)
    {
        Assert.NotEmpty(name);
        await using var server = await FastCgiTestServer.StartAsync(FastCgiTestServer.EchoAsync);
        var client = await server.OpenAsync(bytes);

        await client.Connection.Disposed.WithTimeoutAsync();

        Assert.NotNull(client.Connection.AbortReason);
        Assert.Equal(1, server.Metrics.Sum("uwsgi.server.rejections"));
    }

    [Theory]
    [InlineData("0141")]
    [InlineData("7F7F41")]
    [InlineData("FFFFFFFFFFFFFFFF41")]
    [InlineData("0000")]
    public async Task Malformed_params_are_answered_400_and_the_connection_is_closed(string hex)
    {
        await using var server = await FastCgiTestServer.StartAsync(_ => throw new InvalidOperationException("Never reached."));
        var client = await server.OpenAsync(
            Begin(1), Record(ParamsType, 1, Convert.FromHexString(hex)), End(ParamsType, 1), End(StdinType, 1));

        Assert.Equal(400, (await client.ReadAnswerAsync(1)).Response.StatusCode);
        await client.AssertClosedAsync();
    }

    [Fact]
    public async Task A_request_without_params_is_answered_400()
    {
        await using var server = await FastCgiTestServer.StartAsync(_ => throw new InvalidOperationException("Never reached."));
        var client = await server.OpenAsync(Begin(1), End(ParamsType, 1), End(StdinType, 1));

        Assert.Equal(400, (await client.ReadAnswerAsync(1)).Response.StatusCode);
    }

    [Theory]
    [InlineData("+5")]
    [InlineData("5, 5")]
    [InlineData("99999999999999999999")]
    [InlineData("0x10")]
    public async Task A_length_that_is_no_number_is_answered_400(string length)
    {
        await using var server = await FastCgiTestServer.StartAsync(_ => throw new InvalidOperationException("Never reached."));
        var client = await server.OpenAsync(Request(1, UwsgiPacket.Nginx("POST").Set("CONTENT_LENGTH", length)));

        Assert.Equal(400, (await client.ReadAnswerAsync(1)).Response.StatusCode);
    }

    [Fact]
    [Trait("GatewayRule", "3")]
    [Trait("Attack", "unknown ids")]
    public async Task Records_for_requests_that_are_not_active_are_ignored()
    {
        await using var server = await FastCgiTestServer.StartAsync(FastCgiTestServer.EchoAsync);
        var client = await server.OpenAsync(
            Abort(9), Record(ParamsType, 9, "junk"u8), End(ParamsType, 9), Record(StdinType, 9, new byte[70], padding: 9), End(StdinType, 9), Record(8, 9, "data"u8));
        await client.SendAsync(Request(1, UwsgiPacket.Nginx()));
        Assert.Equal("/ ", (await client.ReadAnswerAsync(1)).Response.Text);

        // Finished, then all of it again.
        await client.SendAsync(Abort(1), Record(ParamsType, 1, "junk"u8), Record(StdinType, 1, "junk"u8), End(StdinType, 1), Request(1, UwsgiPacket.Nginx(target: "/b")));
        Assert.Equal("/b ", (await client.ReadAnswerAsync(1)).Response.Text);
    }

    [Theory]
    [Trait("GatewayRule", "4")]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Management_records_are_answered(bool byteByByte)
    {
        await using var server = await FastCgiTestServer.StartAsync(FastCgiTestServer.EchoAsync);
        var client = await server.OpenAsync();
        byte[] bytes =
        [
            .. Record(GetValuesType, 0, [15, 0, .. "FCGI_MPXS_CONNS"u8], padding: 3),
            .. Record(99, 0, "eightbit"u8, padding: 1),
            .. Record(UnknownTypeType, 0, new byte[8]),
            .. Record(200, 0),
        ];
        if (byteByByte)
            await client.Connection.Client.SendByteByByteAsync(bytes);
        else
            await client.SendAsync(bytes);

        var values = await client.ReadRecordAsync();
        Assert.Equal(GetValuesResultType, values.Type);
        Assert.EndsWith("FCGI_MPXS_CONNS1", Encoding.ASCII.GetString(values.Content));
        var first = await client.ReadRecordAsync();
        Assert.Equal((UnknownTypeType, 99), (first.Type, first.Content[0]));
        var second = await client.ReadRecordAsync();
        Assert.Equal((UnknownTypeType, 200), (second.Type, second.Content[0]));
        await client.SendAsync(Request(1, UwsgiPacket.Nginx()));
        Assert.Equal("/ ", (await client.ReadAnswerAsync(1)).Response.Text);
    }

    [Theory]
    [Trait("GatewayRule", "6")]
    [InlineData(0, true)]
    [InlineData(3, true)]
    [InlineData(3, false)]
    [InlineData(65_535, false)]
    public async Task An_unknown_role_is_refused(ushort role, bool keep)
    {
        await using var server = await FastCgiTestServer.StartAsync(FastCgiTestServer.EchoAsync);
        var client = await server.OpenAsync(Request(1, UwsgiPacket.Nginx("POST").WithBody("body"), keep, role));

        Assert.Equal(UnknownRole, (await client.ReadAnswerAsync(1)).ProtocolStatus);
        if (!keep)
        {
            await client.AssertClosedAsync();
            return;
        }

        await client.SendAsync(Request(1, UwsgiPacket.Nginx()));
        Assert.Equal("/ ", (await client.ReadAnswerAsync(1)).Response.Text);
    }

    [Theory]
    [Trait("GatewayRule", "3")]
    [InlineData(0, true)]
    [InlineData(0, false)]
    [InlineData(1, true)]
    [InlineData(2, true)]
    public async Task An_abort_before_the_application_runs_is_answered_at_once(int records, bool keep)
    {
        await using var server = await FastCgiTestServer.StartAsync(FastCgiTestServer.EchoAsync);
        byte[][] head = [Begin(1, keep), Record(ParamsType, 1, [1, 1, 65, 66]), Record(ParamsType, 1, [9])];
        var client = await server.OpenAsync([.. head[..(records + 1)], Abort(1)]);

        var answer = await client.ReadAnswerAsync(1);

        Assert.Equal((Complete, 0), (answer.ProtocolStatus, answer.Stdout.Length));
        if (!keep)
        {
            await client.AssertClosedAsync();
            return;
        }

        await client.SendAsync(Request(1, UwsgiPacket.Nginx()));
        Assert.Equal("/ ", (await client.ReadAnswerAsync(1)).Response.Text);
    }

    [Theory]
    [Trait("GatewayRule", "3")]
    [Trait("GatewayRule", "55")]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public async Task An_abort_cancels_the_running_request(bool stdinEnded, bool started)
    {
        var running = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var aborted = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = await FastCgiTestServer.StartAsync(async context =>
        {
            if (context.Request.Path == "/next")
            {
                await context.Response.WriteAsync("next");
                return;
            }

            if (started)
            {
                await context.Response.WriteAsync("half");
                await context.Response.Body.FlushAsync();
            }

            running.SetResult();
            await context.RequestAborted.WaitForCancellationAsync();
            await context.Response.WriteAsync("too late");
            aborted.SetResult();
        });
        var client = await server.OpenAsync(Head(1, UwsgiPacket.Nginx("POST").Set("CONTENT_LENGTH", "5")), stdinEnded ? Stream(StdinType, 1, "12345"u8.ToArray()) : []);
        if (stdinEnded)
            await client.SendAsync(End(StdinType, 1));
        await running.Task.WithTimeoutAsync();

        await client.SendAsync(Abort(1));

        Assert.Equal(Complete, (await client.ReadAnswerAsync(1)).ProtocolStatus);
        await aborted.Task.WithTimeoutAsync();
        await client.SendAsync(Request(1, UwsgiPacket.Nginx(target: "/next")));
        Assert.Equal("next", (await client.ReadAnswerAsync(1)).Response.Text);
    }

    [Fact]
    public async Task An_abort_ends_the_reading_of_a_body()
    {
        var seen = new TaskCompletionSource<Exception?>(TaskCreationOptions.RunContinuationsAsynchronously);
        var running = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = await FastCgiTestServer.StartAsync(async context =>
        {
            running.SetResult();
            seen.TrySetResult(await Xunit.Record.ExceptionAsync(() => context.Request.Body.CopyToAsync(System.IO.Stream.Null)));
        });
        var client = await server.OpenAsync(Head(1, UwsgiPacket.Nginx("POST").Set("CONTENT_LENGTH", "5")), Record(StdinType, 1, "12"u8));
        await running.Task.WithTimeoutAsync();
        await client.SendAsync(Abort(1));

        Assert.IsAssignableFrom<IOException>(await seen.Task.WithTimeoutAsync());
        await client.ReadAnswerAsync(1);
    }

    [Fact]
    public async Task Aborting_one_of_two_leaves_the_other_alone()
    {
        await using var server = await FastCgiTestServer.StartAsync(FastCgiTestServer.EchoAsync);
        var client = await server.OpenAsync(
            Head(1, UwsgiPacket.Nginx("POST", "/a").Set("CONTENT_LENGTH", "4")), Head(3, UwsgiPacket.Nginx("POST", "/b").Set("CONTENT_LENGTH", "4")));
        await client.SendAsync(Record(StdinType, 1, "12"u8), Record(StdinType, 3, "34"u8), Abort(1), Record(StdinType, 1, "xx"u8), Record(StdinType, 3, "56"u8), End(StdinType, 3));

        Assert.Empty((await client.ReadAnswerAsync(1)).Stdout);
        Assert.Equal("/b 3456", (await client.ReadAnswerAsync(3)).Response.Text);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Params_larger_than_the_limit_are_answered_431(bool keep)
    {
        await using var server = await FastCgiTestServer.StartAsync(FastCgiTestServer.EchoAsync);
        var client = await server.OpenAsync();
        await client.SendAsync(Begin(1, keep), Stream(ParamsType, 1, new byte[200_000], size: 8000), End(ParamsType, 1), End(StdinType, 1));

        Assert.Equal(431, (await client.ReadAnswerAsync(1)).Response.StatusCode);
        if (!keep)
        {
            await client.AssertClosedAsync();
            return;
        }

        await client.SendAsync(Request(1, UwsgiPacket.Nginx()));
        Assert.Equal("/ ", (await client.ReadAnswerAsync(1)).Response.Text);
    }

    [Fact]
    public async Task Many_tiny_params_are_answered_431()
    {
        await using var server = await FastCgiTestServer.StartAsync(FastCgiTestServer.EchoAsync);
        var packet = UwsgiPacket.Nginx();
        for (var i = 0; i < 2000; i++)
            packet.Add($"HTTP_X{i}", "");
        var client = await server.OpenAsync(Request(1, packet));

        Assert.Equal(431, (await client.ReadAnswerAsync(1)).Response.StatusCode);
    }

    [Fact]
    [Trait("GatewayRule", "63")]
    [Trait("Attack", "request floods")]
    public async Task A_flood_of_requests_that_never_come_is_answered_overloaded()
    {
        await using var server = await FastCgiTestServer.StartAsync(FastCgiTestServer.EchoAsync, options => options.Limits.MaxHalfOpenRequests = 8);
        var client = await server.OpenAsync([.. Enumerable.Range(1, 500).Select(id => Begin((ushort)id))]);

        for (ushort id = 9; id <= 500; id++)
            Assert.Equal(Overloaded, (await client.ReadAnswerAsync(id)).ProtocolStatus);

        // Those that were taken can still be completed.
        await client.SendAsync(Stream(ParamsType, 5, Pairs(UwsgiPacket.Nginx())), End(ParamsType, 5), End(StdinType, 5));
        Assert.Equal("/ ", (await client.ReadAnswerAsync(5)).Response.Text);
    }

    [Fact]
    [Trait("GatewayRule", "63")]
    [Trait("Attack", "request floods")]
    public async Task More_running_requests_than_the_limit_are_answered_overloaded()
    {
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = await FastCgiTestServer.StartAsync(_ => release.Task, options => options.Limits.MaxRequestsPerConnection = 4);
        var client = await server.OpenAsync([.. Enumerable.Range(1, 6).Select(id => Request((ushort)id, UwsgiPacket.Nginx()))]);
        Assert.Equal(Overloaded, (await client.ReadAnswerAsync(5)).ProtocolStatus);
        Assert.Equal(Overloaded, (await client.ReadAnswerAsync(6)).ProtocolStatus);

        release.SetResult();

        for (ushort id = 1; id <= 4; id++)
            Assert.Equal(200, (await client.ReadAnswerAsync(id)).Response.StatusCode);
    }

    [Fact]
    [Trait("GatewayRule", "63")]
    [Trait("Attack", "request floods")]
    public async Task Aborted_requests_count_as_long_as_they_run()
    {
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var entered = new SemaphoreSlim(0);
        await using var server = await FastCgiTestServer.StartAsync(
            _ =>
            {
                entered.Release();
                return release.Task;
            },
            options => options.Limits.MaxRequestsPerConnection = 2);
        var client = await server.OpenAsync();
        for (ushort id = 1; id <= 2; id++)
        {
            await client.SendAsync(Request(id, UwsgiPacket.Nginx()));
            await entered.WaitAsync(TestTimeouts.Default);
            await client.SendAsync(Abort(id));
            Assert.Equal(Complete, (await client.ReadAnswerAsync(id)).ProtocolStatus);
        }

        await client.SendAsync(Begin(3));

        Assert.Equal(Overloaded, (await client.ReadAnswerAsync(3)).ProtocolStatus);
        release.SetResult();
    }

    [Fact]
    public async Task Without_multiplexing_a_second_request_is_refused()
    {
        await using var server = await FastCgiTestServer.StartAsync(FastCgiTestServer.EchoAsync, options => options.MultiplexFastCgi = false);
        var client = await server.OpenAsync(Head(1, UwsgiPacket.Nginx("POST").Set("CONTENT_LENGTH", "1")), Begin(2));
        Assert.Equal(CantMultiplex, (await client.ReadAnswerAsync(2)).ProtocolStatus);

        await client.SendAsync(Record(StdinType, 1, "x"u8), End(StdinType, 1));

        Assert.Equal("/ x", (await client.ReadAnswerAsync(1)).Response.Text);
    }

    [Fact]
    public async Task A_large_answer_does_not_hold_up_a_small_one()
    {
        var large = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = await FastCgiTestServer.StartAsync(async context =>
        {
            if (context.Request.Path == "/small")
            {
                context.Response.ContentLength = 5;
                var write = context.Response.WriteAsync("small");
                asked.SetResult();
                await write;
                return;
            }

            await context.Response.Body.WriteAsync(new byte[10_000_000]);
            large.SetResult();
        });
        var client = await server.OpenAsync(Request(2, UwsgiPacket.Nginx()));
        await client.ReadRecordAsync();
        await client.SendAsync(Request(3, UwsgiPacket.Nginx(target: "/small")));

        // The large one goes on while it is read, so nothing is before the small one has asked for its turn.
        await asked.Task.WithTimeoutAsync();
        Assert.Equal("small", (await client.ReadAnswerAsync(3)).Response.Text);

        Assert.False(large.Task.IsCompleted);
        Assert.Equal(Complete, (await client.ReadAnswerAsync(2)).ProtocolStatus);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_lost_connection_cancels_every_request(bool reset)
    {
        var running = new CountdownEvent(2);
        var aborted = new CountdownEvent(2);
        var both = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = await FastCgiTestServer.StartAsync(async context =>
        {
            if (running.Signal())
                both.SetResult();
            await context.RequestAborted.WaitForCancellationAsync();
            if (aborted.Signal())
                done.SetResult();
        });
        var client = await server.OpenAsync(Begin(7), Request(1, UwsgiPacket.Nginx()), Head(2, UwsgiPacket.Nginx("POST").Set("CONTENT_LENGTH", "9")));
        await both.Task.WithTimeoutAsync();

        if (reset)
            client.Connection.Client.Reset();
        else
            client.Connection.Client.Close();

        await done.Task.WithTimeoutAsync();
        await client.Connection.Disposed.WithTimeoutAsync();
    }

    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(false, false)]
    public async Task A_connection_that_is_lost_for_good_cancels_its_requests(bool abortOnHalfClose, bool reset)
    {
        var running = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var aborted = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = await FastCgiTestServer.StartAsync(
            async context =>
            {
                running.SetResult();
                using var registration = context.RequestAborted.Register(aborted.SetResult);
                await aborted.Task.WithTimeoutAsync();
            },
            options => options.AbortOnHalfClose = abortOnHalfClose);
        var client = await server.OpenAsync(Request(2, UwsgiPacket.Nginx()));
        await running.Task.WithTimeoutAsync();

        if (reset)
            client.Connection.Client.Reset();
        else
            await client.SendAsync(Record(BeginType, 3, new byte[8], version: 2));

        // Not a half-close: nothing can be answered any more.
        await aborted.Task.WithTimeoutAsync();
        await client.Connection.Disposed.WithTimeoutAsync();
    }

    [Fact]
    public async Task Padding_that_comes_later_does_not_repeat_its_record()
    {
        await using var server = await FastCgiTestServer.StartAsync(FastCgiTestServer.EchoAsync);
        var client = await server.OpenAsync();
        await SendInTwoReadsAsync(Record(GetValuesType, 0, [15, 0, .. "FCGI_MPXS_CONNS"u8], padding: 5), GetValuesResultType);
        await SendInTwoReadsAsync(Record(BeginType, 1, [0, 1, 1, 0, 0, 0, 0, 0], padding: 5));
        foreach (var record in new[] { Record(ParamsType, 1, Pairs(UwsgiPacket.Nginx("POST").WithBody("body")), padding: 5), Record(ParamsType, 1, [], padding: 5) })
            await SendInTwoReadsAsync(record);
        await SendInTwoReadsAsync(Record(StdinType, 1, "body"u8, padding: 5));
        await client.SendAsync(Record(StdinType, 1, [], padding: 5));

        Assert.Equal("/ body", (await client.ReadAnswerAsync(1)).Response.Text);

        // The answer to the unknown type tells that everything up to it, and the cut record behind it, was read.
        async Task SendInTwoReadsAsync(byte[] record, params byte[] answers)
        {
            await client.SendAsync(Record(99, 0), record[..^3]);
            foreach (var type in (byte[])[UnknownTypeType, .. answers])
                Assert.Equal(type, (await client.ReadRecordAsync()).Type);
            await client.SendAsync(record[^3..]);
        }
    }
}
