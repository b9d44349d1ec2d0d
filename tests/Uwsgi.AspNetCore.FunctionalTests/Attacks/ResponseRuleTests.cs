using System.Text;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Uwsgi.AspNetCore.FunctionalTests.Responses;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.FunctionalTests.Attacks;

/// <summary>What web servers can take back, and nothing else: no application can make the server send more.</summary>
public class ResponseRuleTests(ProtocolServers servers) : IClassFixture<ProtocolServers>
{
    [Theory]
    [Trait("GatewayRule", "41")]
    [OnEachProtocol(302, "Found")]
    [OnEachProtocol(299, "")]
    public async Task The_status_is_where_the_protocol_has_it(GatewayProtocol protocol, int status, string reason)
    {
        var response = await servers.RespondAsync(protocol, context =>
        {
            context.Response.StatusCode = status;
            context.Response.Headers.Location = "/elsewhere";
            context.Response.Headers["Status"] = "200 OK";
            return Task.CompletedTask;
        });

        if (protocol == GatewayProtocol.Uwsgi)
        {
            Assert.Equal($"HTTP/1.1 {status} {reason}", response.StatusLine);
            Assert.Empty(response.All("Status"));
        }
        else
        {
            Assert.Equal("Status:", response.Version);
            Assert.Equal(new("Status", $"{status} {reason}".TrimEnd()), response.Headers[^1]);
            Assert.Single(response.All("Status"));
        }
    }

    [Theory]
    [Trait("GatewayRule", "42")]
    [OnEachProtocol]
    public async Task A_head_arrives_in_one_piece(GatewayProtocol protocol)
    {
        await using var server = await AttackServer.StartAsync(protocol, async context =>
        {
            for (var i = 0; i < 40; i++)
                context.Response.Headers[$"X-Header-{i}"] = new string('x', 70);
            await context.Response.WriteAsync("hello");
        });
        var peer = await server.OpenAsync(GatewayWire.Request(protocol, GatewayWire.Packet(protocol)));

        var first = Encoding.Latin1.GetString(await peer.Client.ReadSomeAsync());

        Assert.Contains("\r\n\r\nhello", first);
        await peer.Client.ReadToEndAsync();
        await peer.Connection.Disposed.WithTimeoutAsync();
    }

    [Theory]
    [Trait("GatewayRule", "43")]
    [OnEachProtocol(100)]
    [OnEachProtocol(101)]
    [OnEachProtocol(103)]
    [OnEachProtocol(199)]
    public async Task An_interim_status_is_never_sent(GatewayProtocol protocol, int status)
    {
        servers.ExpectError(protocol, "ApplicationError");

        var response = await servers.RespondAsync(protocol, context =>
        {
            context.Response.StatusCode = status;
            return Task.CompletedTask;
        });

        Assert.Equal(500, response.StatusCode);
    }

    [Theory]
    [Trait("GatewayRule", "43")]
    [OnEachProtocol]
    public async Task An_expectation_is_not_answered(GatewayProtocol protocol)
    {
        var packet = GatewayWire.Packet(protocol, "POST").WithBody("abc").Add("HTTP_EXPECT", "100-continue");

        var response = await servers.RespondAsync(protocol, context => context.Request.Body.CopyToAsync(Stream.Null), packet);

        Assert.Equal((200, 0), (response.StatusCode, response.Body.Length));
    }

    [Theory]
    [Trait("GatewayRule", "44")]
    [OnEachProtocol("Transfer-Encoding", "chunked")]
    [OnEachProtocol("Connection", "close")]
    [OnEachProtocol("Keep-Alive", "timeout=5")]
    [OnEachProtocol("Upgrade", "h2c")]
    [OnEachProtocol("Trailer", "X-Sum")]
    [OnEachProtocol("proxy-connection", "keep-alive")]
    public async Task Headers_of_the_connection_are_dropped(GatewayProtocol protocol, string name, string value)
    {
        var response = await servers.RespondAsync(protocol, async context =>
        {
            context.Response.Headers[name] = value;
            await context.Response.WriteAsync("hello");
        });

        Assert.Empty(response.All(name));
        Assert.Equal("hello", response.Text);
    }

    [Theory]
    [Trait("GatewayRule", "45")]
    [OnEachProtocol]
    public async Task More_than_the_announced_length_is_never_sent(GatewayProtocol protocol)
    {
        var isRead = Events.New();
        await using var server = await AttackServer.StartAsync(protocol, async context =>
        {
            context.Response.ContentLength = 5;
            await context.Response.WriteAsync("hello");
            await isRead.Task.WithTimeoutAsync();
            await context.Response.WriteAsync("smuggled");
        });
        server.Host.ExpectError("ApplicationError");
        var peer = await server.OpenAsync(GatewayWire.Request(protocol, GatewayWire.Packet(protocol)));
        await peer.Client.ReadThroughAsync("Content-Length: 5\r\n");
        await peer.Client.ReadThroughAsync("hello");
        isRead.SetResult();

        // Cut, or on FastCGI ended where it was complete.
        var rest = "";
        var error = await Record.ExceptionAsync(async () => rest = Encoding.Latin1.GetString(await peer.Client.ReadToEndAsync()));

        Assert.True(error is null or ConnectionResetException, $"{error}");
        Assert.DoesNotContain("smuggled", rest);
        await peer.Connection.Disposed.WithTimeoutAsync();
    }

    [Theory]
    [Trait("GatewayRule", "45")]
    [Trait("GatewayRule", "51")]
    [OnEachProtocol("too few")]
    [OnEachProtocol("throws")]
    [OnEachProtocol("throws without a length")]
    public async Task A_response_that_breaks_off_is_cut_and_not_completed(GatewayProtocol protocol, string how)
    {
        await using var server = await AttackServer.StartAsync(protocol, async context =>
        {
            if (how != "throws without a length")
                context.Response.ContentLength = 10;
            await context.Response.WriteAsync("half");
            await context.Response.Body.FlushAsync();
            if (how != "too few")
                throw new InvalidOperationException("Boom.");
        });
        server.Host.ExpectError("ApplicationError");
        var peer = await server.OpenAsync(GatewayWire.Request(protocol, GatewayWire.Packet(protocol), keep: true));

        if (protocol == GatewayProtocol.FastCgi)
        {
            // In line with what was sent already, so that no web server repeats the request.
            var client = new FastCgiClient(peer.Connection);
            await Assert.ThrowsAsync<ConnectionResetException>(() => client.ReadAnswerAsync(1));
            Assert.True(client.IsBrokenOff);
            return;
        }

        await Assert.ThrowsAsync<ConnectionResetException>(() => peer.Client.ReadToEndAsync());
        await peer.AssertCutAsync();
    }

    [Theory]
    [Trait("GatewayRule", "45")]
    [OnEachProtocol]
    public async Task A_length_is_announced_once(GatewayProtocol protocol)
    {
        var response = await servers.RespondAsync(protocol, async context =>
        {
            context.Response.ContentLength = 5;
            context.Response.Headers["content-length"] = "5";
            await context.Response.WriteAsync("hello");
        });

        Assert.Equal("5", Assert.Single(response.All("Content-Length")));
        Assert.Equal("hello", response.Text);
    }

    [Theory]
    [Trait("GatewayRule", "46")]
    [OnEachProtocol("HEAD", 200, 0)]
    [OnEachProtocol("HEAD", 200, 5)]
    [OnEachProtocol("HEAD", 404, 5)]
    [OnEachProtocol("GET", 204, 0)]
    [OnEachProtocol("GET", 304, 0)]
    public async Task There_is_no_body_where_none_may_be(GatewayProtocol protocol, string method, int status, int length)
    {
        var response = await servers.RespondAsync(
            protocol,
            async context =>
            {
                context.Response.StatusCode = status;
                if (length > 0)
                    await context.Response.WriteAsync("hello");
            },
            GatewayWire.Packet(protocol, method));

        Assert.Equal(status, response.StatusCode);
        Assert.Empty(response.Body);
    }

    [Theory]
    [Trait("GatewayRule", "47")]
    [Trait("Attack", "response splitting")]
    [OnEachProtocol("X-Value", "a\r\nInjected: yes")]
    [OnEachProtocol("X-Value", "a\nInjected: yes")]
    [OnEachProtocol("X-Value", "a\rInjected: yes")]
    [OnEachProtocol("X-Value", "a\0b")]
    [OnEachProtocol("Location", "/\r\n\r\n<script>")]
    [OnEachProtocol("Set-Cookie", "a=b\r\nInjected: yes")]
    [OnEachProtocol("Content-Type", "text/html\r\nInjected: yes")]
    [OnEachProtocol("X\r\nInjected", "yes")]
    [OnEachProtocol("X: y\r\nInjected", "yes")]
    [OnEachProtocol("X Y", "z")]
    [OnEachProtocol("", "z")]
    public async Task A_header_that_would_split_the_response_is_refused_when_it_is_set(GatewayProtocol protocol, string name, string value)
    {
        Exception? error = null;
        var response = await servers.RespondAsync(protocol, context =>
        {
            error = Record.Exception(() => context.Response.Headers[name] = value);
            return Task.CompletedTask;
        });

        Assert.True(error is InvalidOperationException or ArgumentException, $"{error}");
        Assert.DoesNotContain("Injected", response.ToString());
        Assert.DoesNotContain("script", response.ToString());
    }

    [Theory]
    [Trait("GatewayRule", "47")]
    [Trait("Attack", "response splitting")]
    [OnEachProtocol("X-Value", "a\r\nInjected: yes")]
    [OnEachProtocol("X\r\nInjected", "yes")]
    public async Task A_foreign_header_collection_is_checked_as_well(GatewayProtocol protocol, string name, string value)
    {
        servers.ExpectError(protocol, "ApplicationError");

        var response = await servers.RespondAsync(protocol, context =>
        {
            context.Features.GetRequiredFeature<IHttpResponseFeature>().Headers = new HeaderDictionary { [name] = value };
            return Task.CompletedTask;
        });

        Assert.Equal(500, response.StatusCode);
        Assert.DoesNotContain("Injected", response.HeadText);
    }

    [Theory]
    [Trait("GatewayRule", "47")]
    [Trait("Attack", "response splitting")]
    [OnEachProtocol("OK\r\nInjected: yes")]
    [OnEachProtocol("OK\n")]
    [OnEachProtocol("caf\u00E9")]
    public async Task A_reason_phrase_that_would_split_the_response_is_refused(GatewayProtocol protocol, string reason)
    {
        Exception? error = null;
        var response = await servers.RespondAsync(protocol, context =>
        {
            error = Record.Exception(() => context.Features.GetRequiredFeature<IHttpResponseFeature>().ReasonPhrase = reason);
            return Task.CompletedTask;
        });

        Assert.IsType<InvalidOperationException>(error);
        Assert.Equal((200, "OK"), (response.StatusCode, response.ReasonPhrase));
    }

    [Theory]
    [Trait("GatewayRule", "48")]
    [OnEachProtocol(false, 200)]
    [OnEachProtocol(true, 500)]
    public async Task There_is_always_a_response(GatewayProtocol protocol, bool fails, int status)
    {
        if (fails)
            servers.ExpectError(protocol, "ApplicationError");

        var response = await servers.RespondAsync(protocol, async context =>
        {
            context.Response.Headers["X-Secret"] = "kept";
            if (fails)
                throw await Task.FromResult(new InvalidOperationException("Boom."));
        });

        Assert.Equal((status, "0"), (response.StatusCode, response["Content-Length"]));
        Assert.Equal(fails, response["X-Secret"] is null);
        Assert.DoesNotContain("Boom", response.ToString());
    }

    [Theory]
    [Trait("GatewayRule", "49")]
    [Trait("Attack", "unread body")]
    [OnEachProtocol]
    public async Task A_response_is_sent_before_an_unread_body_which_is_read_before_the_end(GatewayProtocol protocol)
    {
        var time = new ManualTimeProvider();
        await using var server = await AttackServer.StartAsync(
            protocol,
            context =>
            {
                context.Response.ContentLength = 5;
                return context.Response.WriteAsync("early");
            },
            time: time);
        var packet = GatewayWire.Packet(protocol, "POST").Set("CONTENT_LENGTH", "500000");
        var peer = await server.OpenAsync(GatewayWire.Head(protocol, packet));

        Assert.Equal("early", (await peer.ReadResponseAsync()).Text);
        await peer.SendAsync(GatewayWire.Body(protocol, new byte[499_999]));
        Assert.False(peer.Connection.Disposed.IsCompleted);
        await peer.SendAsync(GatewayWire.Body(protocol, "x"), GatewayWire.End(protocol));

        await peer.AssertEndAsync();
    }

    [Theory]
    [Trait("GatewayRule", "50")]
    [OnEachProtocol]
    public async Task Parts_of_a_stream_are_sent_one_by_one(GatewayProtocol protocol)
    {
        var next = new SemaphoreSlim(0);
        await using var server = await AttackServer.StartAsync(protocol, async context =>
        {
            context.Features.GetRequiredFeature<IHttpResponseBodyFeature>().DisableBuffering();
            foreach (var part in new[] { "data: one\n\n", "data: two\n\n" })
            {
                await context.Response.WriteAsync(part);
                await context.Response.Body.FlushAsync();
                await next.WaitAsync(TestTimeouts.Default);
            }
        });
        var peer = await server.OpenAsync(GatewayWire.Request(protocol, GatewayWire.Packet(protocol)));

        await peer.Client.ReadThroughAsync("X-Accel-Buffering: no\r\n");
        await peer.Client.ReadThroughAsync("data: one\n\n");
        next.Release();
        await peer.Client.ReadThroughAsync("data: two\n\n");
        next.Release();

        await peer.Client.ReadToEndAsync();
        await peer.Connection.Disposed.WithTimeoutAsync();
    }

    [Fact]
    [Trait("GatewayRule", "52")]
    public async Task A_large_response_is_packed_into_few_records()
    {
        await using var server = await AttackServer.StartAsync(
            GatewayProtocol.FastCgi, context => context.Response.Body.WriteAsync(new byte[1_000_000]).AsTask());
        var peer = await server.OpenAsync(GatewayWire.Request(GatewayProtocol.FastCgi, GatewayWire.Packet(GatewayProtocol.FastCgi)));

        var records = FastCgiAnswerRecord.ParseAll(await peer.Client.ReadToEndAsync());

        var stdout = records.Where(record => record is { Type: FastCgiBytes.StdoutType, Content.Length: > 0 }).ToList();
        Assert.InRange(stdout.Count, 1_000_000 / 65_535, 40);
        Assert.True(stdout.Sum(record => record.Content.Length) > 1_000_000);
        Assert.Equal(FastCgiBytes.EndType, records[^1].Type);
        await peer.Connection.Disposed.WithTimeoutAsync();
    }
}
