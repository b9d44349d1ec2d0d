using System.Buffers;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Uwsgi.AspNetCore.FunctionalTests.Infrastructure;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.FunctionalTests.Responses;

public class StartTests
{
    [Theory]
    [InlineData("start")]
    [InlineData("write")]
    [InlineData("empty write")]
    [InlineData("flush")]
    [Trait("Rule", "11")]
    [Trait("Rule", "34")]
    [Trait("Item", "93")]
    public async Task The_response_has_started_as_soon_as_its_headers_are_committed(string trigger)
    {
        var started = (Before: true, After: false);
        await using var server = await GatewayTestServer.StartAsync(async context =>
        {
            started.Before = context.Response.HasStarted;
            await (trigger switch
            {
                "start" => context.Response.StartAsync(),
                "write" => context.Response.WriteAsync("hello"),
                "empty write" => context.Response.Body.WriteAsync(ReadOnlyMemory<byte>.Empty).AsTask(),
                _ => context.Response.BodyWriter.FlushAsync().AsTask(),
            });
            started.After = context.Response.HasStarted;
        });

        await server.RequestAsync(UwsgiPacket.Nginx());

        Assert.Equal((false, true), started);
    }

    [Fact]
    [Trait("Rule", "34")]
    [Trait("Item", "93")]
    public async Task A_write_of_nothing_sends_the_headers()
    {
        var release = Events.New();
        await using var server = await GatewayTestServer.StartAsync(async context =>
        {
            context.Response.Headers["X-App"] = "1";
            await context.Response.Body.WriteAsync(ReadOnlyMemory<byte>.Empty);
            await release.Task;
        });

        var connection = await server.SendAsync(UwsgiPacket.Nginx());
        var head = await connection.Client.ReadHeadAsync();
        release.SetResult();

        Assert.Equal("1", head["X-App"]);
        Assert.Empty(await connection.Client.ReadToEndAsync());
    }

    [Fact]
    [Trait("Rule", "35")]
    [Trait("Item", "94")]
    public async Task What_is_written_arrives_while_the_app_is_still_running()
    {
        var release = Events.New();
        await using var server = await GatewayTestServer.StartAsync(async context =>
        {
            await context.Response.WriteAsync("one ");
            await context.Response.BodyWriter.WriteAsync("two "u8.ToArray());
            await release.Task;
            await context.Response.WriteAsync("three");
        });

        var connection = await server.SendAsync(UwsgiPacket.Nginx());
        await connection.Client.ReadHeadAsync();
        var early = await connection.Client.ReadExactlyAsync(8);
        release.SetResult();
        var late = await connection.Client.ReadToEndAsync();

        Assert.Equal("one two "u8.ToArray(), early);
        Assert.Equal("three"u8.ToArray(), late);
    }

    [Fact]
    [Trait("Rule", "12")]
    [Trait("Item", "99")]
    public async Task Status_and_headers_cannot_change_after_the_start()
    {
        var refused = 0;
        await using var server = await GatewayTestServer.StartAsync(async context =>
        {
            var response = context.Response;
            response.StatusCode = 201;
            response.Headers["X-App"] = "1";
            await response.StartAsync();

            Action[] changes =
            [
                () => response.StatusCode = 404,
                () => context.Features.Get<IHttpResponseFeature>()!.ReasonPhrase = "Nope",
                () => response.Headers["X-App"] = "2",
                () => response.Headers.Add(new("X-Late", "1")),
                () => response.Headers.Append("X-App", "2"),
                () => response.Headers.Remove("X-App"),
                response.Headers.Clear,
                () => response.ContentLength = 5,
                () => response.ContentType = "text/plain",
            ];
            foreach (var change in changes)
            {
                Assert.Throws<InvalidOperationException>(change);
                refused++;
            }

            Assert.True(response.Headers.IsReadOnly);
        });

        var response = await server.RequestAsync(UwsgiPacket.Nginx());

        Assert.Equal(9, refused);
        Assert.Equal("HTTP/1.1 201 Created", response.StatusLine);
        Assert.Equal("1", response["X-App"]);
        Assert.Single(response.Headers);
    }

    [Fact]
    [Trait("Rule", "13")]
    [Trait("Item", "79")]
    public async Task The_next_request_gets_the_same_header_collection_empty_and_writable()
    {
        var seen = new List<(IHeaderDictionary Headers, int Count, bool IsReadOnly, long? Length)>();
        await using var server = await GatewayTestServer.StartAsync(context =>
        {
            var headers = context.Response.Headers;
            seen.Add((headers, headers.Count, headers.IsReadOnly, headers.ContentLength));
            headers[$"X-Request-{seen.Count}"] = "1";
            context.Response.StatusCode = 200 + seen.Count;
            context.Response.ContentLength = 5;
            return context.Response.WriteAsync("hello");
        });

        var first = await server.RequestAsync(UwsgiPacket.Nginx());
        var second = await server.RequestAsync(UwsgiPacket.Nginx());

        Assert.Same(seen[0].Headers, seen[1].Headers);
        Assert.Equal((0, false, null), (seen[1].Count, seen[1].IsReadOnly, seen[1].Length));
        Assert.Equal(["X-Request-1", "Content-Length"], first.Headers.Select(header => header.Key));
        Assert.Equal(["X-Request-2", "Content-Length"], second.Headers.Select(header => header.Key));
        Assert.Equal(202, second.StatusCode);
    }

    [Fact]
    [Trait("Rule", "14")]
    [Trait("Item", "81")]
    public async Task Starting_and_writing_nothing_gives_an_empty_body_without_a_length()
    {
        await using var server = await GatewayTestServer.StartAsync(async context =>
        {
            await context.Response.StartAsync();
            await context.Response.StartAsync();
        });

        var response = await server.RequestAsync(UwsgiPacket.Nginx());

        Assert.Equal(200, response.StatusCode);
        Assert.Empty(response.Headers);
        Assert.Empty(response.Body);
    }

    [Fact]
    [Trait("Rule", "14")]
    public async Task A_start_with_a_cancelled_token_does_not_happen()
    {
        var hasStarted = true;
        await using var server = await GatewayTestServer.StartAsync(async context =>
        {
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => context.Response.StartAsync(new CancellationToken(canceled: true)));
            hasStarted = context.Response.HasStarted;
            context.Response.StatusCode = 202;
        });

        var response = await server.RequestAsync(UwsgiPacket.Nginx());

        Assert.False(hasStarted);
        Assert.Equal(202, response.StatusCode);
    }

    [Fact]
    [Trait("Rule", "27")]
    [Trait("Item", "82")]
    public async Task Starting_with_a_length_and_writing_less_cuts_the_response()
    {
        await using var server = await GatewayTestServer.StartAsync(async context =>
        {
            context.Response.ContentLength = 10;
            await context.Response.StartAsync();
            await context.Response.WriteAsync("hello");
        });
        server.ExpectError("ApplicationError");

        var connection = await server.SendAsync(UwsgiPacket.Nginx());

        await Assert.ThrowsAsync<ConnectionResetException>(connection.Client.ReadToEndAsync);
        Assert.Contains("too few bytes", server.Logs.Find("ApplicationError").Single().Exception!.Message);
    }

    [Fact]
    [Trait("Rule", "51")]
    [Trait("Item", "83")]
    public async Task Failing_after_the_start_cuts_the_response()
    {
        await using var server = await GatewayTestServer.StartAsync(async context =>
        {
            await context.Response.StartAsync();
            throw new InvalidDataException("The app has failed.");
        });
        server.ExpectError("ApplicationError");

        var connection = await server.SendAsync(UwsgiPacket.Nginx());

        await Assert.ThrowsAsync<ConnectionResetException>(connection.Client.ReadToEndAsync);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [Trait("Item", "95")]
    public async Task The_response_is_complete_while_the_request_body_is_still_on_its_way(bool startsEarly)
    {
        await using var server = await GatewayTestServer.StartAsync(
            async context =>
            {
                context.Response.ContentLength = 5;
                if (startsEarly)
                    await context.Response.WriteAsync("hello");
                else
                    context.Response.BodyWriter.Write("hello"u8);
            },
            options => options.Uwsgi = uwsgi => uwsgi.Limits.DrainTimeout = TestTimeouts.Default);

        var connection = await server.ConnectAsync();
        await connection.Client.SendAsync(UwsgiPacket.Nginx("POST").Set("CONTENT_LENGTH", "3").ToHead());
        await connection.Client.ReadHeadAsync();
        var body = await connection.Client.ReadExactlyAsync(5);
        var isOver = connection.Disposed.IsCompleted;
        await connection.Client.SendAsync("abc");
        await connection.Disposed.WithTimeoutAsync();

        Assert.Equal("hello"u8.ToArray(), body);
        Assert.False(isOver);
        Assert.Null(connection.AbortReason);
    }
}
