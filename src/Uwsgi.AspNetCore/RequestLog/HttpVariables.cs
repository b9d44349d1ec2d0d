using System.Globalization;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.Features.Authentication;
using Uwsgi.AspNetCore.Workers;

namespace Uwsgi.AspNetCore.RequestLog;

/// <summary>The variables that a web server would have sent for a request that came over HTTP.</summary>
internal static class HttpVariables
{
    private const string HeaderPrefix = "HTTP_";

    // What nginx's file uwsgi_params sends, without what only the web server knows.
    private static readonly string[] Names =
    [
        "REQUEST_METHOD", "REQUEST_URI", "PATH_INFO", "QUERY_STRING", "SERVER_PROTOCOL", "REQUEST_SCHEME", "HTTPS", "REMOTE_ADDR", "REMOTE_PORT",
        "SERVER_NAME", "SERVER_PORT", "CONTENT_TYPE", "CONTENT_LENGTH",
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
            "REQUEST_URI" => request.RawTarget,
            "PATH_INFO" => request.PathBase + request.Path,
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

    public static (int Count, int Bytes) Measure(Core core, int bytesPerVariable)
    {
        var (count, bytes) = (0, 0);
        foreach (var name in Names)
        {
            if (Get(core, name) is { Length: > 0 } value)
            {
                Add(name.Length, value);
            }
        }

        foreach (var (name, values) in core.Request?.Headers ?? new HeaderDictionary())
        {
            if (!IsContent(name))
            {
                Add(HeaderPrefix.Length + name.Length, values.ToString());
            }
        }

        return (count, bytes);

        void Add(int nameLength, string value)
        {
            count++;
            bytes += bytesPerVariable + nameLength + Encoding.UTF8.GetByteCount(value);
        }
    }

    private static string? GetHeader(IHttpRequestFeature request, ReadOnlySpan<char> variable)
    {
        foreach (var (name, values) in request.Headers)
        {
            if (!IsContent(name) && IsSame(name, variable))
            {
                return string.Join(", ", values.AsEnumerable());
            }
        }

        return null;
    }

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
