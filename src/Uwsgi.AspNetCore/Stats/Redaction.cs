using System.Buffers;
using System.Text;

namespace Uwsgi.AspNetCore.Stats;

/// <summary>Keeps what identifies a client out of sight: whoever reads statistics must not be able to act in somebody's name.</summary>
internal static class Redaction
{
    public const string Mask = "***";

    private static readonly SearchValues<char> Separators = SearchValues.Create("?&;#, ");

    // What ends a value in a URL. Commas, blanks and semicolons may be part of a credential, and rather too much is hidden than its end shown.
    private static readonly SearchValues<char> ValueEnds = SearchValues.Create("&#");

    // Parts of names: HTTP_COOKIE, HTTP_PROXY_AUTHORIZATION, REDIRECT_HTTP_AUTHORIZATION, SSL_CLIENT_CERT_CHAIN_0, HTTP_X_CSRF_TOKEN …
    private static readonly SearchValues<string> SecretParts = SearchValues.Create(
        [
            "COOKIE", "AUTHORIZATION", "X_AUTH", "TOKEN", "JWT", "ASSERTION", "SECRET", "PASSW", "CREDENTIAL", "API_KEY", "APIKEY", "API-KEY",
            "ACCESS_KEY", "SIGNATURE", "SESSION", "CERT", "PASSPHRASE", "OIDC_DATA", "SSL_CLIENT", "TLS_CLIENT",
        ],
        StringComparison.OrdinalIgnoreCase);

    private static readonly SearchValues<string> SecretParameters = SearchValues.Create(
        ["code", "sig", "key", "pass", "pwd", "auth", "ticket", "otp", "hmac", "SAMLResponse"], StringComparison.OrdinalIgnoreCase);

    /// <summary>Tells whether a variable's value must not be shown.</summary>
    public static bool IsSecret(string name) =>
        (name.AsSpan().ContainsAny(SecretParts) || name.EndsWith("_KEY", StringComparison.OrdinalIgnoreCase)) && !IsVerdict(name);

    /// <summary>Masks the values of parameters that carry credentials, such as <c>access_token</c> in a query string.</summary>
    /// <remarks>Also where they are part of a URL that is itself a parameter, percent-encoded once.</remarks>
    public static string MaskParameters(string value) => MaskParameters(value, isNested: false);

    private static string MaskParameters(string value, bool isNested)
    {
        if (!value.Contains('=', StringComparison.Ordinal))
        {
            return value;
        }

        StringBuilder? masked = null;
        var copied = 0;
        for (var start = 0; start < value.Length;)
        {
            var length = value.AsSpan(start).IndexOfAny(Separators);
            var end = length < 0 ? value.Length : start + length;
            var equals = value.AsSpan(start, end - start).IndexOf('=');
            if (equals > 0 && IsSecretParameter(value.Substring(start, equals)))
            {
                var rest = value.AsSpan(end).IndexOfAny(ValueEnds);
                end = rest < 0 ? value.Length : end + rest;
                Hide(start + equals + 1);
            }
            else if (equals > 0 && !isNested && HidesSecret(value.AsSpan(start + equals + 1, end - start - equals - 1)))
            {
                Hide(start + equals + 1);
            }

            start = end + 1;

            void Hide(int from)
            {
                (masked ??= new StringBuilder()).Append(value, copied, from - copied).Append(Mask);
                copied = end;
            }
        }

        return masked is null ? value : masked.Append(value, copied, value.Length - copied).ToString();
    }

    private static bool HidesSecret(ReadOnlySpan<char> value) =>
        value.Contains('%') && Uri.UnescapeDataString(value) is var text && MaskParameters(text, isNested: true) != text;

    // Whether the web server has accepted the client certificate says nothing about whose it is.
    private static bool IsVerdict(string name) => name.EndsWith("SSL_CLIENT_VERIFY", StringComparison.OrdinalIgnoreCase);

    private static bool IsSecretParameter(string name)
    {
        if (name.Contains('%', StringComparison.Ordinal))
        {
            name = Uri.UnescapeDataString(name);
        }

        return IsSecret(name) || SecretParameters.Contains(name);
    }
}
