using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Extensions;
using Microsoft.AspNetCore.Http.Features;
using Uwsgi.AspNetCore.InteropTests.Http;

namespace Uwsgi.AspNetCore.InteropTests.Apache;

/// <summary>What is peculiar to requests that come from Apache: chunked bodies, variables, prefixes.</summary>
public sealed class ApacheRequestTests
{
    // Apache announces the length of a body that was among the first 16 KiB it read; otherwise the end of STDIN is the end.
    [SkippableTheory]
    [InlineData(0, "0 of 0", "0 of ?")]
    [InlineData(5000, "5000 of 5000", "5000 of ?")]
    [InlineData(200_000, "200000 of ?")]
    public async Task ChunkedBody_OverFastCgi_ArrivesWhole(int size, params string[] expected)
    {
        await using var site = await ApacheSite.StartAsync("fastcgi.conf", CountAsync);

        var response = await site.SendAsync(new RawRequest("POST", "/upload") { Body = new byte[size], ChunkSizes = [1, 4000] });

        Assert.Equal(200, response.Status);
        Assert.Contains(response.Text, expected);
    }

    [SkippableTheory]
    [InlineData("uwsgi.conf")]
    [InlineData("scgi.conf")]
    public async Task ChunkedBody_OverOtherProtocols_IsRefusedByApache(string file)
    {
        await using var site = await ApacheSite.StartAsync(file, CountAsync);

        var response = await site.SendAsync(new RawRequest("POST", "/upload") { Body = new byte[5000], ChunkSizes = [4000] });

        Assert.Equal(411, response.Status);
    }

    [SkippableTheory]
    [InlineData("uwsgi.conf")]
    [InlineData("fastcgi.conf")]
    [InlineData("scgi.conf")]
    public async Task VariableOfSetEnv_IsNoHeader(string file)
    {
        await using var site = await ApacheSite.StartAsync(file, context =>
        {
            var variables = context.Features.GetRequiredFeature<IGatewayFeature>().Variables.Where(variable => variable.Key == "APP_REGION");
            var headers = context.Request.Headers.Where(header => header.Value.ToString().Contains("north", StringComparison.Ordinal));
            return context.Response.WriteAsync(
                $"{context.GetServerVariable("APP_REGION")} {string.Join(' ', variables)} {string.Join(' ', headers.Select(header => header.Key))}");
        });

        var response = await site.SendAsync(new RawRequest("GET", "/").With("App-Region", "south"));

        Assert.Equal("north [APP_REGION, north] ", response.Text);
    }

    [SkippableTheory]
    [InlineData("uwsgi.conf", "/shop", "/shop")]
    [InlineData("uwsgi.conf", "/shop/", "/shop/")]
    [InlineData("fastcgi.conf", "/shop", "/shop")]
    [InlineData("fastcgi.conf", "/shop/", "/")]
    [InlineData("scgi.conf", "/shop/", "/shop/")]
    [InlineData("scgi.conf", "/shop", "/")]
    public async Task Prefix_WithPathBase_MakesRightLinks(string file, string left, string right)
    {
        await using var site = await ApacheSite.StartAsync(file, LinkAsync, text => Mount(text, left, right), uwsgi => uwsgi.PathBase = "/shop");

        var response = await site.GetAsync("/shop/a%20b/7?c=d");

        Assert.Equal("/shop|/a b/7|http://parity.test/shop/a%20b/7?c=d", response.Text);
    }

    // Only with mod_proxy_uwsgi does SCRIPT_NAME say what ProxyPass has cut off.
    [SkippableTheory]
    [InlineData(ScriptNameMode.Trust, "/shop|/a b/7|http://parity.test/shop/a%20b/7?c=d")]
    [InlineData(ScriptNameMode.Auto, "|/shop/a b/7|http://parity.test/shop/a%20b/7?c=d")]
    public async Task PrefixCutByProxyPass_WithTrustedScriptName_IsThePathBase(ScriptNameMode mode, string expected)
    {
        await using var site = await ApacheSite.StartAsync("uwsgi.conf", LinkAsync, text => Mount(text, "/shop/", "/"), uwsgi => uwsgi.ScriptName = mode);

        var response = await site.GetAsync("/shop/a%20b/7?c=d");

        Assert.Equal(expected, response.Text);
    }

    [SkippableFact]
    public async Task Redirect_BelowThePrefix_ReachesTheClientAsTheAppWroteIt()
    {
        await using var site = await ApacheSite.StartAsync(
            "fastcgi.conf",
            context =>
            {
                context.Response.Redirect($"{context.Request.PathBase}/cart");
                return Task.CompletedTask;
            },
            text => Mount(text, "/shop", "/shop"),
            uwsgi => uwsgi.PathBase = "/shop");

        var response = await site.GetAsync("/shop/buy");

        Assert.Equal((302, "/shop/cart"), (response.Status, response["Location"]));
    }

    private static string Mount(string text, string left, string right) => Regex.Replace(
        text, "^ProxyPass \"/\" \"(?<app>[^\"]+)/\"", $"ProxyPass \"{left}\" \"${{app}}{right}\"", RegexOptions.Multiline, TestTimeout.Duration);

    private static Task LinkAsync(HttpContext context) => context.Response.WriteAsync(
        $"{context.Request.PathBase.Value}|{context.Request.Path.Value}|{context.Request.GetEncodedUrl()}");

    private static async Task CountAsync(HttpContext context)
    {
        var announced = context.Request.ContentLength;
        var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body);
        await context.Response.WriteAsync($"{body.Length} of {announced?.ToString() ?? "?"}");
    }
}
