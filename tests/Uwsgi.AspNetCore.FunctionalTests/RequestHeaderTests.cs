using System.Globalization;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Net.Http.Headers;
using Uwsgi.AspNetCore.FunctionalTests.Infrastructure;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.FunctionalTests;

public class RequestHeaderTests(SharedServer shared) : IClassFixture<SharedServer>
{
    [Theory]
    [Trait("Rule", "88")]
    [InlineData("HTTP_X_REQUEST_TAG", "X-Request-Tag")]
    [InlineData("HTTP_USER_AGENT", "User-Agent")]
    [InlineData("HTTP_TE_XT", "Te-Xt")]
    [InlineData("HTTP_A", "A")]
    [InlineData("HTTP_X.DOT", "X.dot")]
    [InlineData("HTTP_X-REAL-IP", "X-Real-IP")]
    [InlineData("HTTP_x_lower", "X-Lower")]
    public async Task A_variable_becomes_a_header(string variable, string name)
    {
        var seen = await shared.SeeAsync(
            UwsgiPacket.Nginx().Add(variable, "value"),
            context => (Value: context.Request.Headers[name.ToUpperInvariant()].ToString(), Name: context.Request.Headers.Keys.Single(key => key != "Host")));

        Assert.Equal(("value", name), seen);
    }

    [Theory]
    [Trait("Rule", "88")]
    [Trait("Item", "14")]
    [InlineData("HTTP_X SP")]
    [InlineData("HTTP_X_SP ")]
    [InlineData("HTTP_X:Y")]
    [InlineData("HTTP_X\0Y")]
    [InlineData("HTTP_X\r\nY")]
    [InlineData("HTTP_X(Y)")]
    [InlineData("HTTP_X\u00C9")]
    [InlineData("HTTP_")]
    [InlineData("HTTPX_Y")]
    [InlineData("http_x_y")]
    public async Task A_name_that_no_header_can_have_is_no_header(string variable)
    {
        var names = await shared.SeeAsync(UwsgiPacket.Nginx().Add(variable, "value"), context => context.Request.Headers.Keys.ToArray());

        Assert.Equal(["Host"], names);
    }

    [Fact]
    [Trait("Rule", "88")]
    public async Task The_bodys_type_and_length_have_variables_of_their_own()
    {
        var packet = UwsgiPacket.Nginx("POST").WithBody("{}", "application/json")
            .Add("HTTP_CONTENT_TYPE", "text/html").Add("HTTP_CONTENT_LENGTH", "2");

        var seen = await shared.SeeAsync(
            packet, context => (context.Request.Headers.ContentType.ToString(), context.Request.ContentLength, context.Request.Headers["content-length"].ToString()));

        Assert.Equal(("application/json", 2, "2"), seen);
    }

    [Fact]
    [Trait("Rule", "88")]
    public async Task An_empty_content_type_is_none()
    {
        var seen = await shared.SeeAsync(
            UwsgiPacket.Nginx().Add("HTTP_CONTENT_TYPE", "text/html"), context => (context.Request.ContentType, context.Request.ContentLength));

        Assert.Equal((null, null), seen);
    }

    [Theory]
    [InlineData("HTTP_CONNECTION", "close")]
    [InlineData("HTTP_KEEP_ALIVE", "timeout=5")]
    [InlineData("HTTP_PROXY_CONNECTION", "keep-alive")]
    [InlineData("HTTP_TE", "trailers")]
    [InlineData("HTTP_EXPECT", "100-continue")]
    [InlineData("HTTP_UPGRADE", "h2c")]
    [InlineData("HTTP_PROXY", "http://attacker.test")]
    [InlineData("HTTP_Proxy", "http://attacker.test")]
    [Trait("Rule", "78")]
    public async Task What_concerns_the_web_server_alone_is_hidden(string variable, string value)
    {
        var connection = await shared.Server.SendAsync(UwsgiPacket.Nginx().Add(variable, value));
        var answer = Encoding.Latin1.GetString(await connection.Client.ReadToEndAsync());
        var names = await shared.SeeAsync(UwsgiPacket.Nginx().Add(variable, value), context => context.Request.Headers.Keys.ToArray());

        // No interim response either.
        Assert.StartsWith("HTTP/1.1 200 ", answer);
        Assert.Equal(["Host"], names);
    }

    [Fact]
    [Trait("Rule", "89")]
    [Trait("Item", "12")]
    public async Task Repeated_headers_keep_their_values_in_order()
    {
        var packet = UwsgiPacket.Nginx()
            .Add("HTTP_X_TAG", "1").Add("HTTP_ACCEPT", "a/a").Add("HTTP_X_TAG", "").Add("HTTP_X-TAG", "3, 4").Add("HTTP_ACCEPT", "b/b");

        var seen = await shared.SeeAsync(
            packet, context => (string.Join('|', context.Request.Headers["X-Tag"].ToArray()), string.Join('|', context.Request.Headers.Accept.ToArray())));

        Assert.Equal(("1||3, 4", "a/a|b/b"), seen);
    }

    [Theory]
    [Trait("Rule", "89")]
    [Trait("Item", "32")]
    [InlineData("a=1; b=2", null)]
    [InlineData("a=1", "b=2")]
    [InlineData("a=1; ", "b=2")]
    public async Task Cookies_of_one_and_of_several_lines_are_all_found(string first, string? second)
    {
        var packet = UwsgiPacket.Nginx().Add("HTTP_COOKIE", first);
        if (second is not null)
            packet.Add("HTTP_COOKIE", second);

        var seen = await shared.SeeAsync(
            packet, context => (context.Request.Cookies["a"], context.Request.Cookies["b"], context.Request.Headers.Cookie.Count));

        Assert.Equal(("1", "2", 1), seen);
    }

    [Theory]
    [Trait("Rule", "87")]
    [InlineData("", "")]
    [InlineData("plain", "plain")]
    [InlineData(" \t padded \t", "padded")]
    [InlineData("a\tb", "a\tb")]
    [InlineData("caf\u00C3\u00A9", "caf\u00E9")]
    public async Task A_value_is_utf8_without_the_blanks_around_it(string latin1, string expected)
    {
        var seen = await shared.SeeAsync(UwsgiPacket.Nginx().Add("HTTP_X_VALUE", latin1), context => context.Request.Headers["X-Value"]);

        Assert.Equal(expected, Assert.Single(seen.ToArray()));
    }

    [Theory]
    [Trait("Rule", "87")]
    [Trait("Item", "19")]
    [InlineData("HTTP_X_VALUE", "a\0b")]
    [InlineData("HTTP_X_VALUE", "a\rb")]
    [InlineData("HTTP_X_VALUE", "a\nb")]
    [InlineData("HTTP_X_VALUE", "a\r\nInjected: yes")]
    [InlineData("HTTP_X_VALUE", "a\r\n folded")]
    [InlineData("HTTP_X_VALUE", "caf\u00E9")]
    [InlineData("HTTP_COOKIE", "a=\r\nInjected: yes")]
    [InlineData("HTTP_PROXY", "a\nb")]
    [InlineData("CONTENT_TYPE", "text/plain\r\nInjected: yes")]
    [InlineData("CONTENT_LENGTH", "0\r\nInjected: yes")]
    [InlineData("HTTP_HOST", "example.test\r\nInjected: yes")]
    public async Task A_value_that_could_split_a_message_or_has_no_meaning_is_refused(string name, string value) =>
        Assert.Equal(400, await shared.RefusalAsync(UwsgiPacket.Nginx().Set(name, value)));

    [Fact]
    [Trait("Item", "19")]
    public async Task A_variable_with_line_ends_is_no_header()
    {
        var packet = UwsgiPacket.Nginx().Add("SSL_CLIENT_S_DN", "a\r\nHTTP_INJECTED: yes").Add("X\r\nHTTP_INJECTED", "yes");

        Assert.Equal(["Host"], await shared.SeeAsync(packet, context => context.Request.Headers.Keys.ToArray()));
    }

    [Fact]
    [Trait("Rule", "87")]
    public async Task Another_encoding_can_be_chosen_per_header()
    {
        string? latin1 = null;
        await using var server = await GatewayTestServer.StartAsync(
            context =>
            {
                latin1 = context.Request.Headers["X-Latin1"];
                return Task.CompletedTask;
            },
            options => options.Uwsgi = uwsgi => uwsgi.RequestHeaderEncodingSelector = name => name == "X-Latin1" ? Encoding.Latin1 : null);

        var accepted = await server.RequestAsync(UwsgiPacket.Nginx().Add("HTTP_X_LATIN1", "caf\u00E9"));

        Assert.Equal((200, "caf\u00E9"), (accepted.StatusCode, latin1));
        Assert.Equal(400, await server.RefusalAsync(UwsgiPacket.Nginx().Add("HTTP_X_OTHER", "caf\u00E9").ToArray()));
    }

    [Theory]
    [Trait("Rule", "90")]
    [Trait("Item", "13")]
    [InlineData("example.test")]
    [InlineData("EXAMPLE.test:8080")]
    [InlineData("localhost:0")]
    [InlineData("192.0.2.1:65535")]
    [InlineData("[::1]")]
    [InlineData("[2001:DB8::1]:443")]
    [InlineData("[::ffff:192.0.2.1]:80")]
    [InlineData("xn--c1yn36f:134")]
    [InlineData("-")]
    [InlineData("_")]
    [InlineData("a_b~c!$'()")]
    public async Task A_well_formed_host_is_passed_on(string host)
    {
        var seen = await shared.SeeAsync(UwsgiPacket.Nginx(host: host), context => (context.Request.Host.ToUriComponent(), context.Request.Headers.Host.ToString()));

        Assert.Equal((host, host), seen);
    }

    [Theory]
    [Trait("Rule", "90")]
    [Trait("Item", "13")]
    [Trait("Item", "16")]
    [InlineData(":")]
    [InlineData(":80")]
    [InlineData("example.test:")]
    [InlineData("example.test:abc")]
    [InlineData("example.test:80:80")]
    [InlineData("example.test:-1")]
    [InlineData("exa mple.test")]
    [InlineData("example.test/path")]
    [InlineData("user@example.test")]
    [InlineData("example.test?q")]
    [InlineData("example.test#f")]
    [InlineData("a,b\\c")]
    [InlineData("[]")]
    [InlineData("[")]
    [InlineData("[::1")]
    [InlineData("[::g]")]
    [InlineData("[::1]x")]
    [InlineData("[::1]:")]
    [InlineData("::1")]
    [InlineData("\u00C3\u00A9.test")]
    [InlineData("example\t.test")]
    public async Task A_malformed_host_is_refused(string host) => Assert.Equal(400, await shared.RefusalAsync(UwsgiPacket.Nginx(host: host)));

    [Theory]
    [Trait("Rule", "90")]
    [InlineData("server.test", "80", false, "server.test")]
    [InlineData("server.test", "443", true, "server.test")]
    [InlineData("server.test", "8080", false, "server.test:8080")]
    [InlineData("server.test", "443", false, "server.test:443")]
    [InlineData("server.test", "", false, "server.test")]
    [InlineData("server.test:81", "8080", false, "server.test:81")]
    [InlineData("2001:db8::1", "8080", false, "[2001:db8::1]:8080")]
    [InlineData("[2001:db8::1]", "8080", false, "[2001:db8::1]:8080")]
    [InlineData("_", "80", false, "")]
    [InlineData("", "80", false, "")]
    public async Task A_client_without_a_host_gets_the_servers(string name, string port, bool https, string expected)
    {
        foreach (var packet in new[] { UwsgiPacket.Nginx(https: https).Remove("HTTP_HOST"), UwsgiPacket.Nginx(https: https, host: "") })
        {
            packet.Set("SERVER_NAME", name).Set("SERVER_PORT", port);

            Assert.Equal(expected, await shared.SeeAsync(packet, context => context.Request.Host.Value ?? ""));
        }
    }

    [Fact]
    [Trait("Rule", "90")]
    [Trait("Item", "16")]
    public async Task A_malformed_server_name_is_refused_too() =>
        Assert.Equal(400, await shared.RefusalAsync(UwsgiPacket.Nginx().Remove("HTTP_HOST").Set("SERVER_NAME", "a\r\nb")));

    [Fact]
    [Trait("Rule", "90")]
    public async Task The_same_host_twice_is_one_and_two_hosts_are_refused()
    {
        var same = await shared.SeeAsync(UwsgiPacket.Nginx().Add("HTTP_HOST", "Example.Test"), context => context.Request.Host.Value);

        Assert.Equal("example.test", same);
        Assert.Equal(400, await shared.RefusalAsync(UwsgiPacket.Nginx().Add("HTTP_HOST", "other.test")));
        Assert.Equal(400, await shared.RefusalAsync(UwsgiPacket.Nginx().Add("HTTP_host", "other.test")));
    }

    [Fact]
    [Trait("Item", "12")]
    public async Task The_collection_follows_the_contract_of_header_dictionaries()
    {
        var packet = UwsgiPacket.Nginx("POST").WithBody("12345", "text/plain").Add("HTTP_X_A", "1").Add("HTTP_ACCEPT", "text/html");

        await shared.SeeAsync(packet, context =>
        {
            var headers = context.Request.Headers;

            Assert.Equal(5, headers.ContentLength);
            Assert.Equal(0, headers["missing"].Count);
            Assert.False(headers.TryGetValue("missing", out _));
            Assert.Throws<KeyNotFoundException>(() => ((IDictionary<string, Microsoft.Extensions.Primitives.StringValues>)headers)["missing"]);
            Assert.Throws<ArgumentException>(() => ((IDictionary<string, Microsoft.Extensions.Primitives.StringValues>)headers).Add("x-a", "2"));

            // Reading values while enumerating must not disturb the enumeration.
            var names = new List<string>();
            foreach (var (name, value) in headers)
            {
                Assert.Equal(value, headers[name]);
                names.Add(name);
            }

            Assert.Equal(["Accept", "Content-Length", "Content-Type", "Host", "X-A"], names.Order(StringComparer.Ordinal));
            Assert.Equal(5, headers.Count);

            headers.Append("X-A", "2");
            Assert.Equal("1|2", string.Join('|', headers["X-A"].ToArray()));
            headers["X-A"] = default;
            Assert.False(headers.ContainsKey("X-A"));
            headers.ContentLength = 7;
            Assert.Equal("7", headers[HeaderNames.ContentLength].ToString());
            headers.ContentLength = null;
            Assert.False(headers.ContainsKey(HeaderNames.ContentLength));
            Assert.Throws<ArgumentOutOfRangeException>(() => headers.ContentLength = -1);
            Assert.ThrowsAny<Exception>(() => headers[HeaderNames.ContentLength] = "many");
            headers.Clear();
            Assert.Empty(headers);
            return true;
        });
    }

    [Theory]
    [Trait("Rule", "86")]
    [Trait("Item", "21")]
    [InlineData("HTTP_X_{0}")]
    [InlineData("HTTP_X")]
    [InlineData("HTTP_X {0}")]
    public async Task More_header_lines_than_the_limit_are_refused(string variable)
    {
        UwsgiPacket WithHeaders(int count)
        {
            var packet = UwsgiPacket.Minimal();
            for (var i = 0; i < count; i++)
                packet.Add(string.Format(CultureInfo.InvariantCulture, variable, i), "v");
            return packet;
        }

        await shared.SeeAsync(WithHeaders(100), context => true);
        Assert.Equal(431, await shared.RefusalAsync(WithHeaders(101)));
    }

    [Fact]
    [Trait("Rule", "86")]
    public async Task Variables_that_are_no_headers_do_not_count_as_such()
    {
        var packet = UwsgiPacket.Nginx();
        for (var i = 0; i < 500; i++)
            packet.Add($"SETTING_{i}", "v");

        Assert.Equal(1, await shared.SeeAsync(packet, context => context.Request.Headers.Count));
    }

    [Fact]
    [Trait("Rule", "86")]
    [Trait("Item", "20")]
    public async Task A_block_larger_than_the_buffer_is_refused()
    {
        await using var server = await GatewayTestServer.StartAsync(
            context => context.Response.WriteAsync("served"), options => options.Uwsgi = uwsgi => uwsgi.BufferSize = 4096);
        var fill = 4096 - UwsgiPacket.Nginx().Add("HTTP_X_FILL", "").ToBlock().Length;

        var within = await server.RequestAsync(UwsgiPacket.Nginx().Add("HTTP_X_FILL", new string('x', fill)));

        Assert.Equal("served", within.Text);
        Assert.Equal(431, await server.RefusalAsync(UwsgiPacket.Nginx().Add("HTTP_X_FILL", new string('x', fill + 1)).ToArray()));
        Assert.Equal(1, server.Metrics.Sum("uwsgi.server.rejections", "error.type", "block_too_large"));
    }

    [Fact]
    [Trait("Rule", "86")]
    [Trait("Item", "20")]
    public async Task The_largest_block_the_format_allows_is_served_by_default()
    {
        var fill = 65535 - UwsgiPacket.Nginx().Add("HTTP_X_FILL", "").ToBlock().Length;

        Assert.Equal(fill, await shared.SeeAsync(
            UwsgiPacket.Nginx().Add("HTTP_X_FILL", new string('x', fill)), context => context.Request.Headers["X-Fill"].ToString().Length));
    }

    [Fact]
    [Trait("Item", "18")]
    public async Task Refusals_are_not_logged_above_information()
    {
        await using var server = await GatewayTestServer.StartAsync(_ => Task.CompletedTask);

        await server.RefusalAsync(UwsgiPacket.Nginx("GE T").ToArray());
        await server.RefusalAsync(UwsgiPacket.Nginx(host: "a b").ToArray());
        await server.RefusalAsync(UwsgiPacket.Nginx().Set("CONTENT_LENGTH", "many").ToArray());
        await server.RefusalAsync(UwsgiPacket.Nginx().Set("PATH_INFO", "/..").ToArray());
        await server.RefusalAsync(UwsgiPacket.Nginx().Add("HTTP_X", "\0").ToArray());
        foreach (var (_, bytes) in UwsgiPacket.Malformed())
            await server.RefusalAsync(bytes);

        Assert.Equal(5 + UwsgiPacket.Malformed().Count(), server.Logs.Find("RequestRejected").Count);
        server.Logs.AssertNothingAbove(LogLevel.Information);
    }
}
