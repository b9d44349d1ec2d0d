using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Uwsgi.AspNetCore.FunctionalTests.Infrastructure;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.FunctionalTests;

public class RequestConnectionTests(SharedServer shared) : IClassFixture<SharedServer>
{
    private static readonly string Pem = CreatePem();

    public static TheoryData<string, string> CertificateForms => new()
    {
        { "PEM", Pem },
        { "PEM with CRLF", Pem.ReplaceLineEndings("\r\n") },
        { "nginx's $ssl_client_cert", Pem.Replace("\n", "\n\t") },
        { "Apache's folded lines", Pem.Replace("\n", " ") },
        { "nginx's $ssl_client_escaped_cert", Uri.EscapeDataString(Pem) },
        { "escaped, plus signs left alone", Uri.EscapeDataString(Pem).Replace("%2B", "+") },
        { "text in front of it", $"subject=CN = client\n{Pem}" },
    };

    [Theory]
    [Trait("Item", "22")]
    [InlineData("192.0.2.7", "192.0.2.7")]
    [InlineData("2001:db8::7", "2001:db8::7")]
    [InlineData("[2001:db8::7]", "2001:db8::7")]
    [InlineData("::ffff:192.0.2.7", "::ffff:192.0.2.7")]
    [InlineData("fe80::1%1", "fe80::1%1")]
    [InlineData("unix:", null)]
    [InlineData("", null)]
    [InlineData("somewhere", null)]
    public async Task Addresses_come_from_the_variables_and_are_unknown_when_unreadable(string address, string? expected)
    {
        var packet = UwsgiPacket.Nginx().Set("REMOTE_ADDR", address).Set("SERVER_ADDR", address);

        var seen = await shared.SeeAsync(packet, context => (context.Connection.RemoteIpAddress, context.Connection.LocalIpAddress));

        var ip = expected is null ? null : IPAddress.Parse(expected);
        Assert.Equal((ip, ip), seen);
    }

    [Theory]
    [Trait("Item", "22")]
    [InlineData("51234", 51234)]
    [InlineData("0", 0)]
    [InlineData("", 0)]
    [InlineData("65536", 0)]
    [InlineData("-1", 0)]
    [InlineData("http", 0)]
    public async Task Ports_come_from_the_variables(string port, int expected)
    {
        var packet = UwsgiPacket.Nginx().Set("REMOTE_PORT", port).Set("SERVER_PORT", port);

        Assert.Equal((expected, expected), await shared.SeeAsync(packet, context => (context.Connection.RemotePort, context.Connection.LocalPort)));
    }

    [Fact]
    [Trait("Item", "22")]
    public async Task The_applications_own_values_replace_what_arrived()
    {
        var seen = await shared.SeeAsync(UwsgiPacket.Nginx(), context =>
        {
            context.Connection.RemoteIpAddress = IPAddress.IPv6Loopback;
            context.Connection.RemotePort = 1;
            context.Connection.LocalIpAddress = null;
            context.Connection.LocalPort = 2;
            context.Connection.Id = "mine";
            return (context.Connection.RemoteIpAddress, context.Connection.RemotePort, context.Connection.LocalIpAddress, context.Connection.LocalPort, context.Connection.Id);
        });

        Assert.Equal((IPAddress.IPv6Loopback, 1, null, 2, "mine"), seen);
    }

    [Fact]
    [Trait("Item", "3")]
    public async Task The_trace_identifier_is_unique_and_settable()
    {
        var first = await shared.SeeAsync(UwsgiPacket.Nginx(), context => (context.TraceIdentifier, context.Connection.Id));
        var second = await shared.SeeAsync(UwsgiPacket.Nginx(), context => (context.TraceIdentifier, context.Connection.Id));
        var third = await shared.SeeAsync(UwsgiPacket.Nginx(), context => context.TraceIdentifier = "mine");

        Assert.Equal($"{first.Id}:00000001", first.TraceIdentifier);
        Assert.Equal($"{second.Id}:00000001", second.TraceIdentifier);
        Assert.NotEqual(first.Id, second.Id);
        Assert.Equal("mine", third);
    }

    [Fact]
    [Trait("Item", "31")]
    public async Task Every_variable_can_be_asked_for()
    {
        var packet = UwsgiPacket.Nginx(target: "/x?y", https: true)
            .Add("HTTP_X_TAG", "tag").Add("MY_SETTING", "").Add("TWICE", "1").Add("TWICE", "2").Add("UWSGI_FILE", "/etc/passwd");

        var seen = await shared.SeeAsync(packet, context => packet.Variables.Select(variable => (variable.Key, context.GetServerVariable(variable.Key))).ToList());

        var expected = packet.Variables.Select(variable => (variable.Key, (string?)(variable.Key == "TWICE" ? "2" : variable.Value)));
        Assert.Equal(expected, seen);
    }

    [Fact]
    [Trait("Item", "31")]
    public async Task A_variable_is_found_by_its_exact_name_first_and_then_in_any_case()
    {
        var packet = UwsgiPacket.Nginx().Add("Mixed", "exact").Add("MIXED", "upper");

        var seen = await shared.SeeAsync(
            packet, context => (context.GetServerVariable("Mixed"), context.GetServerVariable("MIXED"), context.GetServerVariable("request_method"), context.GetServerVariable("NONE")));

        Assert.Equal(("exact", "upper", "GET", null), seen);
    }

    [Fact]
    [Trait("Item", "31")]
    public async Task A_variable_can_be_overridden_and_hidden_for_the_request()
    {
        var seen = await shared.SeeAsync(UwsgiPacket.Nginx(), context =>
        {
            var variables = context.Features.GetRequiredFeature<IServerVariablesFeature>();
            variables["SERVER_NAME"] = "mine";
            variables["REMOTE_ADDR"] = null;
            variables["NEW"] = "new";
            return (context.GetServerVariable("SERVER_NAME"), context.GetServerVariable("REMOTE_ADDR"), context.GetServerVariable("NEW"));
        });
        var next = await shared.SeeAsync(
            UwsgiPacket.Nginx(), context => (context.GetServerVariable("SERVER_NAME"), context.GetServerVariable("REMOTE_ADDR"), context.GetServerVariable("NEW")));

        Assert.Equal(("mine", null, "new"), seen);
        Assert.Equal(("example.test", "192.0.2.7", null), next);
    }

    [Fact]
    [Trait("Item", "31")]
    public async Task The_gateway_feature_lists_the_variables_as_they_came()
    {
        var packet = UwsgiPacket.Nginx().Add("TWICE", "1").Add("HTTP_X", "x").Add("TWICE", "2");
        packet.Modifier1 = 7;
        packet.Modifier2 = 3;

        var seen = await shared.SeeAsync(packet, context =>
        {
            var gateway = context.Features.GetRequiredFeature<IGatewayFeature>();
            return (gateway.Protocol, gateway.Modifier1, gateway.Modifier2, Variables: gateway.Variables.ToList());
        });

        Assert.Equal((GatewayProtocol.Uwsgi, 7, 3), (seen.Protocol, seen.Modifier1, seen.Modifier2));
        Assert.Equal(packet.Variables, seen.Variables);
    }

    [Fact]
    [Trait("Item", "31")]
    public async Task A_header_never_becomes_a_variable_that_the_web_server_sets()
    {
        var packet = UwsgiPacket.Nginx()
            .Add("HTTP_REMOTE_USER", "root").Add("HTTP_REMOTE_ADDR", "203.0.113.1").Add("HTTP_SCRIPT_NAME", "/evil").Add("HTTP_SERVER_NAME", "evil.test");

        var seen = await shared.SeeAsync(packet, context => (
            context.GetServerVariable("REMOTE_USER"), context.Connection.RemoteIpAddress?.ToString(), context.Request.PathBase.Value, context.GetServerVariable("SERVER_NAME"), context.User.Identity?.Name));

        Assert.Equal((null, "192.0.2.7", "", "example.test", null), seen);
    }

    [Theory]
    [Trait("Item", "30")]
    [MemberData(nameof(CertificateForms))]
    public async Task A_client_certificate_is_read_in_every_form_web_servers_send(string form, string value)
    {
        var (thumbprint, _) = await SeeCertificateAsync(packet => packet.Add("SSL_CLIENT_CERT", value).Add("SSL_CLIENT_VERIFY", "SUCCESS"));

        Assert.True(Expected.Thumbprint == thumbprint, form);
    }

    [Theory]
    [Trait("Item", "30")]
    [InlineData("SUCCESS", true)]
    [InlineData("", true)]
    [InlineData(null, true)]
    [InlineData("NONE", false)]
    [InlineData("GENEROUS", false)]
    [InlineData("FAILED:certificate has expired", false)]
    [InlineData("success", false)]
    public async Task A_client_certificate_counts_only_when_it_was_verified(string? verify, bool counts)
    {
        var (thumbprint, _) = await SeeCertificateAsync(packet =>
        {
            packet.Add("SSL_CLIENT_CERT", Pem);
            if (verify is not null)
                packet.Add("SSL_CLIENT_VERIFY", verify);
        });

        Assert.Equal(counts ? Expected.Thumbprint : null, thumbprint);
    }

    [Fact]
    [Trait("Item", "30")]
    public async Task A_client_certificate_is_not_believed_by_default()
    {
        var seen = await shared.SeeAsync(
            UwsgiPacket.Nginx().Add("SSL_CLIENT_CERT", Pem).Add("SSL_CLIENT_VERIFY", "SUCCESS"), context => context.Connection.ClientCertificate);

        Assert.Null(seen);
    }

    [Theory]
    [Trait("Item", "30")]
    [InlineData("")]
    [InlineData("garbage")]
    [InlineData("-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----")]
    [InlineData("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----")]
    [InlineData("-----END CERTIFICATE----------BEGIN CERTIFICATE-----")]
    public async Task An_unreadable_client_certificate_is_none(string value)
    {
        var (thumbprint, warnings) = await SeeCertificateAsync(packet => packet.Add("SSL_CLIENT_CERT", value));

        Assert.Null(thumbprint);
        Assert.Equal(value.Length == 0 ? 0 : 1, warnings);
    }

    [Fact]
    [Trait("Item", "30")]
    public async Task A_client_certificate_is_disposed_with_the_request()
    {
        X509Certificate2? certificate = null;
        await using var server = await GatewayTestServer.StartAsync(
            async context =>
            {
                certificate = await context.Connection.GetClientCertificateAsync();
                Assert.NotEqual(IntPtr.Zero, certificate!.Handle);
            },
            options => options.Uwsgi = uwsgi => uwsgi.ForwardClientCertificate = true);

        await server.RequestAsync(UwsgiPacket.Nginx().Add("SSL_CLIENT_CERT", Pem));

        Assert.Equal(IntPtr.Zero, certificate!.Handle);
    }

    private static X509Certificate2 Expected => X509Certificate2.CreateFromPem(Pem);

    private static async Task<(string? Thumbprint, int Warnings)> SeeCertificateAsync(Action<UwsgiPacket> change)
    {
        string? thumbprint = null;
        await using var server = await GatewayTestServer.StartAsync(
            async context =>
            {
                thumbprint = context.Connection.ClientCertificate?.Thumbprint;
                Assert.Equal(thumbprint, (await context.Connection.GetClientCertificateAsync())?.Thumbprint);
            },
            options => options.Uwsgi = uwsgi => uwsgi.ForwardClientCertificate = true);
        var packet = UwsgiPacket.Nginx();
        change(packet);

        Assert.Equal(200, (await server.RequestAsync(packet)).StatusCode);
        return (thumbprint, server.Logs.Find("CertificateUnreadable").Count);
    }

    private static string CreatePem()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=client", key, HashAlgorithmName.SHA256);
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(100));
        return certificate.ExportCertificatePem() + "\n";
    }
}
