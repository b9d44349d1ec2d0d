using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Uwsgi.AspNetCore.FunctionalTests.Infrastructure;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.FunctionalTests;

public class RequestLineTests(SharedServer shared) : IClassFixture<SharedServer>
{
    [Theory]
    [Trait("Rule", "91")]
    [InlineData("GET")]
    [InlineData("POST")]
    [InlineData("HEAD")]
    [InlineData("PUT")]
    [InlineData("PATCH")]
    [InlineData("DELETE")]
    [InlineData("OPTIONS")]
    [InlineData("TRACE")]
    public async Task A_known_method_is_the_frameworks_own_string(string method)
    {
        var seen = await shared.SeeAsync(UwsgiPacket.Nginx(method), context => context.Request.Method);

        Assert.Same(HttpMethods.GetCanonicalizedValue(method), seen);
    }

    [Theory]
    [Trait("Rule", "91")]
    [InlineData("get")]
    [InlineData("BREW")]
    [InlineData("M-SEARCH")]
    [InlineData("!#$%&'*+-.^_`|~")]
    public async Task A_custom_method_keeps_its_case(string method)
    {
        var seen = await shared.SeeAsync(UwsgiPacket.Nginx(method), context => context.Request.Method);

        Assert.Equal(method, seen);
    }

    [Theory]
    [Trait("Rule", "91")]
    [InlineData("")]
    [InlineData("GE T")]
    [InlineData("GET\0")]
    [InlineData("GET\r\n")]
    [InlineData("G\u00C9T")]
    [InlineData("GET(")]
    public async Task A_method_that_is_no_token_is_refused(string method) =>
        Assert.Equal(400, await shared.RefusalAsync(UwsgiPacket.Nginx(method)));

    [Fact]
    [Trait("Rule", "91")]
    public async Task A_request_without_a_method_is_refused() =>
        Assert.Equal(400, await shared.RefusalAsync(UwsgiPacket.Nginx().Remove("REQUEST_METHOD")));

    [Theory]
    [Trait("Rule", "92")]
    [Trait("Item", "29")]
    [InlineData("HTTP/1.1", "HTTP/1.1")]
    [InlineData("HTTP/1.0", "HTTP/1.0")]
    [InlineData("HTTP/0.9", "HTTP/0.9")]
    [InlineData("HTTP/2.0", "HTTP/2")]
    [InlineData("HTTP/2", "HTTP/2")]
    [InlineData("HTTP/3.0", "HTTP/3")]
    [InlineData("HTTP/3", "HTTP/3")]
    [InlineData("", "HTTP/1.1")]
    [InlineData("HTTP/9.9", "HTTP/1.1")]
    [InlineData("http/2.0", "HTTP/1.1")]
    [InlineData("INCLUDED", "HTTP/1.1")]
    public async Task The_protocol_is_one_of_the_frameworks_own_strings(string sent, string expected)
    {
        var seen = await shared.SeeAsync(UwsgiPacket.Nginx().Set("SERVER_PROTOCOL", sent), context => context.Request.Protocol);

        string[] constants = [HttpProtocol.Http09, HttpProtocol.Http10, HttpProtocol.Http11, HttpProtocol.Http2, HttpProtocol.Http3];
        Assert.Same(constants.Single(constant => constant == expected), seen);
    }

    [Theory]
    [Trait("Item", "27")]
    [InlineData("on", null, null, "https")]
    [InlineData("ON", null, null, "https")]
    [InlineData("1", null, null, "https")]
    [InlineData("off", null, null, "http")]
    [InlineData("off", "https", null, "https")]
    [InlineData("", null, null, "http")]
    [InlineData("0", null, null, "http")]
    [InlineData(null, null, null, "http")]
    [InlineData(null, "https", null, "https")]
    [InlineData(null, "HTTPS", null, "https")]
    [InlineData(null, "http", "https", "http")]
    [InlineData(null, "", "https", "https")]
    [InlineData(null, "gopher", null, "http")]
    [InlineData(null, null, "https", "https")]
    [InlineData("on", "http", null, "https")]
    public async Task The_scheme_comes_from_the_web_servers_variables(string? https, string? requestScheme, string? uwsgiScheme, string expected)
    {
        var packet = UwsgiPacket.Nginx().Remove("REQUEST_SCHEME");
        if (https is not null)
            packet.Set("HTTPS", https);
        if (requestScheme is not null)
            packet.Set("REQUEST_SCHEME", requestScheme);
        if (uwsgiScheme is not null)
            packet.Set("UWSGI_SCHEME", uwsgiScheme);

        Assert.Equal(expected, await shared.SeeAsync(packet, context => context.Request.Scheme));
    }

    [Fact]
    [Trait("Item", "27")]
    public async Task A_client_cannot_claim_https_with_a_header()
    {
        var packet = UwsgiPacket.Nginx().Add("HTTP_HTTPS", "on").Add("HTTP_REQUEST_SCHEME", "https").Add("HTTP_X_FORWARDED_PROTO", "https");

        Assert.False(await shared.SeeAsync(packet, context => context.Request.IsHttps));
    }

    [Theory]
    [Trait("Rule", "94")]
    [InlineData("", "/p?ignored", "")]
    [InlineData("a=1&b=%20%2F+c", "/p", "?a=1&b=%20%2F+c")]
    [InlineData("?", "/p", "??")]
    [InlineData("raw=\u00C3\u00A9", "/p", "?raw=%C3%A9")]
    [InlineData(null, "/p?from=uri", "?from=uri")]
    [InlineData(null, "/p?from=uri#fragment", "?from=uri")]
    [InlineData(null, "/p?", "")]
    [InlineData(null, "/p", "")]
    public async Task The_query_keeps_its_escapes(string? queryString, string requestUri, string expected)
    {
        var packet = UwsgiPacket.Nginx().Set("REQUEST_URI", requestUri).Set("PATH_INFO", "/p");
        if (queryString is null)
            packet.Remove("QUERY_STRING");
        else
            packet.Set("QUERY_STRING", queryString);

        Assert.Equal(expected, await shared.SeeAsync(packet, context => context.Request.QueryString.Value));
    }

    [Theory]
    [Trait("Rule", "93")]
    [Trait("Item", "2")]
    [InlineData("http://example.test/p/q?x=1")]
    [InlineData("HTTPS://example.test:8443/p/q")]
    public async Task An_absolute_target_stays_raw_and_its_path_is_extracted(string target)
    {
        // nginx and uWSGI's router differ in what they put into PATH_INFO; the second passes the target on as it came.
        var fromNginx = UwsgiPacket.Nginx().Set("REQUEST_URI", target).Set("PATH_INFO", "/p/q");
        var fromRouter = UwsgiPacket.Nginx().Set("REQUEST_URI", target).Set("PATH_INFO", target.Split('?')[0]);
        var fromTargetAlone = UwsgiPacket.Nginx().Set("REQUEST_URI", target).Set("PATH_INFO", "");

        foreach (var packet in new[] { fromNginx, fromRouter, fromTargetAlone })
        {
            var seen = await shared.SeeAsync(packet, context => (RawTarget(context), context.Request.Path.Value));

            Assert.Equal((target, "/p/q"), seen);
        }
    }

    [Theory]
    [Trait("Rule", "93")]
    [Trait("Item", "9")]
    [Trait("Item", "17")]
    [InlineData("OPTIONS", "*", "*")]
    [InlineData("OPTIONS", "*", "")]
    [InlineData("CONNECT", "example.test:443", "example.test:443")]
    [InlineData("CONNECT", "example.test:443", "")]
    public async Task A_target_that_is_no_path_leaves_the_path_empty(string method, string target, string pathInfo)
    {
        var packet = UwsgiPacket.Nginx(method).Set("REQUEST_URI", target).Set("PATH_INFO", pathInfo);

        var seen = await shared.SeeAsync(packet, context => (RawTarget(context), context.Request.PathBase.Value, context.Request.Path.Value));

        Assert.Equal((target, "", ""), seen);
    }

    [Theory]
    [Trait("Item", "9")]
    [InlineData("/caf%C3%A9?q=%20", "/caf%C3%A9?q=%20")]
    [InlineData("/a/../b//c", "/a/../b//c")]
    [InlineData("/raw\u00C3\u00A9?\u00E9", "/raw%C3%A9?%E9")]
    [InlineData("?x=1", "?x=1")]
    public async Task The_raw_target_is_what_the_client_sent(string target, string expected)
    {
        var packet = UwsgiPacket.Nginx().Set("REQUEST_URI", target).Set("PATH_INFO", "/other");

        Assert.Equal(expected, await shared.SeeAsync(packet, RawTarget));
    }

    [Fact]
    [Trait("Item", "9")]
    public async Task A_missing_target_is_made_from_path_and_query()
    {
        var packet = UwsgiPacket.Minimal().Add("PATH_INFO"u8, "/café au lait"u8).Add("QUERY_STRING", "x=%20");

        Assert.Equal("/caf%C3%A9%20au%20lait?x=%20", await shared.SeeAsync(packet, RawTarget));
    }

    [Theory]
    [Trait("Item", "19")]
    [InlineData("REQUEST_URI", "/a\0b")]
    [InlineData("REQUEST_URI", "/a\r\nX: y")]
    [InlineData("QUERY_STRING", "a\nb")]
    [InlineData("QUERY_STRING", "a\0b")]
    public async Task A_target_cannot_hold_line_ends(string name, string value) =>
        Assert.Equal(400, await shared.RefusalAsync(UwsgiPacket.Nginx().Set(name, value)));

    private static string RawTarget(HttpContext context) => context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
}
