using Microsoft.AspNetCore.Http;

namespace Uwsgi.AspNetCore.FunctionalTests.Attacks;

/// <summary>Which variables are headers, and what becomes of hostile ones.</summary>
public class HeaderRuleTests(ProtocolServers servers) : IClassFixture<ProtocolServers>
{
    [Theory]
    [Trait("GatewayRule", "27")]
    [OnEachProtocol]
    public async Task Repeated_headers_are_kept_in_order_and_cookies_are_one(GatewayProtocol protocol)
    {
        var packet = GatewayWire.Packet(protocol)
            .Add("HTTP_X_TAG", "1").Add("HTTP_COOKIE", "a=1").Add("HTTP_X_TAG", "2, 3").Add("HTTP_COOKIE", "b=2").Add("HTTP_HOST", "EXAMPLE.test");

        var seen = await servers.SeeAsync(protocol, packet, context => (
            string.Join('|', context.Request.Headers["X-Tag"].ToArray()), context.Request.Headers.Cookie.ToString(), context.Request.Host.Value));

        Assert.Equal(("1|2, 3", "a=1; b=2", "example.test"), seen);
    }

    [Theory]
    [Trait("GatewayRule", "27")]
    [Trait("Attack", "two spellings")]
    [OnEachProtocol("HTTP_HOST", "other.test")]
    [OnEachProtocol("HTTP_host", "other.test")]
    [OnEachProtocol("HTTP_Host", "example.test:81")]
    public async Task Two_different_hosts_are_refused(GatewayProtocol protocol, string variable, string value) =>
        Assert.Equal(400, await servers.RefusalAsync(protocol, GatewayWire.Packet(protocol).Add(variable, value)));

    [Theory]
    [Trait("GatewayRule", "28")]
    [OnEachProtocol]
    public async Task The_bodys_type_and_length_have_variables_of_their_own(GatewayProtocol protocol)
    {
        var packet = GatewayWire.Packet(protocol, "POST").WithBody("{}", "application/json")
            .Add("HTTP_CONTENT_TYPE", "text/html").Add("HTTP_CONTENT_LENGTH", "2").Add("HTTP_content-type", "text/css");

        var seen = await servers.SeeAsync(protocol, packet, context => (
            context.Request.Headers.ContentType.ToString(), context.Request.Headers.ContentLength, context.Request.Headers["Content-Length"].ToString()));

        Assert.Equal(("application/json", 2, "2"), seen);
    }

    [Theory]
    [Trait("GatewayRule", "29")]
    [OnEachProtocol("HTTP_TRANSFER_ENCODING", "chunked")]
    [OnEachProtocol("HTTP_CONNECTION", "close, X-Secret")]
    [OnEachProtocol("HTTP_KEEP_ALIVE", "timeout=5")]
    [OnEachProtocol("HTTP_PROXY_CONNECTION", "keep-alive")]
    [OnEachProtocol("HTTP_TE", "trailers")]
    [OnEachProtocol("HTTP_EXPECT", "100-continue")]
    [OnEachProtocol("HTTP_UPGRADE", "h2c")]
    [OnEachProtocol("HTTP_upgrade", "h2c")]
    public async Task What_concerns_the_web_server_alone_is_hidden(GatewayProtocol protocol, string variable, string value)
    {
        var packet = GatewayWire.Packet(protocol, "POST").WithBody("x").Add(variable, value);

        Assert.Equal(["Host"], await servers.SeeAsync(protocol, packet, HeaderNamesOf));
    }

    [Theory]
    [Trait("GatewayRule", "30")]
    [OnEachProtocol("HTTP_X_SP ", null)]
    [OnEachProtocol("HTTP_X:Y", null)]
    [OnEachProtocol("HTTP_X\r\nY", null)]
    [OnEachProtocol("HTTP_X(Y)", null)]
    [OnEachProtocol("HTTP_X\u00C9", null)]
    [OnEachProtocol("HTTP_", null)]
    [OnEachProtocol("HTTP_X.DOT", "X.dot")]
    [OnEachProtocol("HTTP_X!#$%&'*+^`|~", "X!#$%&'*+^`|~")]
    public async Task A_name_that_no_header_can_have_is_dropped_and_an_odd_one_kept(GatewayProtocol protocol, string variable, string? expected)
    {
        var names = await servers.SeeAsync(protocol, GatewayWire.Packet(protocol).Add(variable, "value"), HeaderNamesOf);

        Assert.Equal(expected is null ? ["Host"] : ["Host", expected], names, StringComparer.OrdinalIgnoreCase);
    }

    [Theory]
    [Trait("GatewayRule", "31")]
    [OnEachProtocol(" \t padded\tvalue \t", "padded\tvalue")]
    [OnEachProtocol("caf\u00C3\u00A9", "caf\u00E9")]
    public async Task A_value_is_trimmed_and_read_as_utf8(GatewayProtocol protocol, string latin1, string expected) =>
        Assert.Equal(expected, await servers.SeeAsync(
            protocol, GatewayWire.Packet(protocol).Add("HTTP_X_VALUE", latin1), context => context.Request.Headers["X-Value"].ToString()));

    [Theory]
    [Trait("GatewayRule", "31")]
    [Trait("Attack", "control characters")]
    [OnEachProtocol("HTTP_X_VALUE", "a\rb")]
    [OnEachProtocol("HTTP_X_VALUE", "a\nb")]
    [OnEachProtocol("HTTP_X_VALUE", "a\0b")]
    [OnEachProtocol("HTTP_X_VALUE", "a\r\nInjected: yes")]
    [OnEachProtocol("HTTP_X_VALUE", "a\r\n folded")]
    [OnEachProtocol("HTTP_X_VALUE", "caf\u00E9")]
    [OnEachProtocol("HTTP_COOKIE", "a=\r\nInjected: yes")]
    [OnEachProtocol("HTTP_HOST", "a\r\nInjected: yes")]
    [OnEachProtocol("HTTP_PROXY", "a\nb")]
    [OnEachProtocol("CONTENT_TYPE", "text/plain\r\nInjected: yes")]
    [OnEachProtocol("CONTENT_TYPE", "text/plain\0")]
    [OnEachProtocol("CONTENT_LENGTH", "0\r\nInjected: yes")]
    [OnEachProtocol("REQUEST_URI", "/\0")]
    public async Task A_value_that_could_split_a_message_is_refused(GatewayProtocol protocol, string variable, string value) =>
        Assert.Equal(400, await servers.RefusalAsync(protocol, GatewayWire.Packet(protocol).Set(variable, value)));

    [Theory]
    [Trait("GatewayRule", "31")]
    [Trait("GatewayRule", "32")]
    [Trait("Attack", "control characters")]
    [OnEachProtocol("SSL_CLIENT_CERT", "-----BEGIN CERTIFICATE-----\nMIIB\r\n-----END CERTIFICATE-----\n")]
    [OnEachProtocol("SSL_CLIENT_S_DN", "a\r\nHTTP_INJECTED: yes")]
    [OnEachProtocol("MY_SETTING", "42")]
    [OnEachProtocol("DOCUMENT_ROOT", "/srv/www")]
    [OnEachProtocol("X\r\nHTTP_INJECTED", "yes")]
    public async Task Any_other_variable_is_no_header_and_can_be_asked_for(GatewayProtocol protocol, string variable, string value)
    {
        var seen = await servers.SeeAsync(protocol, GatewayWire.Packet(protocol).Set(variable, value), context => (
            HeaderNamesOf(context).Single(), context.GetServerVariable(variable), context.Features.Get<IGatewayFeature>()!.Variables.Last(pair => pair.Key == variable).Value));

        Assert.Equal(("Host", value, value), seen);
    }

    // SCGI always has a length, which is a header for the application.
    private static string[] HeaderNamesOf(HttpContext context) => [.. context.Request.Headers.Keys.Where(name => name != "Content-Length")];
}
