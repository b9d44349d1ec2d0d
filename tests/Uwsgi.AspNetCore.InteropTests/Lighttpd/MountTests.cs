using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Uwsgi.AspNetCore.InteropTests.Lighttpd;

/// <summary>An app at the root of the site and below a path, with and without what the samples' files say about it.</summary>
public sealed class MountTests
{
    private static readonly (string Documented, string Actual) BelowApp = ("( \"/\" =>", "( \"/app\" =>");
    private static readonly (string Documented, string Actual) Unfixed = ("\"fix-root-scriptname\" => \"enable\",", string.Empty);

    [SkippableTheory]
    [InlineData(GatewayProtocol.Uwsgi, ScriptNameMode.Auto)]
    [InlineData(GatewayProtocol.FastCgi, ScriptNameMode.Auto)]
    [InlineData(GatewayProtocol.Scgi, ScriptNameMode.Auto)]
    [InlineData(GatewayProtocol.FastCgi, ScriptNameMode.Trust)]
    public async Task AtTheRoot_HasNoPathBase(GatewayProtocol protocol, ScriptNameMode mode)
    {
        await using var site = await LighttpdSite.StartAsync(protocol, Show, uwsgi => uwsgi.ScriptName = mode);

        Assert.Equal("|/orders/7?a=b", (await site.GetAsync("/orders/7?a=b")).Text);
        Assert.Equal("|/orders", (await site.GetAsync("/orders")).Text);
        Assert.Equal("|/", (await site.GetAsync("/")).Text);
    }

    [SkippableTheory]
    [InlineData(GatewayProtocol.Uwsgi, ScriptNameMode.Auto, "|/orders/7")]
    [InlineData(GatewayProtocol.FastCgi, ScriptNameMode.Auto, "|/orders/7")]
    [InlineData(GatewayProtocol.Scgi, ScriptNameMode.Auto, "|/orders/7")]
    [InlineData(GatewayProtocol.FastCgi, ScriptNameMode.Trust, "/orders|/7")]
    public async Task AtTheRoot_WithoutFixRootScriptName_OnlyTrustIsMisled(GatewayProtocol protocol, ScriptNameMode mode, string expected)
    {
        await using var site = await LighttpdSite.StartAsync(protocol, Show, uwsgi => uwsgi.ScriptName = mode, Unfixed);

        Assert.Equal(expected, (await site.GetAsync("/orders/7")).Text);
    }

    [SkippableTheory]
    [InlineData(GatewayProtocol.Uwsgi)]
    [InlineData(GatewayProtocol.FastCgi)]
    [InlineData(GatewayProtocol.Scgi)]
    public async Task BelowAPath_WithPathBase_LinksLeadBack(GatewayProtocol protocol)
    {
        await using var site = await LighttpdSite.StartAsync(protocol, Show, uwsgi => uwsgi.PathBase = "/app", BelowApp, Unfixed);

        Assert.Equal("/app|/orders/7?a=b", (await site.GetAsync("/app/orders/7?a=b")).Text);
        Assert.Equal("/app|/", (await site.GetAsync("/app/")).Text);
        Assert.Equal("/app|", (await site.GetAsync("/app")).Text);
        Assert.Equal("|/apple/pie", (await site.GetAsync("/apple/pie")).Text);
        Assert.Equal(404, (await site.GetAsync("/other")).Status);
    }

    // SCRIPT_NAME and PATH_INFO look just like first segment and rest, so that it takes an option to tell.
    [SkippableTheory]
    [InlineData(ScriptNameMode.Auto, "|/app/orders/7")]
    [InlineData(ScriptNameMode.Trust, "/app|/orders/7")]
    [InlineData(ScriptNameMode.Ignore, "|/orders/7")]
    public async Task BelowAPath_WithoutPathBase_ScriptNameDecides(ScriptNameMode mode, string expected)
    {
        await using var site = await LighttpdSite.StartAsync(GatewayProtocol.FastCgi, Show, uwsgi => uwsgi.ScriptName = mode, BelowApp, Unfixed);

        Assert.Equal(expected, (await site.GetAsync("/app/orders/7")).Text);
    }

    private static void Show(WebApplication app) => app.Run(context => context.Response.WriteAsync(
        $"{context.Request.PathBase.Value}|{context.Request.Path.Value}{context.Request.QueryString}"));
}
