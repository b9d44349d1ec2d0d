using System.Globalization;
using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;
using Uwsgi.AspNetCore.Hosting;
using Uwsgi.AspNetCore.Protocols;

namespace Uwsgi.AspNetCore.Http;

/// <summary>Derives the request line, the host and the body's extent from CGI variables.</summary>
/// <remarks>
/// Web servers fill PATH_INFO and SCRIPT_NAME in different ways; the rules here are right for every server whose traffic was
/// recorded for the tests. They are listed in the README's section on paths.
/// </remarks>
internal static class RequestMapper
{
    public static string GetMethod(GatewayVariables variables)
    {
        var method = variables[KnownVariable.RequestMethod];
        return method switch
        {
            [] => throw new GatewayProtocolException(
                variables.Count == 0 ? GatewayRejection.NoVariables : GatewayRejection.InvalidMethod, "The request has no REQUEST_METHOD."),
            [(byte)'G', (byte)'E', (byte)'T'] => HttpMethods.Get,
            [(byte)'P', (byte)'O', (byte)'S', (byte)'T'] => HttpMethods.Post,
            [(byte)'H', (byte)'E', (byte)'A', (byte)'D'] => HttpMethods.Head,
            [(byte)'P', (byte)'U', (byte)'T'] => HttpMethods.Put,
            _ when method.SequenceEqual("PATCH"u8) => HttpMethods.Patch,
            _ when method.SequenceEqual("DELETE"u8) => HttpMethods.Delete,
            _ when method.SequenceEqual("OPTIONS"u8) => HttpMethods.Options,
            _ when method.SequenceEqual("CONNECT"u8) => HttpMethods.Connect,
            _ when method.SequenceEqual("TRACE"u8) => HttpMethods.Trace,
            _ when HttpSyntax.IsToken(method) => System.Text.Encoding.ASCII.GetString(method),
            _ => throw new GatewayProtocolException(GatewayRejection.InvalidMethod, "REQUEST_METHOD is no token."),
        };
    }

    /// <summary>Gets the framework's own constant, by which metrics and middleware compare; the client's version, not the hop's.</summary>
    public static string GetProtocol(GatewayVariables variables)
    {
        var protocol = variables[KnownVariable.ServerProtocol];
        return protocol switch
        {
            _ when protocol.SequenceEqual("HTTP/1.1"u8) => HttpProtocol.Http11,
            _ when protocol.SequenceEqual("HTTP/2.0"u8) || protocol.SequenceEqual("HTTP/2"u8) => HttpProtocol.Http2,
            _ when protocol.SequenceEqual("HTTP/3.0"u8) || protocol.SequenceEqual("HTTP/3"u8) => HttpProtocol.Http3,
            _ when protocol.SequenceEqual("HTTP/1.0"u8) => HttpProtocol.Http10,
            _ when protocol.SequenceEqual("HTTP/0.9"u8) => HttpProtocol.Http09,
            _ => HttpProtocol.Http11,
        };
    }

    public static string GetScheme(GatewayVariables variables)
    {
        var https = variables[KnownVariable.Https];
        if (System.Text.Ascii.EqualsIgnoreCase(https, "on"u8) || https.SequenceEqual("1"u8))
        {
            return Uri.UriSchemeHttps;
        }

        return ParseScheme(variables[KnownVariable.RequestScheme])
            ?? ParseScheme(variables[KnownVariable.UwsgiScheme])
            ?? Uri.UriSchemeHttp;
    }

    /// <summary>Maps SCRIPT_NAME and PATH_INFO to path base and path.</summary>
    /// <exception cref="GatewayProtocolException">The path is unusable.</exception>
    public static (string PathBase, string Path) GetPath(
        GatewayVariables variables, GatewaySettings settings, byte modifier1, RecentPaths? recent = null)
    {
        var target = variables[KnownVariable.RequestUri];
        if (target.SequenceEqual("*"u8))
        {
            return (string.Empty, string.Empty);
        }

        var (pathBase, path) = Split(variables, settings, modifier1, recent ?? new RecentPaths());
        if (settings.PreserveEncodedSlashes && (target.IndexOf("%2F"u8) >= 0 || target.IndexOf("%2f"u8) >= 0))
        {
            var raw = RequestPath.GetTargetPath(target);
            var kept = RequestPath.DecodeTarget(raw, keepEncodedSlashes: true);

            // Slash by slash the path that the web server has checked: "/a%2F.." must not become another one.
            if (kept.Replace("%2F", "/", StringComparison.OrdinalIgnoreCase) == pathBase + path)
            {
                path = RequestPath.StartsWithSegments(kept, pathBase) ? kept[pathBase.Length..] : path;
            }
        }

        if (settings.PathBase is { } configured && RequestPath.StartsWithSegments(pathBase + path, configured))
        {
            return (configured, (pathBase + path)[configured.Length..]);
        }

        return (pathBase, path);
    }

    /// <summary>Gets the query with its question mark, or the empty string.</summary>
    public static string GetQueryString(GatewayVariables variables)
    {
        var query = variables[KnownVariable.QueryString];
        if (!variables.Contains(KnownVariable.QueryString))
        {
            var target = variables[KnownVariable.RequestUri];
            var mark = target.IndexOf((byte)'?');
            query = mark < 0 ? default : target[(mark + 1)..];
            var fragment = query.IndexOf((byte)'#');
            query = fragment < 0 ? query : query[..fragment];
        }

        return query.IsEmpty ? string.Empty : "?" + RequestPath.EscapeNonAscii(query);
    }

    public static void CheckTarget(GatewayVariables variables)
    {
        if (variables[KnownVariable.RequestUri].IndexOfAny((byte)0, (byte)'\r', (byte)'\n') >= 0
            || variables[KnownVariable.QueryString].IndexOfAny((byte)0, (byte)'\r', (byte)'\n') >= 0)
        {
            throw new GatewayProtocolException(GatewayRejection.InvalidTarget, "The request target holds a NUL, CR or LF.");
        }
    }

    /// <summary>Checks the Host header, and makes one from SERVER_NAME and SERVER_PORT when the client sent none.</summary>
    /// <exception cref="GatewayProtocolException">The host is malformed.</exception>
    public static void MapHost(GatewayVariables variables, RequestHeaders headers, string scheme)
    {
        var given = headers[HeaderNames.Host].ToString();
        var host = given.Length == 0 ? GetServerHost(variables, scheme) : given;
        if (!headers.IsHostValid(host))
        {
            throw new GatewayProtocolException(GatewayRejection.InvalidHost, "The request's host is malformed.");
        }

        if (given != host)
        {
            headers[HeaderNames.Host] = host;
        }
    }

    /// <summary>Finds out how long the body is; <see langword="null"/> means until the end of the input.</summary>
    /// <exception cref="GatewayProtocolException">The lengths are invalid, disagree or are missing.</exception>
    public static long? GetContentLength(GatewayVariables variables, RequestHeaders headers, bool inputEndsBody, bool isInputEmpty = false)
    {
        if (variables.HasConflictingContentLength)
        {
            throw new GatewayProtocolException(GatewayRejection.InvalidContentLength, "CONTENT_LENGTH came twice with different values.");
        }

        var value = variables[KnownVariable.ContentLength];
        if (inputEndsBody && (value.IsEmpty || value.SequenceEqual("-1"u8)))
        {
            return isInputEmpty ? 0 : null;
        }

        if (value.IsEmpty)
        {
            // uWSGI's router passes the client's chunked framing on, or no body at all; neither can be told from the other.
            return !headers.HasTransferEncoding
                ? 0
                : throw new GatewayProtocolException(
                    GatewayRejection.LengthRequired,
                    "The web server announced a transfer coding but no CONTENT_LENGTH; let it buffer request bodies.");
        }

        if (!HttpSyntax.TryParseLength(value, out var length))
        {
            throw new GatewayProtocolException(GatewayRejection.InvalidContentLength, "CONTENT_LENGTH is not a number of bytes.");
        }

        if (headers.ClientContentLength is { } client && client != length)
        {
            throw new GatewayProtocolException(
                GatewayRejection.InvalidContentLength,
                $"CONTENT_LENGTH is {length}, but the client's Content-Length is {client}; with nginx scgi_pass turn request buffering on or update.");
        }

        if (headers.HasTransferEncoding && variables.Contains(KnownVariable.UwsgiRouter))
        {
            throw new GatewayProtocolException(
                GatewayRejection.InvalidContentLength, "uWSGI's router passed on both a length and a transfer coding.");
        }

        return length;
    }

    public static IPAddress? ParseAddress(ReadOnlySpan<byte> value)
    {
        if (value is [(byte)'[', .., (byte)']'])
        {
            value = value[1..^1];
        }

        return IPAddress.TryParse(value, out var address) ? address : null;
    }

    public static int ParsePort(ReadOnlySpan<byte> value) =>
        ushort.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var port) ? port : 0;

    private static (string PathBase, string Path) Split(
        GatewayVariables variables, GatewaySettings settings, byte modifier1, RecentPaths recent)
    {
        var scriptName = GetPathVariable(variables, KnownVariable.ScriptName, isMount: true, recent.ScriptName);
        var pathInfo = GetPathVariable(variables, KnownVariable.PathInfo, isMount: false, recent.PathInfo);
        recent.Set(scriptName, pathInfo);
        if (scriptName.Length == 0 || settings.ScriptName == ScriptNameMode.Ignore)
        {
            return (string.Empty, pathInfo.Length > 0 ? pathInfo : GetDocumentPath(variables));
        }

        if (settings.ScriptName == ScriptNameMode.Trust)
        {
            var mount = scriptName.TrimEnd('/');
            if (mount.Length == 0)
            {
                return (string.Empty, pathInfo.Length > 0 ? pathInfo : "/");
            }

            return RequestPath.StartsWithSegments(pathInfo, mount) && !IsSum(variables, scriptName, pathInfo)
                ? (mount, pathInfo[mount.Length..])
                : (mount, pathInfo);
        }

        if (pathInfo.Length == 0)
        {
            return (string.Empty, scriptName);
        }

        // The mount is in both, as the manuals of WSGI frameworks show it for nginx; modifier 30 says so explicitly.
        var prefix = scriptName.TrimEnd('/');
        if (prefix.Length > 0 && RequestPath.StartsWithSegments(pathInfo, prefix)
            && (modifier1 == 30 || !IsSum(variables, scriptName, pathInfo)))
        {
            return (prefix, pathInfo[prefix.Length..]);
        }

        // Apache's ProxyPass from one prefix to another: SCRIPT_NAME is the client's path, PATH_INFO the mapped one. And nginx's
        // `location /shop` matches /shopping too: PATH_INFO is the whole path and the mount has nothing to do with it.
        var sum = Join(scriptName, pathInfo);
        return GetComparablePath(variables) is { } whole && whole != RequestPath.MergeSlashes(sum)
            && (whole == RequestPath.MergeSlashes(scriptName) || whole == RequestPath.MergeSlashes(pathInfo))
            ? (string.Empty, pathInfo)
            : (string.Empty, sum);
    }

    private static bool IsSum(GatewayVariables variables, string scriptName, string pathInfo) =>
        GetComparablePath(variables) is { } whole && whole == RequestPath.MergeSlashes(Join(scriptName, pathInfo));

    private static string Join(string scriptName, string pathInfo) =>
        scriptName.EndsWith('/') && pathInfo.StartsWith('/') ? string.Concat(scriptName, pathInfo.AsSpan(1)) : scriptName + pathInfo;

    // The client's path in the form in which web servers compare it, or null when REQUEST_URI is missing or unusable.
    private static string? GetComparablePath(GatewayVariables variables)
    {
        try
        {
            var path = RequestPath.GetTargetPath(variables[KnownVariable.RequestUri]);
            return path.IsEmpty ? null : RequestPath.MergeSlashes(RequestPath.DecodeTarget(path, keepEncodedSlashes: false));
        }
        catch (GatewayProtocolException)
        {
            // A target that climbs above the root cannot be compared; the decoded variables decide alone.
            return null;
        }
    }

    private static string GetPathVariable(GatewayVariables variables, KnownVariable known, bool isMount, string recent)
    {
        var value = variables[known];
        if (value.IsEmpty || value[0] == '/')
        {
            // What decoding has made of one path it makes of the same text again.
            return value.IsEmpty ? string.Empty : System.Text.Ascii.Equals(value, recent) ? recent : RequestPath.DecodeVariable(value);
        }

        // A key such as "the_app1" names an app, not a path. An absolute form or an authority comes from uWSGI's router.
        var path = RequestPath.GetPathOfAbsoluteForm(value);
        if (path.IsEmpty && !isMount && !value.SequenceEqual(variables[KnownVariable.RequestUri]))
        {
            throw new GatewayProtocolException(GatewayRejection.InvalidPath, "PATH_INFO does not start with a slash.");
        }

        return isMount || path.IsEmpty ? string.Empty : RequestPath.DecodeVariable(path);
    }

    private static string GetDocumentPath(GatewayVariables variables)
    {
        if (variables[KnownVariable.DocumentUri] is [(byte)'/', ..] document)
        {
            return RequestPath.DecodeVariable(document);
        }

        if (variables[KnownVariable.RequestMethod].SequenceEqual("CONNECT"u8))
        {
            return string.Empty;
        }

        var target = RequestPath.GetTargetPath(variables[KnownVariable.RequestUri]);
        return target.IsEmpty ? "/" : RequestPath.DecodeTarget(target, keepEncodedSlashes: false);
    }

    private static string GetServerHost(GatewayVariables variables, string scheme)
    {
        var name = GatewayVariables.GetString(variables[KnownVariable.ServerName]);
        var port = ParsePort(variables[KnownVariable.ServerPort]);

        // nginx's catch-all name, and no host at all.
        if (name is "" or "_")
        {
            return string.Empty;
        }

        var bracketed = name.StartsWith('[');
        var colons = name.AsSpan().Count(':');
        if (!bracketed && colons > 1)
        {
            name = $"[{name}]";
        }
        else if (colons == 1 || (bracketed && !name.EndsWith(']')))
        {
            return name;
        }

        var defaultPort = scheme == Uri.UriSchemeHttps ? 443 : 80;
        return port == 0 || port == defaultPort ? name : string.Create(CultureInfo.InvariantCulture, $"{name}:{port}");
    }

    private static string? ParseScheme(ReadOnlySpan<byte> value) => value switch
    {
        _ when System.Text.Ascii.EqualsIgnoreCase(value, "https"u8) => Uri.UriSchemeHttps,
        _ when System.Text.Ascii.EqualsIgnoreCase(value, "http"u8) => Uri.UriSchemeHttp,
        _ => null,
    };
}
