using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using Uwsgi.AspNetCore.Protocols;

namespace Uwsgi.AspNetCore.Http;

/// <summary>The client's certificate as the web server passed it on in SSL_CLIENT_CERT.</summary>
/// <remarks>
/// Taken as PEM with line feeds, PEM whose lines are continued with a blank or tab, and URL-encoded PEM
/// (nginx <c>$ssl_client_escaped_cert</c>). Used only when SSL_CLIENT_VERIFY is SUCCESS or absent.
/// </remarks>
internal sealed class ForwardedCertificate : ITlsConnectionFeature
{
    private const string Begin = "-----BEGIN CERTIFICATE-----";
    private const string End = "-----END CERTIFICATE-----";

    private readonly ILogger _logger;
    private string? _pem;
    private X509Certificate2? _certificate;

    public ForwardedCertificate(IHttpResponseFeature response, GatewayVariables variables, ILogger logger)
    {
        _logger = logger;
        if (!variables.Contains(KnownVariable.SslClientCert))
        {
            return;
        }

        if (variables[KnownVariable.SslClientVerify] is { IsEmpty: true } || variables[KnownVariable.SslClientVerify].SequenceEqual("SUCCESS"u8))
        {
            _pem = variables.GetString(KnownVariable.SslClientCert);
            response.OnCompleted(static state => ((ForwardedCertificate)state).DisposeAsync(), this);
        }
    }

    public X509Certificate2? ClientCertificate
    {
        get
        {
            if (_pem is { } pem)
            {
                _pem = null;
                _certificate = Parse(pem);
            }

            return _certificate;
        }

        set
        {
            _pem = null;
            _certificate = value;
        }
    }

    public Task<X509Certificate2?> GetClientCertificateAsync(CancellationToken cancellationToken) =>
        cancellationToken.IsCancellationRequested ? Task.FromCanceled<X509Certificate2?>(cancellationToken) : Task.FromResult(ClientCertificate);

    private X509Certificate2? Parse(string pem)
    {
        try
        {
            if (pem.Contains("%20", StringComparison.Ordinal) || pem.Contains("%0A", StringComparison.OrdinalIgnoreCase))
            {
                pem = WebUtility.UrlDecode(pem.Replace("+", "%2B", StringComparison.Ordinal));
            }

            // Between the two markers only the Base64 text counts, however its lines were folded.
            var start = pem.IndexOf(Begin, StringComparison.Ordinal);
            var end = pem.IndexOf(End, StringComparison.Ordinal);
            if (start < 0 || end < start)
            {
                throw new CryptographicException("The variable holds no PEM certificate.");
            }

            var base64 = string.Concat(pem[(start + Begin.Length)..end].Where(static c => !char.IsWhiteSpace(c)));
            return X509CertificateLoader.LoadCertificate(Convert.FromBase64String(base64));
        }
        catch (Exception error) when (error is CryptographicException or FormatException)
        {
            Log.CertificateUnreadable(_logger, error);
            return null;
        }
    }

    private Task DisposeAsync()
    {
        _certificate?.Dispose();
        return Task.CompletedTask;
    }
}
