using System.Globalization;
using System.IO.Compression;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Uwsgi.AspNetCore.FunctionalTests.Infrastructure;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.FunctionalTests.Responses;

/// <summary>The framework's middleware that leans on the server's response features.</summary>
public class MiddlewareTests
{
    [Fact]
    [Trait("Item", "107")]
    public async Task Responses_are_compressed()
    {
        var text = string.Concat(Enumerable.Repeat("All work and no play. ", 5000));
        await using var server = await GatewayTestServer.StartAsync(
            context =>
            {
                context.Response.ContentType = "text/plain";
                return context.Response.WriteAsync(text);
            },
            options =>
            {
                options.Host = host => host.Services.AddResponseCompression(compression => compression.EnableForHttps = true);
                options.Pipeline = app => app.UseResponseCompression();
            });

        var response = await server.RequestAsync(UwsgiPacket.Nginx().Add("HTTP_ACCEPT_ENCODING", "gzip"));

        Assert.Equal("gzip", response["Content-Encoding"]);
        using var gzip = new GZipStream(new MemoryStream(response.Body), CompressionMode.Decompress);
        Assert.Equal(text, await new StreamReader(gzip).ReadToEndAsync());
    }

    [Fact]
    [Trait("Item", "107")]
    public async Task Responses_are_cached()
    {
        var runs = 0;
        await using var server = await GatewayTestServer.StartAsync(
            context =>
            {
                context.Response.Headers.CacheControl = "public, max-age=60";
                return context.Response.WriteAsync($"run {++runs}");
            },
            options =>
            {
                options.Host = host => host.Services.AddResponseCaching();
                options.Pipeline = app => app.UseResponseCaching();
            });

        var first = await server.RequestAsync(UwsgiPacket.Nginx(target: "/report"));
        var second = await server.RequestAsync(UwsgiPacket.Nginx(target: "/report"));

        Assert.Equal("run 1", first.Text);
        Assert.Equal("run 1", second.Text);
        // In seconds of the system's clock, of which some may have passed.
        Assert.Null(first["Age"]);
        Assert.InRange(int.Parse(second["Age"]!, CultureInfo.InvariantCulture), 0, 60);
        Assert.Equal("5", second["Content-Length"]);
    }

    [Fact]
    [Trait("Item", "107")]
    public async Task Output_is_cached()
    {
        var runs = 0;
        await using var server = await GatewayTestServer.StartAsync(
            context => context.Response.WriteAsync($"run {++runs}"),
            options =>
            {
                options.Host = host => host.Services.AddOutputCache(cache => cache.AddBasePolicy(policy => policy.Cache()));
                options.Pipeline = app => app.UseOutputCache();
            });

        await server.RequestAsync(UwsgiPacket.Nginx(target: "/report"));
        var second = await server.RequestAsync(UwsgiPacket.Nginx(target: "/report"));

        Assert.Equal("run 1", second.Text);
    }

    [Fact]
    [Trait("Item", "107")]
    public async Task A_session_spans_connections()
    {
        await using var server = await GatewayTestServer.StartAsync(
            context =>
            {
                var visits = (context.Session.GetInt32("visits") ?? 0) + 1;
                context.Session.SetInt32("visits", visits);
                return context.Response.WriteAsync($"visit {visits}");
            },
            options =>
            {
                options.Host = host => host.Services.AddDistributedMemoryCache().AddSession();
                options.Pipeline = app => app.UseSession();
            });

        var first = await server.RequestAsync(UwsgiPacket.Nginx());
        var cookie = first["Set-Cookie"]!.Split(';')[0];
        var second = await server.RequestAsync(UwsgiPacket.Nginx().Add("HTTP_COOKIE", cookie));
        var stranger = await server.RequestAsync(UwsgiPacket.Nginx());

        Assert.Equal("visit 2", second.Text);
        Assert.Equal("visit 1", stranger.Text);
    }

    [Fact]
    [Trait("Item", "107")]
    public async Task Requests_and_responses_are_logged_with_their_bodies()
    {
        await using var server = await GatewayTestServer.StartAsync(
            async context =>
            {
                context.Response.ContentType = "text/plain";
                await context.Response.WriteAsync("Hello " + await new StreamReader(context.Request.Body).ReadToEndAsync());
            },
            options =>
            {
                options.Host = host => host.Services.AddHttpLogging(
                    logging => logging.LoggingFields = Microsoft.AspNetCore.HttpLogging.HttpLoggingFields.All);
                options.Pipeline = app => app.UseHttpLogging();
            });

        var response = await server.RequestAsync(UwsgiPacket.Nginx("POST").WithBody("world", "text/plain"));

        Assert.Equal("Hello world", response.Text);
        Assert.Contains(server.Logs.Find("RequestBody"), entry => entry.Message.Contains("world", StringComparison.Ordinal));
        Assert.Contains(server.Logs.Find("ResponseBody"), entry => entry.Message.Contains("Hello world", StringComparison.Ordinal));
    }

    [Fact]
    [Trait("Item", "107")]
    public async Task An_exception_page_replaces_what_was_prepared()
    {
        await using var server = await GatewayTestServer.StartAsync(
            context =>
            {
                context.Response.Headers["X-App"] = "1";
                throw new InvalidDataException("The shelf has collapsed.");
            },
            options => options.Pipeline = app => app.UseDeveloperExceptionPage());
        server.ExpectError("UnhandledException");

        var response = await server.RequestAsync(UwsgiPacket.Nginx().Add("HTTP_ACCEPT", "text/plain"));

        Assert.Equal(500, response.StatusCode);
        Assert.Null(response["X-App"]);
        Assert.Contains("The shelf has collapsed.", response.Text);
    }

    [Fact]
    [Trait("Item", "107")]
    public async Task An_exception_handler_runs_the_pipeline_again()
    {
        await using var server = await GatewayTestServer.StartAsync(
            context => context.Request.Path == "/error"
                ? context.Response.WriteAsync("Sorry.")
                : throw new InvalidDataException("The shelf has collapsed."),
            options => options.Pipeline = app => app.UseExceptionHandler("/error"));
        server.ExpectError("UnhandledException");

        var response = await server.RequestAsync(UwsgiPacket.Nginx(target: "/books"));

        Assert.Equal(500, response.StatusCode);
        Assert.Equal("Sorry.", response.Text);
    }

    [Fact]
    [Trait("Rule", "46")]
    [Trait("Item", "108")]
    public async Task Server_sent_events_arrive_one_by_one_and_ask_nginx_not_to_buffer()
    {
        var next = Events.New();
        await using var server = await GatewayTestServer.StartAsync(
            context => TypedResults.ServerSentEvents(EventsAsync()).ExecuteAsync(context));

        var connection = await server.SendAsync(UwsgiPacket.Nginx());
        var head = await connection.Client.ReadHeadAsync();
        var first = await connection.Client.ReadThroughAsync("\n\n");
        next.SetResult();
        var second = await connection.Client.ReadThroughAsync("\n\n");

        Assert.Equal("text/event-stream", head["Content-Type"]);
        Assert.Equal("no", head["X-Accel-Buffering"]);
        Assert.Null(head["Content-Length"]);
        Assert.Contains("data: one", System.Text.Encoding.ASCII.GetString(first));
        Assert.Contains("data: two", System.Text.Encoding.ASCII.GetString(second));

        async IAsyncEnumerable<string> EventsAsync()
        {
            yield return "one";
            await next.Task;
            yield return "two";
        }
    }

    [Theory]
    [InlineData(true, null, "no")]
    [InlineData(true, "yes", "yes")]
    [InlineData(false, null, null)]
    [Trait("Rule", "46")]
    [Trait("Item", "108")]
    public async Task Disabling_buffering_tells_nginx_unless_the_app_or_the_options_say_otherwise(bool option, string? own, string? expected)
    {
        await using var server = await GatewayTestServer.StartAsync(
            async context =>
            {
                if (own is not null)
                    context.Response.Headers["X-Accel-Buffering"] = own;
                context.Features.Get<IHttpResponseBodyFeature>()!.DisableBuffering();
                await context.Response.WriteAsync("hello");
                context.Features.Get<IHttpResponseBodyFeature>()!.DisableBuffering();
            },
            options => options.Uwsgi = uwsgi => uwsgi.SendAccelBuffering = option);

        var response = await server.RequestAsync(UwsgiPacket.Nginx());

        Assert.Equal(expected, response["X-Accel-Buffering"]);
        Assert.Equal("hello", response.Text);
    }
}
