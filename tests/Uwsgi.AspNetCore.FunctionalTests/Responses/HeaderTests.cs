using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;
using Uwsgi.AspNetCore.FunctionalTests.Infrastructure;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.FunctionalTests.Responses;

public class HeaderTests
{
    [Theory]
    [InlineData("a\rb")]
    [InlineData("a\nb")]
    [InlineData("a\0b")]
    [InlineData("a\u0001b")]
    [InlineData("a\u001fb")]
    [InlineData("a\r\nSet-Cookie: stolen=1")]
    [Trait("Rule", "15")]
    [Trait("Item", "96")]
    public async Task A_value_with_a_control_character_is_refused_when_it_is_set(string value)
    {
        var response = await ServeAsync(headers =>
        {
            Assert.Throws<InvalidOperationException>(() => headers["X-App"] = value);
            Assert.Throws<InvalidOperationException>(() => headers.Append("X-App", value));
            Assert.Throws<InvalidOperationException>(() => headers.ContentType = value);
        });

        Assert.Equal(["Content-Length"], response.Headers.Select(header => header.Key));
    }

    [Fact]
    [Trait("Rule", "15")]
    public async Task A_value_may_hold_a_tab()
    {
        var response = await ServeAsync(headers => headers["X-App"] = "a\tb");

        Assert.Equal("a\tb", response["X-App"]);
    }

    [Theory]
    [InlineData("caf\u00e9")]
    [InlineData("\u20ac")]
    [Trait("Rule", "16")]
    [Trait("Item", "96")]
    public async Task A_value_outside_ASCII_is_refused_when_it_is_set(string value)
    {
        var response = await ServeAsync(headers => Assert.Throws<InvalidOperationException>(() => headers["X-App"] = value));

        Assert.Null(response["X-App"]);
    }

    [Fact]
    [Trait("Rule", "16")]
    [Trait("Item", "96")]
    public async Task An_encoding_selector_admits_values_outside_ASCII_for_the_headers_it_names()
    {
        var response = await ServeAsync(
            headers =>
            {
                headers["X-Latin"] = "caf\u00e9";
                headers["X-Utf8"] = "caf\u00e9";
                Assert.Throws<InvalidOperationException>(() => headers["X-Other"] = "caf\u00e9");
            },
            options => options.Uwsgi = uwsgi => uwsgi.ResponseHeaderEncodingSelector = name => name switch
            {
                "X-Latin" => Encoding.Latin1,
                "X-Utf8" => Encoding.UTF8,
                _ => null,
            });

        Assert.Equal("caf\u00e9", response["X-Latin"]);
        Assert.Equal("caf\u00c3\u00a9", response["X-Utf8"]);
    }

    [Theory]
    [InlineData("")]
    [InlineData("X App")]
    [InlineData("X-App:")]
    [InlineData("X\r\nApp")]
    [InlineData("X-\u00c4pp")]
    [InlineData("X(App)")]
    [Trait("Rule", "17")]
    [Trait("Item", "96")]
    public async Task A_name_that_is_no_token_is_refused(string name)
    {
        var response = await ServeAsync(headers => Assert.Throws<InvalidOperationException>(() => headers[name] = "1"));

        Assert.Equal(["Content-Length"], response.Headers.Select(header => header.Key));
    }

    [Fact]
    [Trait("Rule", "18")]
    [Trait("Item", "97")]
    public async Task An_empty_value_removes_a_header_and_nulls_inside_a_value_are_skipped()
    {
        var response = await ServeAsync(headers =>
        {
            headers["X-Removed"] = "1";
            headers["X-Removed"] = StringValues.Empty;
            headers["X-Null"] = (string?)null;
            headers["X-Nulls"] = new string?[] { null, null };
            headers["X-Some"] = new string?[] { null, "a", null, "b" };
            headers["X-Empty"] = "";
            Assert.False(headers.ContainsKey("X-Removed"));
        });

        Assert.Empty(response.All("X-Removed"));
        Assert.Empty(response.All("X-Null"));
        Assert.Empty(response.All("X-Nulls"));
        Assert.Equal(["a", "b"], response.All("X-Some"));
        Assert.Equal("", response["X-Empty"]);
    }

    [Fact]
    [Trait("Rule", "19")]
    [Trait("Item", "103")]
    public async Task Every_value_has_a_line_of_its_own_in_order()
    {
        await using var server = await GatewayTestServer.StartAsync(context =>
        {
            context.Response.Cookies.Append("basket", "3");
            context.Response.Cookies.Append("theme", "dark");
            context.Response.Cookies.Append("visits", "7");
            context.Response.Headers.Vary = new[] { "Accept", "Cookie" };
            return Task.CompletedTask;
        });

        var response = await server.RequestAsync(UwsgiPacket.Nginx());

        Assert.Equal(["basket=3; path=/", "theme=dark; path=/", "visits=7; path=/"], response.All("Set-Cookie"));
        Assert.Equal(["Accept", "Cookie"], response.All("Vary"));
    }

    [Fact]
    [Trait("Rule", "20")]
    [Trait("Item", "99")]
    public async Task A_length_that_is_negative_or_no_number_is_refused()
    {
        var response = await ServeAsync(headers =>
        {
            Assert.Throws<ArgumentOutOfRangeException>(() => headers.ContentLength = -1);
            foreach (var text in new[] { "-1", "abc", "1a", "0x10", "9223372036854775808", "1,1" })
                Assert.Throws<InvalidOperationException>(() => headers["Content-Length"] = text);
            Assert.Null(headers.ContentLength);

            headers["Content-Length"] = "7";
            Assert.Equal(7, headers.ContentLength);
            headers.ContentLength = null;
            Assert.False(headers.ContainsKey("Content-Length"));
        });

        Assert.Equal("0", response["Content-Length"]);
    }

    [Theory]
    [InlineData(200, null, "HTTP/1.1 200 OK")]
    [InlineData(404, null, "HTTP/1.1 404 Not Found")]
    [InlineData(200, "Fine", "HTTP/1.1 200 Fine")]
    [InlineData(418, "I'm a teapot", "HTTP/1.1 418 I'm a teapot")]
    [InlineData(799, null, "HTTP/1.1 799 ")]
    [InlineData(200, "", "HTTP/1.1 200 ")]
    [Trait("Rule", "21")]
    [Trait("Rule", "60")]
    public async Task The_status_line_is_an_HTTP_one_with_the_given_or_the_standard_phrase(int status, string? phrase, string expected)
    {
        await using var server = await GatewayTestServer.StartAsync(context =>
        {
            context.Response.StatusCode = status;
            context.Features.Get<IHttpResponseFeature>()!.ReasonPhrase = phrase;
            return Task.CompletedTask;
        });

        var response = await server.RequestAsync(UwsgiPacket.Nginx());

        Assert.StartsWith(expected + "\r\n", response.HeadText);
    }

    [Theory]
    [InlineData("OK\r\nX-Injected: 1")]
    [InlineData("OK\n")]
    [InlineData("O\0K")]
    [InlineData("Schl\u00fcssig")]
    [Trait("Rule", "21")]
    [Trait("Item", "105")]
    public async Task A_reason_phrase_that_would_break_the_status_line_is_refused(string phrase)
    {
        await using var server = await GatewayTestServer.StartAsync(context =>
        {
            Assert.Throws<InvalidOperationException>(() => context.Features.Get<IHttpResponseFeature>()!.ReasonPhrase = phrase);
            return Task.CompletedTask;
        });

        var response = await server.RequestAsync(UwsgiPacket.Nginx());

        Assert.Equal("HTTP/1.1 200 OK", response.StatusLine);
    }

    [Fact]
    [Trait("Item", "99")]
    public async Task Headers_behave_as_a_dictionary_that_ignores_case()
    {
        var response = await ServeAsync(headers =>
        {
#pragma warning disable ASP0019 // The method under test.
            headers.Add("X-One", "1");
            Assert.Throws<ArgumentException>(() => headers.Add("x-one", "2"));
#pragma warning restore ASP0019
            Assert.Equal("1", headers["x-ONE"]);
            headers.ETag = "\"v1\"";
            Assert.Equal("\"v1\"", headers["etag"]);
            headers["X-Two"] = "2";
            Assert.True(headers.Remove("x-two"));
            Assert.False(headers.Remove("x-two"));
            Assert.Equal(["X-One", "ETag"], headers.Select(header => header.Key));

            headers.Clear();
            Assert.Empty(headers);
            headers["X-Last"] = "3";
        });

        Assert.Equal(["X-Last", "Content-Length"], response.Headers.Select(header => header.Key));
    }

    [Fact]
    [Trait("Rule", "57")]
    [Trait("Rule", "58")]
    [Trait("Rule", "61")]
    [Trait("Item", "104")]
    public async Task Headers_that_belong_to_the_wire_are_removed()
    {
        var response = await ServeAsync(headers =>
        {
            headers.Connection = "keep-alive";
            headers.KeepAlive = "timeout=5";
            headers["Proxy-Connection"] = "keep-alive";
            headers.Upgrade = "h2c";
            headers.TransferEncoding = "chunked";
            headers.Trailer = "X-Checksum";
            headers["Status"] = "404 Not Found";
            headers["X-App"] = "1";
        });

        Assert.Equal(200, response.StatusCode);
        Assert.Equal(["X-App", "Content-Length"], response.Headers.Select(header => header.Key));
    }

    [Fact]
    [Trait("Rule", "28")]
    [Trait("Rule", "57")]
    public async Task A_length_beside_a_transfer_coding_is_ignored()
    {
        await using var server = await GatewayTestServer.StartAsync(async context =>
        {
            context.Response.Headers.TransferEncoding = "chunked";
            context.Response.ContentLength = 100;
            await context.Response.WriteAsync("5\r\nhello\r\n0\r\n\r\n");
        });

        var response = await server.RequestAsync(UwsgiPacket.Nginx());

        Assert.Empty(response.Headers);
        Assert.Equal("5\r\nhello\r\n0\r\n\r\n", response.Text);
        Assert.Single(server.Logs.Find("TransferEncodingRemoved"));
    }

    [Fact]
    [Trait("Rule", "59")]
    [Trait("Rule", "62")]
    [Trait("Item", "56")]
    [Trait("Item", "98")]
    public async Task Nothing_is_added_but_the_length()
    {
        var response = await ServeAsync(_ => { });

        Assert.Equal("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", response.HeadText);
    }

    [Fact]
    [Trait("Rule", "59")]
    [Trait("Item", "98")]
    public async Task Date_and_Server_are_added_when_the_options_ask_for_them()
    {
        var response = await ServeAsync(
            _ => { },
            options => options.Uwsgi = uwsgi => (uwsgi.AddDateHeader, uwsgi.AddServerHeader) = (true, true));

        Assert.Equal("Uwsgi.AspNetCore", response["Server"]);
        Assert.True(DateTimeOffset.TryParseExact(response["Date"], "r", null, default, out _));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [Trait("Rule", "59")]
    [Trait("Item", "98")]
    public async Task The_apps_own_Date_and_Server_are_kept(bool addsOwn)
    {
        var response = await ServeAsync(
            headers =>
            {
                headers.Date = "Thu, 01 Jan 1970 00:00:00 GMT";
                headers.Server = "shop";
            },
            options => options.Uwsgi = uwsgi => (uwsgi.AddDateHeader, uwsgi.AddServerHeader) = (addsOwn, addsOwn));

        Assert.Equal("Thu, 01 Jan 1970 00:00:00 GMT", response["Date"]);
        Assert.Equal("shop", response["Server"]);
    }

    [Fact]
    [Trait("Rule", "61")]
    public async Task Trailers_are_not_supported()
    {
        await using var server = await GatewayTestServer.StartAsync(context =>
        {
            Assert.Null(context.Features.Get<IHttpResponseTrailersFeature>());
            Assert.False(context.Response.SupportsTrailers());
            Assert.Throws<InvalidOperationException>(() => context.Response.AppendTrailer("X-Checksum", "1"));
            context.Response.DeclareTrailer("X-Checksum");
            return Task.CompletedTask;
        });

        var response = await server.RequestAsync(UwsgiPacket.Nginx());

        Assert.Equal(200, response.StatusCode);
        Assert.Null(response["Trailer"]);
    }

    [Fact]
    [Trait("Rule", "63")]
    public async Task Headers_that_control_the_web_server_pass()
    {
        var response = await ServeAsync(headers =>
        {
            headers["X-Accel-Redirect"] = "/protected/report.pdf";
            headers["X-Accel-Expires"] = "60";
            headers["X-Sendfile"] = "/srv/report.pdf";
        });

        Assert.Equal("/protected/report.pdf", response["X-Accel-Redirect"]);
        Assert.Equal("60", response["X-Accel-Expires"]);
        Assert.Equal("/srv/report.pdf", response["X-Sendfile"]);
    }

    private static async Task<RawResponse> ServeAsync(Action<IHeaderDictionary> set, Action<GatewayTestServerOptions>? configure = null)
    {
        await using var server = await GatewayTestServer.StartAsync(
            context =>
            {
                set(context.Response.Headers);
                return Task.CompletedTask;
            },
            configure);

        return await server.RequestAsync(UwsgiPacket.Nginx());
    }
}
