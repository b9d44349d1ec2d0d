using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Uwsgi.AspNetCore.FunctionalTests.Infrastructure;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.FunctionalTests;

public class RequestPathTests(SharedServer shared) : IClassFixture<SharedServer>
{
    [Theory]
    [Trait("Rule", "94")]
    [Trait("Rule", "95")]
    [Trait("Item", "10")]
    [InlineData("/", "/")]
    [InlineData("/a/b", "/a/b")]
    [InlineData("/.", "/")]
    [InlineData("/./", "/")]
    [InlineData("/a/./b", "/a/b")]
    [InlineData("/a/.", "/a/")]
    [InlineData("/a/..", "/")]
    [InlineData("/a/../", "/")]
    [InlineData("/a/b/..", "/a/")]
    [InlineData("/a/b/../c", "/a/c")]
    [InlineData("/a/../b/../c", "/c")]
    [InlineData("/a/..b", "/a/..b")]
    [InlineData("/a/b..", "/a/b..")]
    [InlineData("/...", "/...")]
    [InlineData("/.a/.b", "/.a/.b")]
    [InlineData("//", "//")]
    [InlineData("/a//b", "/a//b")]
    [InlineData("//a/..//b", "///b")]
    [InlineData("/a\\..\\b", "/a\\..\\b")]
    [InlineData("/a+b", "/a+b")]
    public async Task Dot_segments_are_removed_and_nothing_else(string pathInfo, string expected) =>
        Assert.Equal(("", expected), await shared.SeeAsync(UwsgiPacket.Minimal(path: pathInfo), PathOf));

    [Theory]
    [Trait("Rule", "94")]
    [Trait("Rule", "95")]
    [Trait("Item", "10")]
    [InlineData("/..")]
    [InlineData("/../")]
    [InlineData("/a/../../b")]
    [InlineData("/./..")]
    [InlineData("/a\0b")]
    [InlineData("a/b")]
    [InlineData("?")]
    public async Task A_path_that_cannot_be_is_refused(string pathInfo) =>
        Assert.Equal(400, await shared.RefusalAsync(UwsgiPacket.Minimal(path: pathInfo)));

    [Theory]
    [Trait("Rule", "96")]
    [Trait("Item", "11")]
    [InlineData("/100%25", "/100%25")]
    [InlineData("/%2e%2e/x", "/%2e%2e/x")]
    [InlineData("/%00", "/%00")]
    [InlineData("/a%2Fb", "/a%2Fb")]
    public async Task A_decoded_path_is_not_decoded_again(string pathInfo, string expected) =>
        Assert.Equal(expected, (await shared.SeeAsync(UwsgiPacket.Minimal(path: pathInfo), PathOf)).Path);

    [Theory]
    [Trait("Rule", "96")]
    [Trait("Item", "9")]
    [Trait("Item", "11")]
    [InlineData("2F C3 A9", "/\u00E9")]
    [InlineData("2F 65 CC 81", "/e\u0301")]
    [InlineData("2F F0 9F 98 80", "/\U0001F600")]
    [InlineData("2F E9", "/%E9")]
    [InlineData("2F C3 A9 FF 61", "/\u00E9%FFa")]
    [InlineData("2F C0 AF", "/%C0%AF")]
    [InlineData("2F ED A0 80", "/%ED%A0%80")]
    public async Task Path_bytes_are_utf8_and_stay_escaped_where_they_are_not(string hex, string expected)
    {
        var packet = UwsgiPacket.Minimal().Remove("PATH_INFO").Add("PATH_INFO"u8, Convert.FromHexString(hex.Replace(" ", "")));

        Assert.Equal(expected, (await shared.SeeAsync(packet, PathOf)).Path);
    }

    // What has to be decoded because no web server has done it.
    [Theory]
    [Trait("Rule", "94")]
    [Trait("Item", "11")]
    [InlineData("/a%20b?c", "/a b")]
    [InlineData("/%C3%A9", "/\u00E9")]
    [InlineData("/%41%4a", "/AJ")]
    [InlineData("/a%2fb", "/a/b")]
    [InlineData("/100%25", "/100%")]
    [InlineData("/a%zz%4", "/a%zz%4")]
    [InlineData("/%e9", "/%E9")]
    [InlineData("/a/%2e%2e/b", "/b")]
    [InlineData("/a+b", "/a+b")]
    public async Task A_target_is_decoded_once_when_nothing_else_names_the_path(string target, string expected)
    {
        var packet = UwsgiPacket.Minimal().Remove("PATH_INFO").Add("REQUEST_URI", target);

        Assert.Equal(expected, (await shared.SeeAsync(packet, PathOf)).Path);
    }

    [Theory]
    [Trait("Rule", "94")]
    [Trait("Item", "11")]
    [InlineData("/a%00b")]
    [InlineData("/%2e%2e/a")]
    public async Task A_target_that_decodes_to_no_path_is_refused(string target) =>
        Assert.Equal(400, await shared.RefusalAsync(UwsgiPacket.Minimal().Remove("PATH_INFO").Add("REQUEST_URI", target)));

    [Theory]
    [Trait("Rule", "98")]
    [Trait("Rule", "99")]
    [Trait("Item", "28")]
    [InlineData("", "", "", "", "/")]
    [InlineData("", "", "/from/uri?x", "", "/from/uri")]
    [InlineData("", "/a", "/rewritten", "", "/a")]
    [InlineData("/app1", "/app1/x", "/app1/x", "/app1", "/x")]
    [InlineData("/app1", "/app1/x", "/app1//x", "/app1", "/x")]
    [InlineData("/app1", "/app1", "/app1", "/app1", "")]
    [InlineData("/app1", "/app1/", "/app1/", "/app1", "/")]
    [InlineData("/app1/", "/app1/x", "/app1/x", "/app1", "/x")]
    [InlineData("/app1", "/app10/x", "/app10/x", "", "/app10/x")]
    [InlineData("/app1", "/APP1/x", "/APP1/x", "", "/APP1/x")]
    [InlineData("/a", "/a/x", "/a/a/x", "", "/a/a/x")]
    [InlineData("/x", "/y", "/x/y", "", "/x/y")]
    [InlineData("/whole/path", "", "/whole/path?q", "", "/whole/path")]
    [InlineData("/client/path", "/mapped/path", "/client/path", "", "/mapped/path")]
    [InlineData("/", "/a", "/a", "", "/a")]
    [InlineData("the_app", "/a", "/a", "", "/a")]
    public async Task A_mount_becomes_the_path_base_only_where_it_is_known_to_be_one(
        string scriptName, string pathInfo, string requestUri, string pathBase, string path)
    {
        var packet = UwsgiPacket.Minimal(path: pathInfo).Add("SCRIPT_NAME", scriptName).Add("REQUEST_URI", requestUri);

        Assert.Equal((pathBase, path), await shared.SeeAsync(packet, PathOf));
    }

    [Fact]
    [Trait("Item", "28")]
    public async Task The_document_uri_is_the_path_when_the_path_variables_are_missing()
    {
        var packet = UwsgiPacket.Minimal().Remove("PATH_INFO").Add("DOCUMENT_URI", "/document").Add("REQUEST_URI", "/other");

        Assert.Equal(("", "/document"), await shared.SeeAsync(packet, PathOf));
    }

    [Fact]
    [Trait("Rule", "98")]
    [Trait("Item", "28")]
    public async Task Modifier_30_says_that_the_mount_is_in_both()
    {
        var packet = UwsgiPacket.Minimal(path: "/a/x").Add("SCRIPT_NAME", "/a").Add("REQUEST_URI", "/a/a/x");
        packet.Modifier1 = 30;

        Assert.Equal(("/a", "/x"), await shared.SeeAsync(packet, PathOf));
    }

    [Theory]
    [Trait("Rule", "98")]
    [Trait("Rule", "99")]
    [Trait("Item", "28")]
    [InlineData(ScriptNameMode.Trust, "/app", "/x", "/app", "/x")]
    [InlineData(ScriptNameMode.Trust, "/app", "/app/x", "/app", "/x")]
    [InlineData(ScriptNameMode.Trust, "/app/", "/x", "/app", "/x")]
    [InlineData(ScriptNameMode.Trust, "/app", "", "/app", "")]
    [InlineData(ScriptNameMode.Trust, "/", "/x", "", "/x")]
    [InlineData(ScriptNameMode.Trust, "/", "", "", "/")]
    [InlineData(ScriptNameMode.Trust, "/app", "/apple", "/app", "/apple")]
    [InlineData(ScriptNameMode.Trust, "/APP", "/app/x", "/APP", "/app/x")]
    [InlineData(ScriptNameMode.Ignore, "/app", "/x", "", "/x")]
    [InlineData(ScriptNameMode.Ignore, "/app", "/app/x", "", "/app/x")]
    public async Task The_option_decides_what_the_script_name_means(
        ScriptNameMode mode, string scriptName, string pathInfo, string pathBase, string path)
    {
        var packet = UwsgiPacket.Minimal(path: pathInfo).Add("SCRIPT_NAME", scriptName);

        Assert.Equal((pathBase, path), await SeePathAsync(packet, uwsgi => uwsgi.ScriptName = mode));
    }

    [Theory]
    [Trait("Rule", "98")]
    [InlineData("/app/x", "/app", "/x")]
    [InlineData("/app", "/app", "")]
    [InlineData("/apple", "", "/apple")]
    [InlineData("/App/x", "", "/App/x")]
    public async Task A_configured_path_base_is_cut_off_at_a_segment_border(string pathInfo, string pathBase, string path) =>
        Assert.Equal((pathBase, path), await SeePathAsync(UwsgiPacket.Minimal(path: pathInfo), uwsgi => uwsgi.PathBase = "/app"));

    [Theory]
    [Trait("Rule", "97")]
    [InlineData("/a%2Fb", "/a/b", "/a%2Fb")]
    [InlineData("/a%2fb%20c", "/a/b c", "/a%2fb c")]
    [InlineData("/a%2Fb/../c", "/a/c", "/a/c")] // The web server has checked /a/c; with the slash kept it would be /c.
    [InlineData("/a%252Fb", "/a%2Fb", "/a%2Fb")]
    [InlineData("/a%2Fb", "/rewritten", "/rewritten")]
    [InlineData("/a/b", "/a/b", "/a/b")]
    public async Task Encoded_slashes_survive_on_request_unless_the_path_was_rewritten(string requestUri, string pathInfo, string path)
    {
        var packet = UwsgiPacket.Minimal(path: pathInfo).Add("REQUEST_URI", requestUri);

        Assert.Equal(("", path), await SeePathAsync(packet, uwsgi => uwsgi.PreserveEncodedSlashes = true));
    }

    [Fact]
    [Trait("Rule", "97")]
    public async Task Encoded_slashes_are_slashes_by_default()
    {
        var packet = UwsgiPacket.Minimal(path: "/a/b").Add("REQUEST_URI", "/a%2Fb");

        Assert.Equal(("", "/a/b"), await shared.SeeAsync(packet, PathOf));
    }

    [Fact]
    [Trait("Rule", "100")]
    public async Task Middleware_can_change_the_request_line_and_the_raw_target_stays()
    {
        await using var server = await GatewayTestServer.StartAsync(
            context =>
            {
                var (pathBase, path) = PathOf(context);
                context.Request.Path = "/changed";
                context.Request.PathBase = "/base";
                context.Request.QueryString = new QueryString("?changed");
                context.Request.Method = "CHANGED";
                context.Request.Scheme = "gopher";
                var feature = context.Features.GetRequiredFeature<IHttpRequestFeature>();
                return context.Response.WriteAsync(
                    $"{pathBase}|{path}|{feature.PathBase}|{feature.Path}|{feature.QueryString}|{feature.Method}|{feature.Scheme}|{feature.RawTarget}");
            },
            options => options.Pipeline = app => app.UsePathBase("/mount"));

        var response = await server.RequestAsync(UwsgiPacket.Nginx(target: "/mount/x?y=1"));

        Assert.Equal("/mount|/x|/base|/changed|?changed|CHANGED|gopher|/mount/x?y=1", response.Text);
    }

    [Fact]
    [Trait("Rule", "100")]
    public async Task A_status_code_page_is_re_executed_under_its_own_path()
    {
        await using var server = await GatewayTestServer.StartAsync(
            context =>
            {
                if (context.Request.Path == "/error/404")
                    return context.Response.WriteAsync($"page for {context.Features.Get<Microsoft.AspNetCore.Diagnostics.IStatusCodeReExecuteFeature>()?.OriginalPath}");

                context.Response.StatusCode = 404;
                return Task.CompletedTask;
            },
            options => options.Pipeline = app => app.UseStatusCodePagesWithReExecute("/error/{0}"));

        var response = await server.RequestAsync(UwsgiPacket.Nginx(target: "/missing"));

        Assert.Equal((404, "page for /missing"), (response.StatusCode, response.Text));
    }

    private static (string? PathBase, string? Path) PathOf(HttpContext context) => (context.Request.PathBase.Value, context.Request.Path.Value);

    private static async Task<(string? PathBase, string? Path)> SeePathAsync(UwsgiPacket packet, Action<UwsgiOptions> configure)
    {
        var seen = (PathBase: (string?)null, Path: (string?)null);
        await using var server = await GatewayTestServer.StartAsync(
            context =>
            {
                seen = PathOf(context);
                return Task.CompletedTask;
            },
            options => options.Uwsgi = configure);

        Assert.Equal(200, (await server.RequestAsync(packet)).StatusCode);
        return seen;
    }
}
