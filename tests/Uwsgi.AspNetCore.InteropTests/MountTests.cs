using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Uwsgi.AspNetCore.InteropTests.Http;
using Uwsgi.AspNetCore.InteropTests.Servers;

namespace Uwsgi.AspNetCore.InteropTests;

/// <summary>An app below a path of the site, as the manuals of nginx and of uWSGI show it.</summary>
public sealed class MountTests
{
    [SkippableTheory]
    [InlineData("/app1", "/app1|")]
    [InlineData("/app1/", "/app1|/")]
    [InlineData("/app1/orders/7?a=b", "/app1|/orders/7?a=b")]
    [InlineData("/app1/a%20b/%C3%A9", "/app1|/a b/é")]
    [InlineData("/app1/app1", "/app1|/app1")]
    [InlineData("/app1x", "|/app1x")]
    public async Task ScriptNameBesideStockParams_BecomesPathBase(string target, string expected) =>
        Assert.Equal(expected, await AskAsync("location /app1 { uwsgi_param SCRIPT_NAME /app1;", target));

    // PATH_INFO without the prefix looks just like lighttpd's first segment and rest, so it takes an option to tell.
    [SkippableTheory]
    [InlineData(ScriptNameMode.Trust, "/app1|/orders/7?a=b")]
    [InlineData(ScriptNameMode.Auto, "|/app1/orders/7?a=b")]
    public async Task PrefixCutByRewrite_BecomesPathBaseWhereTrusted(ScriptNameMode mode, string expected) =>
        Assert.Equal(expected, await AskAsync(
            "location /app1/ { uwsgi_param SCRIPT_NAME /app1; rewrite ^/app1(/.*)$ $1 break;",
            "/app1/orders/7?a=b",
            uwsgi => uwsgi.ScriptName = mode));

    [SkippableTheory]
    [InlineData("/app1/orders", "/app1|/orders")]
    [InlineData("/other", "|/other")]
    public async Task PathBaseOption_CutsThePathOfStockParams(string target, string expected) =>
        Assert.Equal(expected, await AskAsync("location / {", target, uwsgi => uwsgi.PathBase = "/app1"));

    private static async Task<string> AskAsync(string location, string target, Action<UwsgiOptions>? configure = null)
    {
        await using var app = await TestApp.StartAsync(
            uwsgi =>
            {
                uwsgi.Sockets.Add("127.0.0.1:0");
                configure?.Invoke(uwsgi);
            },
            app => app.Run(context => context.Response.WriteAsync(
                $"{context.Request.PathBase.Value}|{context.Request.Path.Value}{context.Request.QueryString}")));
        await using var nginx = await NginxServer.StartAsync("site", $"{location} include uwsgi_params; uwsgi_pass {app.GetUwsgiAddress()}; }}");
        return (await RawHttpConnection.SendAsync(nginx["site"], new RawRequest("GET", target))).Text;
    }
}
