using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Extensions;
using Uwsgi.AspNetCore.InteropTests.Processes;
using Uwsgi.AspNetCore.InteropTests.Servers;
using Xunit.Abstractions;

namespace Uwsgi.AspNetCore.InteropTests;

/// <summary>HTTPS and HTTP/2 that end at nginx, as the app sees them.</summary>
public sealed class TlsTests(ITestOutputHelper output) : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly X509Certificate2 _certificate = CreateCertificate("CN=localhost");

    public void Dispose()
    {
        _certificate.Dispose();
        _directory.Dispose();
    }

    [SkippableFact]
    public async Task Https_IsTheScheme()
    {
        await using var app = await StartAppAsync();
        await using var nginx = await StartNginxAsync(app);
        using var client = CreateClient();

        var seen = await client.GetStringAsync($"https://{nginx["site"]}/a?b=c").OrTimeout();

        Assert.Equal("https://127.0.0.1/a?b=c True HTTP/1.1 no certificate", seen);
    }

    [SkippableFact]
    public async Task Http2_IsTheProtocol()
    {
        await using var app = await StartAppAsync();
        await using var nginx = await StartNginxAsync(app);
        using var client = CreateClient();
        using var request = new HttpRequestMessage(HttpMethod.Get, $"https://{nginx["site"]}/")
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };

        using var response = await client.SendAsync(request).OrTimeout();

        Assert.Equal("https://127.0.0.1/ True HTTP/2 no certificate", await response.Content.ReadAsStringAsync());
    }

    [SkippableTheory]
    [InlineData(true, "CN=visitor")]
    [InlineData(false, "no certificate")]
    public async Task ClientCertificate_IsSeenWhereForwardingIsOn(bool forward, string expected)
    {
        await using var app = await StartAppAsync(uwsgi => uwsgi.ForwardClientCertificate = forward);
        await using var nginx = await StartNginxAsync(app, """
            ssl_verify_client optional_no_ca;
            uwsgi_param SSL_CLIENT_CERT $ssl_client_escaped_cert;
            """);
        using var visitor = CreateCertificate("CN=visitor");
        using var client = CreateClient(visitor);

        var seen = await client.GetStringAsync($"https://{nginx["site"]}/").OrTimeout();

        output.WriteLine(nginx.Version);
        Assert.EndsWith(expected, seen);
    }

    private static X509Certificate2 CreateCertificate(string subject)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(subject, key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
    }

    private HttpClient CreateClient(X509Certificate2? certificate = null) => new(new SocketsHttpHandler
    {
        SslOptions =
        {
            CertificateChainPolicy = new X509ChainPolicy
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                RevocationMode = X509RevocationMode.NoCheck,
                CustomTrustStore = { _certificate },
            },
            ClientCertificates = certificate is null ? null : [certificate],
        },
    });

    private static Task<WebApplication> StartAppAsync(Action<UwsgiOptions>? configure = null) => TestApp.StartAsync(
        uwsgi =>
        {
            uwsgi.Sockets.Add("127.0.0.1:0");
            configure?.Invoke(uwsgi);
        },
        app => app.Run(context => context.Response.WriteAsync(
            $"{context.Request.GetDisplayUrl()} {context.Request.IsHttps} {context.Request.Protocol} "
            + (context.Connection.ClientCertificate?.Subject ?? "no certificate"))));

    private Task<NginxServer> StartNginxAsync(WebApplication app, string more = "")
    {
        File.WriteAllText(_directory["site.crt"], _certificate.ExportCertificatePem());
        File.WriteAllText(_directory["site.key"], _certificate.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem());
        return NginxServer.StartAsync(new NginxSites
        {
            ListenOptions = "ssl http2",
            Sites = new Dictionary<string, string>
            {
                ["site"] = $$"""
                    ssl_certificate {{_directory["site.crt"]}};
                    ssl_certificate_key {{_directory["site.key"]}};
                    include uwsgi_params;
                    {{more}}
                    location / { uwsgi_pass {{app.GetUwsgiAddress()}}; }
                    """,
            },
        });
    }
}
