using Microsoft.AspNetCore.Http;
using Uwsgi.AspNetCore.InteropTests.Http;

namespace Uwsgi.AspNetCore.InteropTests.Apache;

/// <summary>How Apache connects to the app.</summary>
public sealed class ApacheConnectionTests
{
    // The very trap the comment in uwsgi.conf warns of; when this fails, the comment can go.
    [SkippableFact]
    public async Task Port3031_OverUwsgi_IsNeverReached()
    {
        await using var site = await ApacheSite.StartAsync(
            "uwsgi.conf",
            context => context.Response.WriteAsync("reached"),
            text => text.Replace("ProxyPass \"/\"", "ProxyPass \"/customary/\" \"uwsgi://127.0.0.1:3031/\"\nProxyPass \"/\"", StringComparison.Ordinal));

        Assert.Equal("reached", (await site.GetAsync("/other/")).Text);
        Assert.Equal(503, (await site.GetAsync("/customary/")).Status);
        Assert.NotNull(await site.Apache.WaitForLogAsync("attempt to connect to 127.0.0.1:0 "));
    }

    // Requests of one client connection are handled by one of Apache's child processes, and connections are kept by each of these.
    [SkippableTheory]
    [InlineData("on", true)]
    [InlineData("off", false)]
    public async Task FastCgiConnection_IsKeptWithEnableReuse(string enableReuse, bool isKept)
    {
        await using var site = await ApacheSite.StartAsync(
            "fastcgi.conf",
            context => context.Response.WriteAsync(context.Connection.Id),
            text => text.Replace("enablereuse=on", $"enablereuse={enableReuse}", StringComparison.Ordinal) + "\nKeepAliveTimeout 60\n");
        await using var connection = await RawHttpConnection.ConnectAsync(site.EndPoint);

        var ids = new List<string>();
        for (var i = 0; i < 5; i++)
        {
            ids.Add((await connection.SendAsync(new RawRequest("GET", $"/{i}"))).Text);
        }

        Assert.Equal(isKept ? 1 : 5, ids.Distinct().Count());
    }

    [SkippableTheory]
    [InlineData("fastcgi.conf")]
    [InlineData("scgi.conf")]
    public async Task AuthorizationAndLength_PassBecauseOfTheirLines(string file)
    {
        RawRequest request = new RawRequest("GET", "/").With("Authorization", "Bearer abc");
        await using var site = await ApacheSite.StartAsync(file, TellAuthorizationAsync);
        await using var without = await ApacheSite.StartAsync(file, TellAuthorizationAsync, text => text
            .Replace("CGIPassAuth On", "CGIPassAuth Off", StringComparison.Ordinal)
            .Replace("SetEnv ap_trust_cgilike_cl yes", string.Empty, StringComparison.Ordinal));

        var (response, lacking) = (await site.SendAsync(request), await without.SendAsync(request));
        var (head, lackingHead) = (await site.SendAsync(request with { Method = "HEAD" }), await without.SendAsync(request with { Method = "HEAD" }));

        Assert.Equal(("Bearer abc", "10"), (response.Text, head["Content-Length"]));
        Assert.Equal((string.Empty, null), (lacking.Text, lackingHead["Content-Length"]));
    }

    private static Task TellAuthorizationAsync(HttpContext context)
    {
        var authorization = context.Request.Headers.Authorization.ToString();
        context.Response.ContentLength = authorization.Length;
        return context.Response.WriteAsync(authorization);
    }
}
