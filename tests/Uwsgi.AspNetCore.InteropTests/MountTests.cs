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

    // The stock params of fastcgi_pass have the whole path in SCRIPT_NAME, those of scgi_pass in DOCUMENT_URI alone.
    [SkippableTheory]
    [InlineData("uwsgi", "/app1", "/app1|")]
    [InlineData("uwsgi", "/app1/orders", "/app1|/orders")]
    [InlineData("uwsgi", "/other", "|/other")]
    [InlineData("fastcgi", "/app1", "/app1|")]
    [InlineData("fastcgi", "/app1/a%20b/%C3%A9?a=b", "/app1|/a b/é?a=b")]
    [InlineData("fastcgi", "/app1x", "|/app1x")]
    [InlineData("scgi", "/app1", "/app1|")]
    [InlineData("scgi", "/app1/a%20b/%C3%A9?a=b", "/app1|/a b/é?a=b")]
    [InlineData("scgi", "/app1x", "|/app1x")]
    public async Task PathBaseOption_CutsThePathOfStockParams(string protocol, string target, string expected) =>
        Assert.Equal(expected, await AskAsync("location / {", target, uwsgi => uwsgi.PathBase = "/app1", protocol));

    [SkippableTheory]
    [InlineData("/app1", "/app1|")]
    [InlineData("/app1/orders/7?a=b", "/app1|/orders/7?a=b")]
    [InlineData("/app1/app1", "/app1|/app1")]
    [InlineData("/app1x", "|/app1x")]
    public async Task ScriptNameAndWholePathOverScgi_BecomePathBase(string target, string expected) =>
        Assert.Equal(expected, await AskAsync(
            "location /app1 { scgi_param SCRIPT_NAME /app1; scgi_param PATH_INFO $document_uri;", target, protocol: "scgi"));

    // As the manuals of PHP programs show it: the path in two parts, whose sum is routed by unless SCRIPT_NAME is trusted.
    [SkippableTheory]
    [InlineData(ScriptNameMode.Trust, "/app1/orders/7?a=b", "/app1|/orders/7?a=b")]
    [InlineData(ScriptNameMode.Trust, "/app1/app1", "/app1|/app1")]
    [InlineData(ScriptNameMode.Auto, "/app1/orders/7?a=b", "|/app1/orders/7?a=b")]
    [InlineData(ScriptNameMode.Ignore, "/app1/orders/7?a=b", "|/orders/7?a=b")]
    public async Task PathSplitByFastCgi_BecomesPathBaseWhereTrusted(ScriptNameMode mode, string target, string expected) =>
        Assert.Equal(expected, await AskAsync(
            "location /app1/ { fastcgi_split_path_info ^(/app1)(/.*)$; fastcgi_param PATH_INFO $fastcgi_path_info;",
            target,
            fastCgi => fastCgi.ScriptName = mode,
            "fastcgi"));

    private static async Task<string> AskAsync(string location, string target, Action<UwsgiOptions>? configure = null, string protocol = "uwsgi")
    {
        await using var app = await TestApp.StartAsync(
            options =>
            {
                (protocol switch
                {
                    "fastcgi" => options.FastCgiSockets,
                    "scgi" => options.ScgiSockets,
                    _ => options.Sockets,
                }).Add("127.0.0.1:0");
                configure?.Invoke(options);
            },
            app => app.Run(context => context.Response.WriteAsync(
                $"{context.Request.PathBase.Value}|{context.Request.Path.Value}{context.Request.QueryString}")));
        await using var nginx = await NginxServer.StartAsync("site", $"{location} include {protocol}_params; {protocol}_pass {app.GetAddress(protocol)}; }}");
        return (await RawHttpConnection.SendAsync(nginx["site"], new RawRequest("GET", target))).Text;
    }
}
