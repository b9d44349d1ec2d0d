using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.Features.Authentication;
using Microsoft.Extensions.Primitives;

namespace Uwsgi.AspNetCore.Workers;

/// <summary>The variables that a web server would have sent for a request that came over HTTP.</summary>
internal static class HttpVariables
{
    private const string HeaderPrefix = "HTTP_";

    // What nginx's file uwsgi_params sends, without what only the web server knows, and the mount.
    private static readonly string[] Names =
    [
        "REQUEST_METHOD", "REQUEST_URI", "PATH_INFO", "QUERY_STRING", "SERVER_PROTOCOL", "REQUEST_SCHEME", "SCRIPT_NAME", "HTTPS", "REMOTE_ADDR",
        "REMOTE_PORT", "SERVER_NAME", "SERVER_PORT", "CONTENT_TYPE", "CONTENT_LENGTH",
    ];

    /// <summary>Gets a variable; <see langword="null"/> or empty when there is none.</summary>
    public static string? Get(Core core, string name)
    {
        if (core.Request is not { } request)
        {
            return null;
        }

        return name switch
        {
            "REQUEST_METHOD" => request.Method,
            "REQUEST_URI" => string.IsNullOrEmpty(request.RawTarget) ? request.PathBase + request.Path + request.QueryString : request.RawTarget,
            "PATH_INFO" => request.Path,
            "SCRIPT_NAME" => request.PathBase,
            "QUERY_STRING" => request.QueryString is ['?', .. var query] ? query : request.QueryString,
            "SERVER_PROTOCOL" => request.Protocol,
            "REQUEST_SCHEME" => request.Scheme,
            "HTTPS" => string.Equals(request.Scheme, Uri.UriSchemeHttps, StringComparison.OrdinalIgnoreCase) ? "on" : null,
            "REMOTE_ADDR" => core.Connection?.RemoteIpAddress?.ToString(),
            "REMOTE_PORT" => FormatPort(core.Connection?.RemotePort),
            "REMOTE_USER" => GetUser(core),
            "SERVER_ADDR" => core.Connection?.LocalIpAddress?.ToString(),
            "SERVER_PORT" => FormatPort(core.Connection?.LocalPort),
            "SERVER_NAME" => new HostString(request.Headers.Host.ToString()).Host,
            "CONTENT_TYPE" => request.Headers.ContentType.ToString(),
            "CONTENT_LENGTH" => request.Headers.ContentLength?.ToString(CultureInfo.InvariantCulture),
            _ when name.StartsWith(HeaderPrefix, StringComparison.Ordinal) => GetHeader(request, name.AsSpan(HeaderPrefix.Length)),
            _ => null,
        };
    }

    /// <summary>Gets the name of the user whom the application has authenticated, on any protocol.</summary>
    public static string? GetUser(Core core) =>
        (core.Request as IFeatureCollection)?.Get<IHttpAuthenticationFeature>()?.User?.Identity?.Name;

    /// <summary>Gets all variables that are not empty: the request's own, then its headers.</summary>
    public static IEnumerable<(string Name, string Value)> GetAll(Core core)
    {
        foreach (var name in Names)
        {
            if (Get(core, name) is { Length: > 0 } value)
            {
                yield return (name, value);
            }
        }

        if (core.Request is not { } request)
        {
            yield break;
        }

        foreach (var (name, values) in request.Headers)
        {
            if (!IsContent(name))
            {
                yield return (HeaderPrefix + name.Replace('-', '_').ToUpperInvariant(), Join(values));
            }
        }
    }

    private static string? GetHeader(IHttpRequestFeature request, ReadOnlySpan<char> variable)
    {
        foreach (var (name, values) in request.Headers)
        {
            if (!IsContent(name) && IsSame(name, variable))
            {
                return Join(values);
            }
        }

        return null;
    }

    // As nginx joins them.
    private static string Join(StringValues values) => values.Count == 1 ? values[0] ?? string.Empty : string.Join(", ", values.AsEnumerable());

    // Both have variables without the prefix.
    private static bool IsContent(string name) =>
        name.Equals("Content-Type", StringComparison.OrdinalIgnoreCase) || name.Equals("Content-Length", StringComparison.OrdinalIgnoreCase);

    private static bool IsSame(string header, ReadOnlySpan<char> variable)
    {
        if (header.Length != variable.Length)
        {
            return false;
        }

        for (var i = 0; i < header.Length; i++)
        {
            if ((header[i] == '-' ? '_' : char.ToUpperInvariant(header[i])) != variable[i])
            {
                return false;
            }
        }

        return true;
    }

    private static string? FormatPort(int? port) => port is > 0 ? port.Value.ToString(CultureInfo.InvariantCulture) : null;
}
