using System.Text;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Net.Http.Headers;
using Uwsgi.AspNetCore.Hosting;
using Uwsgi.AspNetCore.Http;
using Uwsgi.AspNetCore.Protocols;
using Uwsgi.AspNetCore.Testing;
using Packet = Uwsgi.AspNetCore.Testing.UwsgiPacket;
using UwsgiPacket = Uwsgi.AspNetCore.Protocols.Uwsgi.UwsgiPacket;

namespace Uwsgi.AspNetCore.Tests.Http;

/// <summary>The rules one by one, with variables that no capture happens to hold; the captures are in <see cref="RequestMapperCaptureTests"/>.</summary>
public class RequestMapperTests
{
    [Theory]

    // One of the two alone.
    [InlineData(null, "/a", "/a", "", "/a")]
    [InlineData("", "/a", "/a", "", "/a")]
    [InlineData("/a", null, "/a", "", "/a")]
    [InlineData("/a", "", "/a", "", "/a")]
    [InlineData(null, null, "/a%20b?c", "", "/a b")]
    [InlineData(null, null, "", "", "/")]
    [InlineData(null, null, null, "", "/")]
    [InlineData("the_app1", "/a", "/a", "", "/a")]

    // A mount that PATH_INFO repeats.
    [InlineData("/app", "/app/x", "/app/x", "/app", "/x")]
    [InlineData("/app", "/app/", "/app/", "/app", "/")]
    [InlineData("/app", "/app", "/app", "/app", "")]
    [InlineData("/app/", "/app/x", "/app/x", "/app", "/x")]
    [InlineData("/app", "/app/app/x", "/app/app/x", "/app", "/app/x")]
    [InlineData("/app", "/app/new", "/app/old", "/app", "/new")]
    [InlineData("/app", "/app/x", null, "/app", "/x")]
    [InlineData("/a/b", "/a/b/c", "/a/b/c", "/a/b", "/c")]

    // The first segment and the rest, as lighttpd splits.
    [InlineData("/a", "/b", "/a/b", "", "/a/b")]
    [InlineData("/a", "/a", "/a/a", "", "/a/a")]
    [InlineData("/a", "/a/x", "/a/a/x", "", "/a/a/x")]
    [InlineData("/a", "/a/x", "/a//a/x", "", "/a/a/x")]
    [InlineData("/a", "/a/x", "/a/./a/x", "", "/a/a/x")]
    [InlineData("/a", "/a/x", "/%61/a/x?y", "", "/a/a/x")]
    [InlineData("/", "/b", "/b", "", "/b")]
    [InlineData("/a/", "/b", "/a/b", "", "/a/b")]

    // ProxyPass from one prefix to another: SCRIPT_NAME is the client's path.
    [InlineData("/app/x", "/inner/x", "/app/x", "", "/inner/x")]
    [InlineData("/app/", "/", "/app/", "", "/app/")]

    // Unrelated: both, one behind the other.
    [InlineData("/app", "/x", "/somewhere/else", "", "/app/x")]
    [InlineData("/app", "/application", "/elsewhere", "", "/app/application")]

    // A mount beside which the path lies, as nginx matches location /app: PATH_INFO is all of it.
    [InlineData("/app", "/application/x", "/application/x", "", "/application/x")]
    [InlineData("/app", "/application/x", "/application//x", "", "/application/x")]
    public void GetPath_Auto(string? scriptName, string? pathInfo, string? requestUri, string pathBase, string path) =>
        Assert.Equal((pathBase, path), GetPath(scriptName, pathInfo, requestUri));

    [Theory]
    [InlineData("/app", "/app/x", "/app/x", "/app", "/x")]
    [InlineData("/app", "/x", "/app/x", "/app", "/x")]
    [InlineData("/app", "/x", "/somewhere", "/app", "/x")]
    [InlineData("/app", "", "/app", "/app", "")]
    [InlineData("/app/", "/x", "/app/x", "/app", "/x")]
    [InlineData("", "/x", "/x", "", "/x")]
    [InlineData("/", "/x", "/x", "", "/x")]
    public void GetPath_Trust(string scriptName, string pathInfo, string requestUri, string pathBase, string path) =>
        Assert.Equal((pathBase, path), GetPath(scriptName, pathInfo, requestUri, options => options.ScriptName = ScriptNameMode.Trust));

    [Theory]
    [InlineData("/app", "/app/x", "/app/x", "", "/app/x")]
    [InlineData("/app", "/x", "/app/x", "", "/x")]
    [InlineData("/app", "", "/app/x", "", "/app/x")]
    public void GetPath_Ignore(string scriptName, string pathInfo, string requestUri, string pathBase, string path) =>
        Assert.Equal((pathBase, path), GetPath(scriptName, pathInfo, requestUri, options => options.ScriptName = ScriptNameMode.Ignore));

    [Theory]
    [InlineData(null, "/app/x", "/app", "/app", "/x")]
    [InlineData(null, "/app", "/app", "/app", "")]
    [InlineData(null, "/application", "/app", "", "/application")]
    [InlineData(null, "/App/x", "/app", "", "/App/x")]
    [InlineData(null, "/x", "/app", "", "/x")]
    [InlineData("/app", "/x", "/app", "/app", "/x")]
    [InlineData("/app", "/app/x", "/app", "/app", "/x")]
    [InlineData("/a", "/b/c", "/a/b", "/a/b", "/c")]
    public void GetPath_PathBaseOption_IsCutOff(string? scriptName, string pathInfo, string option, string pathBase, string path)
    {
        var requestUri = scriptName is not null && !pathInfo.StartsWith(scriptName, StringComparison.Ordinal) ? scriptName + pathInfo : pathInfo;

        Assert.Equal((pathBase, path), GetPath(scriptName, pathInfo, requestUri, options => options.PathBase = option));
    }

    [Theory]
    [InlineData("/a/b/c", "/a%2Fb/c", "/a%2Fb/c")]
    [InlineData("/a/b/c", "/a%2fb/c?z=%2F", "/a%2fb/c")]
    [InlineData("/a b/c", "/a%20b%2Fc", "/a b%2Fc")]
    [InlineData("/new/b", "/old%2Fb", "/new/b")]
    [InlineData("/a/b", "/a/b", "/a/b")]
    public void GetPath_PreserveEncodedSlashes_OnlyWhenTheTargetIsThatPath(string pathInfo, string requestUri, string path)
    {
        Assert.Equal(("", path), GetPath(null, pathInfo, requestUri, options => options.PreserveEncodedSlashes = true));
        Assert.Equal(("", pathInfo), GetPath(null, pathInfo, requestUri));
    }

    [Theory]
    [InlineData("OPTIONS", "*", "*", "")]
    [InlineData("CONNECT", "example.test:443", "example.test:443", "")]
    [InlineData("GET", "http://example.test/ab", "http://example.test/ab?c", "/ab")]
    [InlineData("GET", "http://example.test", "http://example.test", "/")]
    [InlineData("GET", "", "http://example.test/a%20b?c", "/a b")]
    public void GetPath_OtherFormsOfATarget(string method, string pathInfo, string requestUri, string path)
    {
        var packet = Packet.Nginx(method).Set("PATH_INFO", pathInfo).Set("REQUEST_URI", requestUri);

        Assert.Equal(("", path), RequestMapper.GetPath(Decode(packet), Settings(), 0));
    }

    [Fact]
    public void GetPath_DocumentUri_ServesWhereTheOthersAreMissing()
    {
        var packet = Packet.Nginx().Remove("PATH_INFO").Set("REQUEST_URI", "/old").Add("DOCUMENT_URI", "/new x");

        Assert.Equal(("", "/new x"), RequestMapper.GetPath(Decode(packet), Settings(), 0));
    }

    [Theory]
    [InlineData("/..", null)]
    [InlineData("/a\0", null)]
    [InlineData("a", null)]
    [InlineData("/x", "/app/../..")]
    [InlineData("/../x", "/app")]
    public void GetPath_UnusablePath_IsRefused(string pathInfo, string? scriptName) => Assert.Equal(
        GatewayRejection.InvalidPath,
        Assert.Throws<GatewayProtocolException>(() => GetPath(scriptName, pathInfo, "/x")).Reason);

    [Theory]
    [InlineData("/app", "/x/../../y")]
    [InlineData("/app", "/app/../../y")]
    public void GetPath_PathInfoThatLeavesItsMount_IsRefused(string scriptName, string pathInfo) =>
        Assert.Throws<GatewayProtocolException>(() => GetPath(scriptName, pathInfo, scriptName + pathInfo));

    [Theory]
    [InlineData("GET", "GET")]
    [InlineData("get", "get")]
    [InlineData("FOO-BAR", "FOO-BAR")]
    [InlineData("PATCH", "PATCH")]
    public void GetMethod_Token_IsKept(string method, string expected) =>
        Assert.Equal(expected, RequestMapper.GetMethod(Decode(new Packet().Add("REQUEST_METHOD", method))));

    [Theory]
    [InlineData("")]
    [InlineData("G ET")]
    [InlineData("GET\r\n")]
    [InlineData("GET/")]
    [InlineData("G\u00E9T")]
    public void GetMethod_OtherText_IsRefused(string method) => Assert.Equal(
        GatewayRejection.InvalidMethod,
        Assert.Throws<GatewayProtocolException>(() => RequestMapper.GetMethod(Decode(new Packet().Add("REQUEST_METHOD", method)))).Reason);

    [Fact]
    public void GetMethod_NoVariables_IsRefused()
    {
        var refusal = Assert.Throws<GatewayProtocolException>(() => RequestMapper.GetMethod(Decode(new Packet())));

        Assert.Equal(GatewayRejection.NoVariables, refusal.Reason);
        Assert.Equal(400, refusal.StatusCode);
    }

    [Theory]
    [InlineData("GET")]
    [InlineData("POST")]
    [InlineData("PUT")]
    [InlineData("DELETE")]
    [InlineData("HEAD")]
    [InlineData("OPTIONS")]
    [InlineData("PATCH")]
    [InlineData("TRACE")]
    [InlineData("CONNECT")]
    public void GetMethod_KnownMethod_IsTheFrameworksOwnString(string method)
    {
        var mapped = RequestMapper.GetMethod(Decode(new Packet().Add("REQUEST_METHOD", method)));

        Assert.Same(Microsoft.AspNetCore.Http.HttpMethods.GetCanonicalizedValue(method), mapped);
    }

    [Theory]
    [InlineData("HTTP/1.1", "HTTP/1.1")]
    [InlineData("HTTP/1.0", "HTTP/1.0")]
    [InlineData("HTTP/0.9", "HTTP/0.9")]
    [InlineData("HTTP/2.0", "HTTP/2")]
    [InlineData("HTTP/2", "HTTP/2")]
    [InlineData("HTTP/3.0", "HTTP/3")]
    [InlineData("HTTP/3", "HTTP/3")]
    [InlineData("HTTP/1.9", "HTTP/1.1")]
    [InlineData("INCLUDED", "HTTP/1.1")]
    [InlineData("", "HTTP/1.1")]
    public void GetProtocol_Table(string protocol, string expected) =>
        Assert.Equal(expected, RequestMapper.GetProtocol(Decode(new Packet().Add("SERVER_PROTOCOL", protocol))));

    [Theory]
    [InlineData(null, null, null, "http")]
    [InlineData("on", null, null, "https")]
    [InlineData("ON", null, null, "https")]
    [InlineData("1", null, null, "https")]
    [InlineData("off", null, null, "http")]
    [InlineData("", null, null, "http")]
    [InlineData("off", "https", null, "https")]
    [InlineData(null, "https", null, "https")]
    [InlineData(null, "HTTPS", null, "https")]
    [InlineData("on", "http", null, "https")]
    [InlineData(null, "http", "https", "http")]
    [InlineData(null, "", "https", "https")]
    [InlineData(null, "ftp", "https", "https")]
    [InlineData(null, "ftp", "gopher", "http")]
    public void GetScheme_Table(string? https, string? requestScheme, string? uwsgiScheme, string expected)
    {
        // A header of that name says nothing.
        var packet = new Packet().Add("HTTP_HTTPS", "on").Add("HTTP_X_FORWARDED_PROTO", "https");
        if (https is not null)
            packet.Add("HTTPS", https);
        if (requestScheme is not null)
            packet.Add("REQUEST_SCHEME", requestScheme);
        if (uwsgiScheme is not null)
            packet.Add("UWSGI_SCHEME", uwsgiScheme);

        Assert.Equal(expected, RequestMapper.GetScheme(Decode(packet)));
    }

    [Theory]
    [InlineData("example.test:8080", "server.test", "80", "http", "example.test:8080")]
    [InlineData("", "server.test", "80", "http", "server.test")]
    [InlineData(null, "server.test", "80", "http", "server.test")]
    [InlineData(null, "server.test", "443", "https", "server.test")]
    [InlineData(null, "server.test", "443", "http", "server.test:443")]
    [InlineData(null, "server.test", "8080", "http", "server.test:8080")]
    [InlineData(null, "server.test", "", "http", "server.test")]
    [InlineData(null, "server.test:8080", "80", "http", "server.test:8080")]
    [InlineData(null, "::1", "80", "http", "[::1]")]
    [InlineData(null, "::1", "8080", "http", "[::1]:8080")]
    [InlineData(null, "[::1]", "8080", "http", "[::1]:8080")]
    [InlineData(null, "[::1]:81", "80", "http", "[::1]:81")]
    [InlineData(null, "", "80", "http", "")]
    [InlineData(null, "_", "80", "http", "")]
    [InlineData(null, null, null, "http", "")]
    public void MapHost_HeaderElseServerName(string? host, string? serverName, string? serverPort, string scheme, string expected)
    {
        var packet = new Packet();
        if (host is not null)
            packet.Add("HTTP_HOST", host);
        if (serverName is not null)
            packet.Add("SERVER_NAME", serverName);
        if (serverPort is not null)
            packet.Add("SERVER_PORT", serverPort);
        var (variables, headers) = Load(packet);

        RequestMapper.MapHost(variables, headers, scheme);

        Assert.Equal(expected, headers[HeaderNames.Host].ToString());
    }

    [Theory]
    [InlineData("exa mple.test")]
    [InlineData("example.test/evil")]
    [InlineData("user@example.test")]
    [InlineData("example.test:80a")]
    [InlineData("example.test, evil.test")]
    public void MapHost_Malformed_IsRefused(string host)
    {
        var (variables, headers) = Load(new Packet().Add("HTTP_HOST", host));

        Assert.Equal(
            GatewayRejection.InvalidHost,
            Assert.Throws<GatewayProtocolException>(() => RequestMapper.MapHost(variables, headers, "http")).Reason);
    }

    [Theory]
    [InlineData(null, null, null, false, 0L)]
    [InlineData("", null, null, false, 0L)]
    [InlineData("0", null, null, false, 0L)]
    [InlineData("3", null, null, false, 3L)]
    [InlineData("0003", "3", null, false, 3L)]
    [InlineData("3", "", null, false, 3L)]
    [InlineData("3", null, "chunked", false, 3L)]
    [InlineData("", "5", null, false, 0L)]
    [InlineData("3", null, "", true, 3L)]
    [InlineData("9223372036854775807", null, null, false, long.MaxValue)]
    public void GetContentLength_Usable(string? length, string? client, string? coding, bool router, long expected) =>
        Assert.Equal(expected, GetContentLength(length, client, coding, router));

    [Theory]
    [InlineData("+3", null, null, false, GatewayRejection.InvalidContentLength)]
    [InlineData("-1", null, null, false, GatewayRejection.InvalidContentLength)]
    [InlineData("3, 3", null, null, false, GatewayRejection.InvalidContentLength)]
    [InlineData("3 ", null, null, false, GatewayRejection.InvalidContentLength)]
    [InlineData("12abc", null, null, false, GatewayRejection.InvalidContentLength)]
    [InlineData("9223372036854775808", null, null, false, GatewayRejection.InvalidContentLength)]
    [InlineData("3", "5", null, false, GatewayRejection.InvalidContentLength)]
    [InlineData("9069", "204800", null, false, GatewayRejection.InvalidContentLength)]
    [InlineData("3", null, "chunked", true, GatewayRejection.InvalidContentLength)]
    [InlineData(null, null, "chunked", false, GatewayRejection.LengthRequired)]
    [InlineData("", null, "gzip, chunked", true, GatewayRejection.LengthRequired)]
    public void GetContentLength_Unusable_IsRefused(string? length, string? client, string? coding, bool router, object reason) => Assert.Equal(
        reason,
        Assert.Throws<GatewayProtocolException>(() => GetContentLength(length, client, coding, router)).Reason);

    [Theory]
    [InlineData("x=1", "/a?y=2", "?x=1")]
    [InlineData("", "/a?y=2", "")]
    [InlineData(null, "/a?y=2", "?y=2")]
    [InlineData(null, "/a?y=2#frag", "?y=2")]
    [InlineData(null, "/a?", "")]
    [InlineData(null, "/a", "")]
    [InlineData(null, null, "")]
    [InlineData("a=%2F&b=+&&c=?", null, "?a=%2F&b=+&&c=?")]
    public void GetQueryString_VariableElseTarget(string? queryString, string? requestUri, string expected)
    {
        var packet = new Packet();
        if (queryString is not null)
            packet.Add("QUERY_STRING", queryString);
        if (requestUri is not null)
            packet.Add("REQUEST_URI", requestUri);

        Assert.Equal(expected, RequestMapper.GetQueryString(Decode(packet)));
    }

    [Theory]
    [InlineData("127.0.0.1", "127.0.0.1")]
    [InlineData("2001:db8::1", "2001:db8::1")]
    [InlineData("[2001:db8::1]", "2001:db8::1")]
    [InlineData("::ffff:192.0.2.7", "::ffff:192.0.2.7")]
    [InlineData("unix:", null)]
    [InlineData("", null)]
    [InlineData("example.test", null)]
    [InlineData("[]", null)]
    public void ParseAddress_Table(string text, string? expected) =>
        Assert.Equal(expected, RequestMapper.ParseAddress(Encoding.ASCII.GetBytes(text))?.ToString());

    [Theory]
    [InlineData("80", 80)]
    [InlineData("65535", 65_535)]
    [InlineData("0", 0)]
    [InlineData("", 0)]
    [InlineData("65536", 0)]
    [InlineData("-1", 0)]
    [InlineData("+80", 0)]
    [InlineData("http", 0)]
    public void ParsePort_Table(string text, int expected) => Assert.Equal(expected, RequestMapper.ParsePort(Encoding.ASCII.GetBytes(text)));

    private static (string PathBase, string Path) GetPath(
        string? scriptName, string? pathInfo, string? requestUri, Action<UwsgiOptions>? configure = null)
    {
        var packet = Packet.Nginx().Remove("PATH_INFO").Remove("REQUEST_URI");
        if (scriptName is not null)
            packet.Add("SCRIPT_NAME", scriptName);
        if (pathInfo is not null)
            packet.Add("PATH_INFO", pathInfo);
        if (requestUri is not null)
            packet.Add("REQUEST_URI", requestUri);
        return RequestMapper.GetPath(Decode(packet), Settings(configure), 0);
    }

    private static long? GetContentLength(string? length, string? client, string? coding, bool router)
    {
        var packet = new Packet();
        if (length is not null)
            packet.Add("CONTENT_LENGTH", length);
        if (client is not null)
            packet.Add("HTTP_CONTENT_LENGTH", client);
        if (coding is not null)
            packet.Add("HTTP_TRANSFER_ENCODING", coding);
        if (router)
            packet.Add("UWSGI_ROUTER", "http");
        var (variables, headers) = Load(packet);
        return RequestMapper.GetContentLength(variables, headers, inputEndsBody: false);
    }

    private static (GatewayVariables Variables, RequestHeaders Headers) Load(Packet packet)
    {
        var variables = Decode(packet);
        var headers = new RequestHeaders();
        headers.Load(variables, Settings());
        return (variables, headers);
    }

    private static GatewayVariables Decode(Packet packet)
    {
        var variables = new GatewayVariables();
        variables.Load(Sequences.Whole(packet.ToBlock()));
        UwsgiPacket.DecodeBlock(variables);
        return variables;
    }

    private static GatewaySettings Settings(Action<UwsgiOptions>? configure = null)
    {
        var options = new UwsgiOptions();
        configure?.Invoke(options);
        return new GatewaySettings(options, new KestrelServerOptions());
    }
}
