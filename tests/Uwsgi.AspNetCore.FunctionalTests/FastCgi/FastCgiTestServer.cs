using Microsoft.AspNetCore.Http;
using Uwsgi.AspNetCore.FunctionalTests.Infrastructure;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.FunctionalTests.FastCgi;

/// <summary>What the FastCGI tests share: a server on a FastCGI endpoint and clients of it.</summary>
internal static class FastCgiTestServer
{
    public static Task<GatewayTestServer> StartAsync(
        RequestDelegate app, Action<UwsgiOptions>? configure = null, TimeProvider? time = null) =>
        GatewayTestServer.StartAsync(app, options =>
        {
            options.Protocol = GatewayProtocol.FastCgi;
            options.Uwsgi = configure;
            options.Time = time;
        });

    public static async Task<FastCgiClient> OpenAsync(this GatewayTestServer server, params byte[][] records) =>
        new(await server.ConnectAsync(records.SelectMany(record => record).ToArray()));

    /// <summary>Lets the only request of the only connection end, and waits until the connection is idle, which is behind the answer.</summary>
    public static async Task<FastCgiAnswer> FinishOnlyRequestAsync(this FastCgiClient client, ManualTimeProvider time, TaskCompletionSource release)
    {
        // Nothing waits in time while the request runs, so the timer goes; the next one is the idle connection's.
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(0, time.ArmedTimers);
        release.SetResult();
        var answer = await client.ReadAnswerAsync(1);
        await time.WaitForArmedTimersAsync();
        return answer;
    }

    /// <summary>Answers with the path and the body, as far as it can be read.</summary>
    public static async Task EchoAsync(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body, context.RequestAborted);
        await context.Response.WriteAsync($"{context.Request.Path} ");
        await context.Response.Body.WriteAsync(body.ToArray());
    }
}
