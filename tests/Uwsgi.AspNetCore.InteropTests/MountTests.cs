using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
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

    // mount = /app1=app1.py, mount = /app2=app2.py, manage-script-name = true, and nothing but the stock params.
    [SkippableTheory]
    [InlineData("uwsgi")]
    [InlineData("fastcgi")]
    [InlineData("scgi")]
    public async Task Mounts_BehindStockParams_AreFoundByThePath(string protocol) => Assert.Equal(
        ["one /app1|", "one /app1|/", "one /app1|/a b/é", "two /app2|/x", "default |/app1x", "default |/"],
        await AskMountsAsync(
            protocol,
            $"location / {{ include {protocol}_params; {protocol}_pass $app; }}",
            options => (options.Mounts["/app1"], options.Mounts["/app2"]) = ("one", "two"),
            "/app1", "/app1/", "/app1/a%20b/%C3%A9", "/app2/x", "/app1x", "/"));

    [SkippableTheory]
    [InlineData("uwsgi_param SCRIPT_NAME /app1;")]
    [InlineData("uwsgi_param SCRIPT_NAME /app1; rewrite ^/app1(/.*)$ $1 break;")]
    [InlineData("uwsgi_param SCRIPT_NAME /app1/; rewrite ^/app1(/.*)$ $1 break;")]
    public async Task Mounts_BehindScriptName_AreFoundWithAndWithoutThePrefix(string lines) => Assert.Equal(
        ["one /app1|", "one /app1|/x", "one /app1|/app2/x"],
        await AskMountsAsync(
            "uwsgi",
            $"location /app1 {{ include uwsgi_params; {lines} uwsgi_pass $app; }}",
            options => (options.Mounts["/app1"], options.Mounts["/app2"]) = ("one", "two"),
            "/app1", "/app1/x", "/app1/app2/x"));

    // mount = the_app1=app1.py, mount = foobar.it=app2.py
    [SkippableFact]
    public async Task Mounts_NamedWithAppId_AreFoundWhateverThePath() => Assert.Equal(
        ["one |/named/x", "two |/host/x", "default |/x"],
        await AskMountsAsync(
            "uwsgi",
            """
            location / { include uwsgi_params; uwsgi_pass $app; }
            location /named { include uwsgi_params; uwsgi_param UWSGI_APPID the_app1; uwsgi_pass $app; }
            location /host { include uwsgi_params; uwsgi_param UWSGI_APPID foobar.it:8000; uwsgi_pass $app; }
            """,
            options => (options.Mounts["the_app1"], options.Mounts["foobar.it"]) = ("one", "two"),
            "/named/x", "/host/x", "/x"));

    // location / { uwsgi_param UWSGI_SCRIPT testapp; } location /django { uwsgi_param UWSGI_SCRIPT django_wsgi; }
    [SkippableFact]
    public async Task DynamicApps_OfTwoLocations_WorkSideBySide() => Assert.Equal(
        ["one |/x", "two |/django/x", "one |/x", ""],
        await AskMountsAsync(
            "uwsgi",
            """
            location / { include uwsgi_params; uwsgi_param UWSGI_SCRIPT one; uwsgi_pass $app; }
            location /django { include uwsgi_params; uwsgi_param UWSGI_SCRIPT two; uwsgi_pass $app; }
            location /other { include uwsgi_params; uwsgi_param UWSGI_FILE /srv/one.py; uwsgi_pass $app; }
            """,
            options => options.DynamicApps = true,
            "/x", "/django/x", "/x", "/other/x"));

    private static async Task<string[]> AskMountsAsync(string protocol, string server, Action<UwsgiOptions> configure, params string[] targets)
    {
        static RequestDelegate Answer(string app) =>
            context => context.Response.WriteAsync($"{app} {context.Request.PathBase.Value}|{context.Request.Path.Value}");
        await using var app = await TestApp.StartAsync(
            options =>
            {
                Listen(options, protocol);
                configure(options);
            },
            app => app.Run(Answer("default")),
            services =>
            {
                foreach (var name in (string[])["one", "two", "default"])
                {
                    services.AddUwsgiApp(name, branch => branch.Run(Answer(name)));
                }
            });
        await using var nginx = await NginxServer.StartAsync("site", server.Replace("$app", app.GetAddress(protocol), StringComparison.Ordinal));
        var answers = new List<string>();
        foreach (var target in targets)
        {
            answers.Add((await RawHttpConnection.SendAsync(nginx["site"], new RawRequest("GET", target))).Text);
        }

        return [.. answers];
    }

    private static async Task<string> AskAsync(string location, string target, Action<UwsgiOptions>? configure = null, string protocol = "uwsgi")
    {
        await using var app = await TestApp.StartAsync(
            options =>
            {
                Listen(options, protocol);
                configure?.Invoke(options);
            },
            app => app.Run(context => context.Response.WriteAsync(
                $"{context.Request.PathBase.Value}|{context.Request.Path.Value}{context.Request.QueryString}")));
        await using var nginx = await NginxServer.StartAsync("site", $"{location} include {protocol}_params; {protocol}_pass {app.GetAddress(protocol)}; }}");
        return (await RawHttpConnection.SendAsync(nginx["site"], new RawRequest("GET", target))).Text;
    }

    private static void Listen(UwsgiOptions options, string protocol) => (protocol switch
    {
        "fastcgi" => options.FastCgiSockets,
        "scgi" => options.ScgiSockets,
        _ => options.Sockets,
    }).Add("127.0.0.1:0");
}
