using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Uwsgi.AspNetCore.FunctionalTests.Infrastructure;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.FunctionalTests;

/// <summary>One object serves request after request, of different connections; nothing of one may be seen by the next.</summary>
public class RequestPoolingTests(SharedServer shared) : IClassFixture<SharedServer>
{
    [Fact]
    [Trait("Item", "4")]
    public async Task Header_collections_are_used_again_and_their_contents_are_not()
    {
        var first = await shared.SeeAsync(UwsgiPacket.Nginx().Add("HTTP_X_FIRST", "1"), context =>
        {
            context.Request.Headers["X-Own"] = "mine";
            context.Response.Headers["X-Own"] = "mine";
            return (context.Request.Headers, context.Response.Headers);
        });
        var second = await shared.SeeAsync(UwsgiPacket.Nginx().Add("HTTP_X_SECOND", "2"), context => (
            context.Request.Headers, context.Response.Headers, Names: context.Request.Headers.Keys.ToArray(), Count: context.Response.Headers.Count));

        Assert.Same(first.Item1, second.Item1);
        Assert.Same(first.Item2, second.Item2);
        Assert.Equal(["X-Second", "Host"], second.Names.OrderDescending());
        Assert.Equal(0, second.Count);
    }

    [Fact]
    [Trait("Item", "6")]
    public async Task Replaced_header_collections_do_not_reach_the_next_request()
    {
        var replaced = new HeaderDictionary { ["X-Replaced"] = "yes" };
        await shared.SeeAsync(UwsgiPacket.Nginx(), context =>
        {
            context.Features.GetRequiredFeature<IHttpRequestFeature>().Headers = replaced;
            Assert.Same(replaced, context.Features.GetRequiredFeature<IHttpRequestFeature>().Headers);
            return true;
        });

        var names = await shared.SeeAsync(
            UwsgiPacket.Nginx(), context => context.Features.GetRequiredFeature<IHttpRequestFeature>().Headers.Keys.ToArray());

        Assert.Equal(["Host"], names);
    }

    [Fact]
    [Trait("Item", "5")]
    public async Task Replaced_streams_do_not_reach_the_next_request()
    {
        await shared.SeeAsync(UwsgiPacket.Nginx("POST").WithBody("first"), context =>
        {
            context.Request.Body = new MemoryStream("replaced"u8.ToArray());
            context.Response.Body = new MemoryStream();
            return true;
        });

        var response = await shared.SeeAsync(UwsgiPacket.Nginx("POST").WithBody("second"), async context =>
        {
            Assert.IsNotType<MemoryStream>(context.Response.Body);
            return await new StreamReader(context.Request.Body).ReadToEndAsync();
        });

        Assert.Equal("second", response);
    }

    [Fact]
    [Trait("Item", "5")]
    [Trait("Rule", "75")]
    public async Task A_body_kept_from_an_earlier_request_never_reads_a_later_one()
    {
        var kept = await shared.SeeAsync(UwsgiPacket.Nginx("POST").WithBody("first"), context => (context.Request.Body, context.Request.BodyReader));

        await shared.SeeAsync(UwsgiPacket.Nginx("POST").WithBody("second"), async context =>
        {
            await Assert.ThrowsAsync<ObjectDisposedException>(async () => await kept.Body.ReadExactlyAsync(new byte[1]));
            await Assert.ThrowsAsync<ObjectDisposedException>(async () => await kept.BodyReader.ReadAsync());
            Assert.Throws<ObjectDisposedException>(() => kept.BodyReader.TryRead(out _));
            Assert.Equal("second", await new StreamReader(context.Request.Body).ReadToEndAsync());
            return true;
        });
    }

    [Fact]
    [Trait("Item", "5")]
    public async Task A_write_that_nobody_awaited_never_reaches_a_later_response()
    {
        var mayStart = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var written = Task.CompletedTask;
        await shared.SeeAsync(UwsgiPacket.Nginx(), context =>
        {
            context.Response.OnStarting(() => mayStart.Task);
            written = context.Response.Body.WriteAsync("first"u8.ToArray()).AsTask();
            return true;
        });

        var hasStarted = await shared.SeeAsync(UwsgiPacket.Nginx(), async context =>
        {
            mayStart.SetResult();
            Assert.IsType<ObjectDisposedException>(await Record.ExceptionAsync(() => written));
            return context.Response.HasStarted;
        });

        Assert.False(hasStarted);
    }

    [Fact]
    [Trait("Item", "6")]
    public async Task Every_property_starts_afresh()
    {
        var pristine = await shared.SeeAsync(UwsgiPacket.Nginx(), Describe);
        await shared.SeeAsync(UwsgiPacket.Nginx("POST", "/other?q").WithBody("body", "text/plain").Add("HTTP_X_A", "1").Add("HTTP_COOKIE", "a=1"), context =>
        {
            context.Items["mine"] = "mine";
            context.User = new System.Security.Claims.ClaimsPrincipal(new System.Security.Claims.ClaimsIdentity("mine"));
            context.TraceIdentifier = "mine";
            context.SetEndpoint(new Endpoint(null, null, "mine"));
            context.Request.RouteValues["mine"] = "mine";
            context.Request.PathBase = "/mine";
            context.Request.Path = "/mine";
            context.Request.QueryString = new QueryString("?mine");
            context.Request.Method = "MINE";
            context.Request.Protocol = "MINE";
            context.Request.Scheme = "mine";
            context.Connection.RemotePort = 1;
            context.Features.Set(new Mine());
            context.Features.GetRequiredFeature<IHttpMaxRequestBodySizeFeature>().MaxRequestBodySize = 1;
            context.Features.GetRequiredFeature<IHttpBodyControlFeature>().AllowSynchronousIO = true;
            context.Features.GetRequiredFeature<IServerVariablesFeature>()["MINE"] = "mine";
            context.RequestAborted = new CancellationToken(canceled: true);
            context.Response.StatusCode = 200;
            Assert.NotEqual(pristine, Describe(context));
            return true;
        });

        Assert.Equal(pristine, await shared.SeeAsync(UwsgiPacket.Nginx(), Describe));
    }

    [Fact]
    public async Task Without_pooling_every_request_has_an_object_of_its_own()
    {
        var seen = new List<IHeaderDictionary>();
        await using var server = await GatewayTestServer.StartAsync(
            context =>
            {
                seen.Add(context.Request.Headers);
                return Task.CompletedTask;
            },
            options => options.Uwsgi = uwsgi => uwsgi.PoolRequests = false);

        await server.RequestAsync(UwsgiPacket.Nginx());
        await server.RequestAsync(UwsgiPacket.Nginx());

        Assert.NotSame(seen[0], seen[1]);
    }

    [Fact]
    [Trait("Item", "120")]
    public async Task An_async_local_does_not_flow_into_the_next_request()
    {
        var local = new AsyncLocal<string?>();

        var first = await shared.SeeAsync(UwsgiPacket.Nginx(), context =>
        {
            var before = local.Value;
            local.Value = "first";
            return before;
        });
        var second = await shared.SeeAsync(UwsgiPacket.Nginx(), context => local.Value);

        Assert.Equal((null, null), (first, second));
    }

    [Theory]
    [Trait("Item", "120")]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Scoped_services_are_disposed_once_per_request(bool fails)
    {
        var scoped = new List<Scoped>();
        await using var server = await GatewayTestServer.StartAsync(
            context =>
            {
                scoped.Add(context.RequestServices.GetRequiredService<Scoped>());
                Assert.Same(scoped[^1], context.RequestServices.GetRequiredService<Scoped>());
                return fails ? throw new InvalidOperationException("Boom.") : Task.CompletedTask;
            },
            options => options.Host = host => host.Services.AddScoped<Scoped>());
        if (fails)
            server.ExpectError("ApplicationError");

        await server.RequestAsync(UwsgiPacket.Nginx());
        await server.RequestAsync(UwsgiPacket.Nginx());

        Assert.NotSame(scoped[0], scoped[1]);
        Assert.All(scoped, service => Assert.Equal(1, service.Disposals));
    }

    [Fact]
    [Trait("Item", "23")]
    public async Task Requests_at_the_same_time_do_not_meet()
    {
        const int Count = 100;
        var arrived = new CountdownEvent(Count);
        var allArrived = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = await GatewayTestServer.StartAsync(async context =>
        {
            if (arrived.Signal())
                allArrived.SetResult();
            await allArrived.Task.WithTimeoutAsync();
            var body = await new StreamReader(context.Request.Body).ReadToEndAsync();
            await context.Response.WriteAsync($"{context.Request.Path}|{context.Request.Headers["X-Number"]}|{body}");
        });

        var responses = await Task.WhenAll(Enumerable.Range(0, Count).Select(
            i => server.RequestAsync(UwsgiPacket.Nginx("POST", $"/{i}").WithBody($"body {i}").Add("HTTP_X_NUMBER", $"{i}"))));

        Assert.Equal(Enumerable.Range(0, Count).Select(i => $"/{i}|{i}|body {i}"), responses.Select(response => response.Text));
    }

    private static string Describe(HttpContext context) => string.Join('\n',
    [
        $"{context.Request.Method} {context.Request.PathBase} {context.Request.Path} {context.Request.QueryString} {context.Request.Protocol} {context.Request.Scheme}",
        string.Join(", ", context.Request.Headers.Select(header => $"{header.Key}={header.Value}")),
        string.Join(", ", context.Request.Cookies.Select(cookie => cookie.Key)),
        string.Join(", ", context.Request.RouteValues.Keys),
        string.Join(", ", context.Items.Keys),
        $"{context.Request.ContentLength} {context.Request.ContentType} {context.GetEndpoint()} {context.User.Identity?.AuthenticationType}",
        $"{context.Connection.RemoteIpAddress} {context.Connection.RemotePort} {context.TraceIdentifier == "mine"}",
        $"{context.Features.Get<Mine>() is null} {context.Features.GetRequiredFeature<IHttpMaxRequestBodySizeFeature>().MaxRequestBodySize}",
        $"{context.Features.GetRequiredFeature<IHttpBodyControlFeature>().AllowSynchronousIO} {context.RequestAborted.IsCancellationRequested}",
        $"{context.GetServerVariable("MINE")} {context.Response.StatusCode} {context.Response.HasStarted}",
    ]);

    private sealed class Mine;

    private sealed class Scoped : IDisposable
    {
        private int _disposals;

        public int Disposals => _disposals;

        public void Dispose() => Interlocked.Increment(ref _disposals);
    }
}
