using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.FunctionalTests.Attacks;

/// <summary>From variables to the request line, the host and the connection: the rules are the same on every protocol.</summary>
public class RequestRuleTests(ProtocolServers servers) : IClassFixture<ProtocolServers>
{
    [Theory]
    [Trait("GatewayRule", "11")]
    [OnEachProtocol("get")]
    [OnEachProtocol("PROPFIND")]
    [OnEachProtocol("M-SEARCH!#$%&'*+.^_`|~9")]
    public async Task A_method_is_any_token_in_its_own_case(GatewayProtocol protocol, string method) =>
        Assert.Equal(method, await servers.SeeAsync(protocol, GatewayWire.Packet(protocol, method), context => context.Request.Method));

    [Theory]
    [Trait("GatewayRule", "11")]
    [OnEachProtocol("")]
    [OnEachProtocol("GET /")]
    [OnEachProtocol("G\tT")]
    [OnEachProtocol("GET\r\nX: y")]
    [OnEachProtocol("G\0T")]
    [OnEachProtocol("G\u00C9T")]
    public async Task A_method_that_is_no_token_is_refused(GatewayProtocol protocol, string method) =>
        Assert.Equal(400, await servers.RefusalAsync(protocol, GatewayWire.Packet(protocol, method)));

    [Theory]
    [Trait("GatewayRule", "12")]
    [OnEachProtocol("", "/info", "/document", "/target", "/info")]
    [OnEachProtocol("/script", "", "/document", "/target", "/script")]
    [OnEachProtocol("/script", "/info", "/document", "/script/info", "/script/info")]
    [OnEachProtocol("", "", "/document", "/target", "/document")]
    [OnEachProtocol("", "", "", "/tar%67et?q", "/target")]
    [OnEachProtocol("", "", "", "", "/")]
    public async Task The_path_comes_from_the_first_variable_that_has_one(
        GatewayProtocol protocol, string script, string info, string document, string target, string expected)
    {
        var packet = GatewayWire.Packet(protocol)
            .Set("SCRIPT_NAME", script).Set("PATH_INFO", info).Set("DOCUMENT_URI", document).Set("REQUEST_URI", target);

        Assert.Equal(("", expected), await servers.SeeAsync(protocol, packet, PathOf));
    }

    [Theory]
    [Trait("GatewayRule", "12")]
    [OnEachProtocol]
    public async Task A_request_without_variables_is_refused(GatewayProtocol protocol) =>
        Assert.Equal(400, await servers.RefusalAsync(protocol, new UwsgiPacket()));

    [Theory]
    [Trait("GatewayRule", "13")]
    [OnEachProtocol("/app", "/app/sub", "/app/sub", "/app", "/sub")]
    [OnEachProtocol("/app", "/app", "/app", "/app", "")]
    [OnEachProtocol("/app", "/app/sub", "/app/app/sub", "", "/app/app/sub")]
    public async Task A_mount_that_the_path_repeats_is_not_prepended(
        GatewayProtocol protocol, string script, string info, string target, string pathBase, string path)
    {
        var packet = GatewayWire.Packet(protocol).Set("SCRIPT_NAME", script).Set("PATH_INFO", info).Set("REQUEST_URI", target);

        Assert.Equal((pathBase, path), await servers.SeeAsync(protocol, packet, PathOf));
    }

    [Theory]
    [Trait("GatewayRule", "14")]
    [OnEachProtocol("/shop/cart", "", "/shop/cart", "", "/shop/cart")]
    [OnEachProtocol("/shop", "/cart", "/shop/cart", "", "/shop/cart")]
    [OnEachProtocol("/shop/cart", "/mapped", "/shop/cart", "", "/mapped")]
    public async Task A_script_name_is_no_path_base_by_itself(
        GatewayProtocol protocol, string script, string info, string target, string pathBase, string path)
    {
        var packet = GatewayWire.Packet(protocol).Set("SCRIPT_NAME", script).Set("PATH_INFO", info).Set("REQUEST_URI", target);

        Assert.Equal((pathBase, path), await servers.SeeAsync(protocol, packet, PathOf));
    }

    [Theory]
    [Trait("GatewayRule", "14")]
    [OnEachProtocol("/shop/cart", "/shop", "/cart")]
    [OnEachProtocol("/shop", "/shop", "")]
    [OnEachProtocol("/shopping", "", "/shopping")]
    public async Task A_configured_path_base_is_cut_off_at_the_border_of_a_segment(
        GatewayProtocol protocol, string target, string pathBase, string path)
    {
        (string, string) seen = default;
        await using var server = await AttackServer.StartAsync(
            protocol,
            context =>
            {
                seen = PathOf(context);
                return Task.CompletedTask;
            },
            options => options.PathBase = "/shop");

        await server.RequestAsync(GatewayWire.Packet(protocol, target: target));

        Assert.Equal((pathBase, path), seen);
    }

    [Theory]
    [Trait("GatewayRule", "15")]
    [OnEachProtocol("/caf\u00C3\u00A9", "/caf\u00E9")]
    [OnEachProtocol("/\u00C0\u00AF", "/%C0%AF")]
    [OnEachProtocol("/\u00E9", "/%E9")]
    public async Task A_path_is_utf8_and_loses_nothing_where_it_is_not(GatewayProtocol protocol, string latin1, string expected)
    {
        var packet = GatewayWire.Packet(protocol).Set("PATH_INFO", latin1);

        Assert.Equal(("", expected), await servers.SeeAsync(protocol, packet, PathOf));
    }

    [Theory]
    [Trait("GatewayRule", "16")]
    [OnEachProtocol("/100%25")]
    [OnEachProtocol("/%2e%2e/secret")]
    [OnEachProtocol("/a%00b")]
    public async Task A_path_is_not_decoded_twice(GatewayProtocol protocol, string info) =>
        Assert.Equal(("", info), await servers.SeeAsync(protocol, GatewayWire.Packet(protocol).Set("PATH_INFO", info), PathOf));

    [Theory]
    [Trait("GatewayRule", "17")]
    [OnEachProtocol("/a/./b/../c", "/a/c")]
    [OnEachProtocol("/a/..", "/")]
    [OnEachProtocol("//host.test/x", "//host.test/x")]
    [OnEachProtocol("/a//b", "/a//b")]
    public async Task Dot_segments_are_removed_and_double_slashes_kept(GatewayProtocol protocol, string info, string expected) =>
        Assert.Equal(("", expected), await servers.SeeAsync(protocol, GatewayWire.Packet(protocol).Set("PATH_INFO", info), PathOf));

    [Theory]
    [Trait("GatewayRule", "17")]
    [OnEachProtocol("PATH_INFO", "/../etc/passwd")]
    [OnEachProtocol("PATH_INFO", "/a/../../b")]
    [OnEachProtocol("SCRIPT_NAME", "/../app")]
    [OnEachProtocol("REQUEST_URI", "/%2e%2e/etc/passwd")]
    public async Task A_path_above_the_root_is_refused(GatewayProtocol protocol, string variable, string value)
    {
        var packet = GatewayWire.Packet(protocol).Set("PATH_INFO", "").Set(variable, value);

        Assert.Equal(400, await servers.RefusalAsync(protocol, packet));
    }

    [Theory]
    [Trait("GatewayRule", "18")]
    [Trait("Attack", "control characters")]
    [OnEachProtocol("PATH_INFO", "/a\0b")]
    [OnEachProtocol("SCRIPT_NAME", "/a\0b")]
    [OnEachProtocol("REQUEST_URI", "/a%00b")]
    [OnEachProtocol("REQUEST_URI", "/a\r\nHTTP/1.1")]
    [OnEachProtocol("QUERY_STRING", "a\nb")]
    public async Task Control_characters_in_a_target_and_NUL_in_a_path_are_refused(GatewayProtocol protocol, string variable, string value)
    {
        var packet = GatewayWire.Packet(protocol).Set("PATH_INFO", "").Set(variable, value);

        Assert.Equal(400, await servers.RefusalAsync(protocol, packet));
    }

    [Theory]
    [Trait("GatewayRule", "18")]
    [Trait("Attack", "response splitting")]
    [OnEachProtocol]
    public async Task Line_ends_of_a_decoded_path_do_not_get_into_a_header(GatewayProtocol protocol)
    {
        var error = await servers.SeeAsync(
            protocol,
            GatewayWire.Packet(protocol, target: "/a%0d%0aInjected:%20yes"),
            context =>
            {
                Assert.Equal("/a\r\nInjected: yes", context.Request.Path.Value);
                return Record.Exception(() => context.Response.Headers.Location = context.Request.Path.Value);
            });

        Assert.IsType<InvalidOperationException>(error);
    }

    [Theory]
    [Trait("GatewayRule", "19")]
    [OnEachProtocol("http://other.test:8081/x?y", "http://other.test:8081/x?y")]
    [OnEachProtocol("example.test:443", "example.test:443")]
    [OnEachProtocol("?x=1", "?x=1")]
    [OnEachProtocol("/x#fragment", "/x#fragment")]
    [OnEachProtocol("/x y", "/x y")]
    [OnEachProtocol("/\u00C3\u00A9", "/%C3%A9")]
    [OnEachProtocol("/%zz", "/%zz")]
    [OnEachProtocol("/../..", "/../..")]
    public async Task The_raw_target_is_what_arrived_and_routes_nothing(GatewayProtocol protocol, string target, string expected)
    {
        var packet = GatewayWire.Packet(protocol).Set("REQUEST_URI", target).Set("PATH_INFO", "/route");

        var seen = await servers.SeeAsync(
            protocol, packet, context => (context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget, PathOf(context)));

        Assert.Equal((expected, ("", "/route")), seen);
    }

    [Theory]
    [Trait("GatewayRule", "19")]
    [OnEachProtocol]
    public async Task The_asterisk_is_no_path(GatewayProtocol protocol)
    {
        var packet = GatewayWire.Packet(protocol, "OPTIONS").Set("REQUEST_URI", "*").Set("PATH_INFO", "*");

        Assert.Equal(("", ""), await servers.SeeAsync(protocol, packet, PathOf));
    }

    [Theory]
    [Trait("GatewayRule", "20")]
    [OnEachProtocol("/a%2Fb", "/a/b", false, "/a/b")]
    [OnEachProtocol("/a%2Fb", "/a%2Fb", false, "/a%2Fb")]
    [OnEachProtocol("/a%2Fb", "/a/b", true, "/a%2Fb")]
    [OnEachProtocol("/public%2F..%2Fsecret", "/secret", true, "/secret")]
    [OnEachProtocol("/other%2Fpath", "/a/b", true, "/a/b")]
    public async Task An_encoded_slash_comes_back_only_on_request_and_for_the_same_path(
        GatewayProtocol protocol, string target, string info, bool preserve, string expected)
    {
        (string, string) seen = default;
        await using var server = await AttackServer.StartAsync(
            protocol,
            context =>
            {
                seen = PathOf(context);
                return Task.CompletedTask;
            },
            options => options.PreserveEncodedSlashes = preserve);

        await server.RequestAsync(GatewayWire.Packet(protocol).Set("REQUEST_URI", target).Set("PATH_INFO", info));

        Assert.Equal(("", expected), seen);
    }

    [Theory]
    [Trait("GatewayRule", "21")]
    [OnEachProtocol("a=b", "/?x=y", "?a=b")]
    [OnEachProtocol("", "/?x=y", "")]
    [OnEachProtocol(null, "/?x=y", "?x=y")]
    [OnEachProtocol(null, "/?x=y#z", "?x=y")]
    [OnEachProtocol(null, "/", "")]
    public async Task The_query_is_the_variable_also_when_it_is_empty(GatewayProtocol protocol, string? query, string target, string expected)
    {
        var packet = GatewayWire.Packet(protocol).Set("REQUEST_URI", target).Remove("QUERY_STRING");
        if (query is not null)
            packet.Add("QUERY_STRING", query);

        Assert.Equal(expected, await servers.SeeAsync(protocol, packet, context => context.Request.QueryString.Value));
    }

    [Theory]
    [Trait("GatewayRule", "22")]
    [OnEachProtocol(true)]
    [OnEachProtocol(false)]
    public async Task Empty_variables_are_absent_ones(GatewayProtocol protocol, bool isThere)
    {
        var packet = GatewayWire.Packet(protocol).Set("SERVER_NAME", "server.test");
        foreach (var name in new[] { "CONTENT_TYPE", "HTTPS", "REMOTE_PORT", "SERVER_PORT", "REMOTE_USER", "AUTH_TYPE", "HTTP_HOST" })
        {
            packet.Remove(name);
            if (isThere)
                packet.Add(name, "");
        }

        var seen = await servers.SeeAsync(protocol, packet, context => (
            context.Request.ContentType,
            context.Request.ContentLength is null or 0,
            context.Request.Scheme,
            context.Connection.RemotePort,
            context.Connection.LocalPort,
            context.User.Identity?.IsAuthenticated,
            context.Request.Host.Value));

        Assert.Equal((null, true, "http", 0, 0, false, "server.test"), seen);
    }

    [Theory]
    [Trait("GatewayRule", "23")]
    [OnEachProtocol("HTTP/0.9", "HTTP/0.9")]
    [OnEachProtocol("HTTP/1.0", "HTTP/1.0")]
    [OnEachProtocol("HTTP/2.0", "HTTP/2")]
    [OnEachProtocol("HTTP/3.0", "HTTP/3")]
    [OnEachProtocol("", "HTTP/1.1")]
    [OnEachProtocol("in target HTTP/1.1", "HTTP/1.1")]
    [OnEachProtocol("\r\n", "HTTP/1.1")]
    public async Task Any_protocol_text_is_a_version(GatewayProtocol protocol, string text, string expected) =>
        Assert.Equal(expected, await servers.SeeAsync(protocol, GatewayWire.Packet(protocol).Set("SERVER_PROTOCOL", text), context => context.Request.Protocol));

    [Theory]
    [Trait("GatewayRule", "24")]
    [OnEachProtocol("client.test:81", "server.test", "80", "client.test:81")]
    [OnEachProtocol("", "server.test", "80", "server.test")]
    [OnEachProtocol("", "server.test", "8080", "server.test:8080")]
    [OnEachProtocol("", "server.test:81", "8080", "server.test:81")]
    [OnEachProtocol("", "2001:db8::1", "8080", "[2001:db8::1]:8080")]
    [OnEachProtocol("", "[2001:db8::1]", "8080", "[2001:db8::1]:8080")]
    [OnEachProtocol("", "", "80", "")]
    public async Task The_host_is_the_clients_else_the_servers(
        GatewayProtocol protocol, string host, string name, string port, string expected)
    {
        var packet = GatewayWire.Packet(protocol).Set("HTTP_HOST", host).Set("SERVER_NAME", name).Set("SERVER_PORT", port);

        Assert.Equal(expected, await servers.SeeAsync(protocol, packet, context => context.Request.Host.Value ?? ""));
    }

    [Theory]
    [Trait("GatewayRule", "24")]
    [OnEachProtocol("HTTP_HOST", "a b")]
    [OnEachProtocol("HTTP_HOST", "a.test, b.test")]
    [OnEachProtocol("HTTP_HOST", "a.test/path")]
    [OnEachProtocol("HTTP_HOST", "user@a.test")]
    [OnEachProtocol("HTTP_HOST", "a.test:port")]
    [OnEachProtocol("HTTP_HOST", "[::1")]
    [OnEachProtocol("SERVER_NAME", "a\r\nb")]
    public async Task A_malformed_host_is_refused(GatewayProtocol protocol, string variable, string value) =>
        Assert.Equal(400, await servers.RefusalAsync(protocol, GatewayWire.Packet(protocol).Set("HTTP_HOST", "").Set(variable, value)));

    [Theory]
    [Trait("GatewayRule", "25")]
    [OnEachProtocol("on", "http", "", "https")]
    [OnEachProtocol("ON", "", "", "https")]
    [OnEachProtocol("1", "", "", "https")]
    [OnEachProtocol("off", "https", "", "https")]
    [OnEachProtocol("", "http", "https", "http")]
    [OnEachProtocol("", "", "https", "https")]
    [OnEachProtocol("", "ftp", "", "http")]
    [OnEachProtocol("", "", "", "http")]
    public async Task The_scheme_comes_from_the_web_server(
        GatewayProtocol protocol, string https, string requestScheme, string uwsgiScheme, string expected)
    {
        var packet = GatewayWire.Packet(protocol)
            .Set("HTTPS", https).Set("REQUEST_SCHEME", requestScheme).Set("UWSGI_SCHEME", uwsgiScheme).Set("HTTP_HTTPS", "on");

        Assert.Equal(expected, await servers.SeeAsync(protocol, packet, context => context.Request.Scheme));
    }

    [Theory]
    [Trait("GatewayRule", "26")]
    [OnEachProtocol("192.0.2.7", "51234", "192.0.2.7", 51234)]
    [OnEachProtocol("2001:db8::7", "0", "2001:db8::7", 0)]
    [OnEachProtocol("unix:", "", null, 0)]
    [OnEachProtocol("", "70000", null, 0)]
    [OnEachProtocol("not an address", "-1", null, 0)]
    public async Task An_address_that_cannot_be_read_is_unknown(
        GatewayProtocol protocol, string address, string port, string? expectedAddress, int expectedPort)
    {
        var packet = GatewayWire.Packet(protocol).Set("REMOTE_ADDR", address).Set("REMOTE_PORT", port);

        var seen = await servers.SeeAsync(
            protocol, packet, context => (context.Connection.RemoteIpAddress?.ToString(), context.Connection.RemotePort));

        Assert.Equal((expectedAddress, expectedPort), seen);
    }

    private static (string PathBase, string Path) PathOf(HttpContext context) =>
        (context.Request.PathBase.Value ?? "", context.Request.Path.Value ?? "");
}
