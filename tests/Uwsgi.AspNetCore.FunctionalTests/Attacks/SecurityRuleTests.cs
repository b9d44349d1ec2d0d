using System.Collections;
using Microsoft.AspNetCore.Http;

namespace Uwsgi.AspNetCore.FunctionalTests.Attacks;

/// <summary>What a client can reach through a web server that does nothing against it.</summary>
public class SecurityRuleTests(ProtocolServers servers) : IClassFixture<ProtocolServers>
{
    [Theory]
    [Trait("GatewayRule", "57")]
    [Trait("Attack", "HTTP_PROXY")]
    [OnEachProtocol("HTTP_PROXY")]
    [OnEachProtocol("HTTP_Proxy")]
    [OnEachProtocol("HTTP_proxy")]
    public async Task A_Proxy_header_is_dropped_and_sets_no_proxy(GatewayProtocol protocol, string variable)
    {
        var environment = EnvironmentOf();
        var packet = GatewayWire.Packet(protocol).Add(variable, "http://attacker.test:8080");

        var seen = await servers.SeeAsync(protocol, packet, context => context.Request.Headers.ContainsKey("Proxy"));

        Assert.False(seen);
        Assert.Equal(environment, EnvironmentOf());
        Assert.NotEqual(new Uri("http://attacker.test:8080/"), HttpClient.DefaultProxy.GetProxy(new Uri("http://example.test/")));
    }

    [Theory]
    [Trait("GatewayRule", "58")]
    [Trait("Attack", "two spellings")]
    [OnEachProtocol("HTTP_X_REAL_IP", "HTTP_X_REAL_IP")]
    [OnEachProtocol("HTTP_X_REAL_IP", "HTTP_X-REAL-IP")]
    [OnEachProtocol("HTTP_x_real_ip", "HTTP_X_REAL_IP")]
    [OnEachProtocol("HTTP_X-Real_IP", "HTTP_X_real-ip")]
    public async Task Two_spellings_are_one_header_with_both_values_in_order(GatewayProtocol protocol, string first, string second)
    {
        var packet = GatewayWire.Packet(protocol).Add(first, "192.0.2.1").Add(second, "192.0.2.2");

        var seen = await servers.SeeAsync(
            protocol, packet, context => (string.Join('|', context.Request.Headers["X-Real-IP"].ToArray()), context.Request.Headers.Count(header => header.Key != "Content-Length")));

        Assert.Equal(("192.0.2.1|192.0.2.2", 2), seen);
    }

    [Theory]
    [Trait("GatewayRule", "58")]
    [Trait("GatewayRule", "59")]
    [Trait("Attack", "two spellings")]
    [Trait("Attack", "content length")]
    [OnEachProtocol("HTTP_CONTENT-LENGTH", "30")]
    [OnEachProtocol("HTTP_Content_Length", "30")]
    [OnEachProtocol("HTTP_content-length", "3, 3")]
    public async Task No_spelling_of_a_length_slips_past_the_check(GatewayProtocol protocol, string variable, string value) =>
        Assert.Equal(400, await servers.RefusalAsync(protocol, GatewayWire.Packet(protocol, "POST").WithBody("abc").Add(variable, value)));

    [Theory]
    [Trait("GatewayRule", "59")]
    [OnEachProtocol]
    public async Task A_header_is_no_variable_of_the_web_server(GatewayProtocol protocol)
    {
        var packet = GatewayWire.Packet(protocol)
            .Add("HTTP_HTTPS", "on").Add("HTTP_REMOTE_ADDR", "127.0.0.1").Add("HTTP_REMOTE_USER", "root").Add("HTTP_SCRIPT_NAME", "/admin")
            .Add("HTTP_REQUEST_METHOD", "DELETE").Add("HTTP_PATH_INFO", "/admin").Add("HTTP_SERVER_NAME", "admin.test").Add("HTTP_AUTH_TYPE", "Basic");

        var seen = await servers.SeeAsync(protocol, packet, context => (
            context.Request.Scheme, context.Connection.RemoteIpAddress?.ToString(), context.User.Identity?.IsAuthenticated,
            context.Request.PathBase.Value, context.Request.Method, context.Request.Path.Value, context.GetServerVariable("REMOTE_USER")));

        Assert.Equal(("http", "192.0.2.7", false, "", "GET", "/", null), seen);
    }

    [Theory]
    [Trait("GatewayRule", "59")]
    [OnEachProtocol("remote_user")]
    [OnEachProtocol("REMOTE-USER")]
    [OnEachProtocol("Remote_User")]
    [OnEachProtocol("HTTP_REMOTE_USER")]
    [OnEachProtocol("REDIRECT_REMOTE_USER")]
    public async Task Only_the_exact_name_makes_a_user(GatewayProtocol protocol, string variable)
    {
        string? user = "unseen";
        await using var server = await AttackServer.StartAsync(
            protocol,
            context =>
            {
                user = context.User.Identity?.Name;
                return Task.CompletedTask;
            },
            options => options.ForwardRemoteUser = true);

        await server.RequestAsync(GatewayWire.Packet(protocol).Add(variable, "root"));

        Assert.Null(user);
    }

    [Theory]
    [Trait("GatewayRule", "60")]
    [OnEachProtocol]
    public async Task REMOTE_USER_is_no_proof(GatewayProtocol protocol)
    {
        var packet = GatewayWire.Packet(protocol).Add("REMOTE_USER", "alice").Add("AUTH_TYPE", "Basic").Add("HTTP_AUTHORIZATION", "Basic YWxpY2U6d3Jvbmc=");

        var seen = await servers.SeeAsync(
            protocol, packet, context => (context.User.Identity?.IsAuthenticated, context.User.Identity?.Name, context.GetServerVariable("REMOTE_USER")));

        Assert.Equal((false, null, "alice"), seen);
    }

    [Theory]
    [Trait("GatewayRule", "62")]
    [OnEachProtocol]
    public async Task Forwarded_headers_change_nothing_by_themselves(GatewayProtocol protocol)
    {
        var packet = GatewayWire.Packet(protocol)
            .Add("HTTP_X_FORWARDED_FOR", "127.0.0.1").Add("HTTP_X_FORWARDED_FOR", "10.0.0.1").Add("HTTP_X_FORWARDED_PROTO", "https")
            .Add("HTTP_X_FORWARDED_HOST", "admin.test").Add("HTTP_X_FORWARDED_PREFIX", "/admin").Add("HTTP_FORWARDED", "for=127.0.0.1;proto=https");

        var seen = await servers.SeeAsync(protocol, packet, context => (
            context.Connection.RemoteIpAddress?.ToString(), context.Request.Scheme, context.Request.Host.Value, context.Request.PathBase.Value,
            string.Join('|', context.Request.Headers["X-Forwarded-For"].ToArray())));

        Assert.Equal(("192.0.2.7", "http", "example.test", "", "127.0.0.1|10.0.0.1"), seen);
    }

    [Theory]
    [Trait("GatewayRule", "63")]
    [OnEachProtocol]
    public async Task A_body_beyond_the_limit_is_not_delivered(GatewayProtocol protocol)
    {
        await using var server = await AttackServer.StartAsync(
            protocol, context => context.Request.Body.CopyToAsync(context.Response.Body), options => options.Limits.MaxRequestBodySize = 10);

        Assert.Equal(413, (await server.RequestAsync(GatewayWire.Packet(protocol, "POST").WithBody("12345678901"))).StatusCode);
        Assert.Equal("1234567890", (await server.RequestAsync(GatewayWire.Packet(protocol, "POST").WithBody("1234567890"))).Text);
    }

    [Fact]
    [Trait("GatewayRule", "63")]
    public async Task A_body_of_unknown_length_beyond_the_limit_is_not_delivered()
    {
        await using var server = await AttackServer.StartAsync(
            GatewayProtocol.FastCgi, context => context.Request.Body.CopyToAsync(Stream.Null), options => options.Limits.MaxRequestBodySize = 10);
        var packet = GatewayWire.Packet(GatewayProtocol.FastCgi, "POST");
        packet.Body = new byte[100_000];

        Assert.Equal(413, (await server.RequestAsync(packet)).StatusCode);
    }

    [Theory]
    [Trait("GatewayRule", "64")]
    [OnEachProtocol]
    public async Task Variables_that_name_files_and_code_do_nothing(GatewayProtocol protocol)
    {
        var environment = EnvironmentOf();
        string[] names =
        [
            "SCRIPT_FILENAME", "PATH_TRANSLATED", "DOCUMENT_ROOT", "CONTEXT_DOCUMENT_ROOT", "UWSGI_FILE", "UWSGI_SCRIPT", "UWSGI_MODULE",
            "UWSGI_CALLABLE", "UWSGI_CHDIR", "UWSGI_PYHOME", "UWSGI_SETENV", "UWSGI_APPID", "UWSGI_TOUCH_RELOAD", "UWSGI_POSTFILE", "PHP_VALUE", "PHP_ADMIN_VALUE",
            "LD_PRELOAD", "DOTNET_STARTUP_HOOKS", "ASPNETCORE_URLS",
        ];
        var packet = GatewayWire.Packet(protocol, target: "/page");
        foreach (var name in names)
            packet.Set(name, "/etc/../etc/passwd");

        var seen = await servers.SeeAsync(protocol, packet, context => (
            context.Request.PathBase.Value, context.Request.Path.Value, names.All(name => context.GetServerVariable(name) == "/etc/../etc/passwd")));

        Assert.Equal(("", "/page", true), seen);
        Assert.Equal(environment, EnvironmentOf());
    }

    private static SortedDictionary<string, string?> EnvironmentOf() => new(
        Environment.GetEnvironmentVariables().Cast<DictionaryEntry>().ToDictionary(entry => (string)entry.Key, entry => (string?)entry.Value),
        StringComparer.Ordinal);
}
