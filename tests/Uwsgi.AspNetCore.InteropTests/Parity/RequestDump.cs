using System.Diagnostics;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Extensions;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.Features.Authentication;
using Microsoft.AspNetCore.Http.Timeouts;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Microsoft.Extensions.Primitives;

namespace Uwsgi.AspNetCore.InteropTests.Parity;

/// <summary>Writes down a request as the server hands it to the pipeline, member by member.</summary>
internal static partial class RequestDump
{
    private static readonly Type[] Features =
    [
        typeof(IHttpRequestFeature), typeof(IHttpResponseFeature), typeof(IHttpResponseBodyFeature), typeof(IRequestBodyPipeFeature),
        typeof(IHttpRequestBodyDetectionFeature), typeof(IHttpRequestLifetimeFeature), typeof(IHttpRequestIdentifierFeature),
        typeof(IHttpConnectionFeature), typeof(IHttpBodyControlFeature), typeof(IHttpMaxRequestBodySizeFeature),
        typeof(IHttpMinRequestBodyDataRateFeature), typeof(IHttpMinResponseDataRateFeature), typeof(IHttpUpgradeFeature),
        typeof(IHttpExtendedConnectFeature), typeof(IHttpWebSocketFeature), typeof(IHttpRequestTrailersFeature),
        typeof(IHttpResponseTrailersFeature), typeof(IHttpResetFeature), typeof(ITlsConnectionFeature), typeof(ITlsHandshakeFeature),
        typeof(IServerVariablesFeature), typeof(IEndpointFeature), typeof(IRouteValuesFeature), typeof(IServiceProvidersFeature),
        typeof(IItemsFeature), typeof(IHttpActivityFeature), typeof(IHttpMetricsTagsFeature), typeof(IHttpRequestTimeoutFeature),
        typeof(IHttpAuthenticationFeature), typeof(ISessionFeature), typeof(IBadRequestExceptionFeature), typeof(IPersistentStateFeature),
        typeof(IConnectionIdFeature), typeof(IConnectionItemsFeature), typeof(IConnectionLifetimeFeature),
        typeof(IConnectionLifetimeNotificationFeature), typeof(IConnectionTransportFeature), typeof(IConnectionEndPointFeature),
        typeof(IConnectionSocketFeature), typeof(IConnectionMetricsTagsFeature), typeof(IConnectionUserFeature),
        typeof(IMemoryPoolFeature), typeof(ITrackingConsentFeature),
    ];

    public static void Write(HttpContext context, Observation observation)
    {
        WriteRequestLine(context.Request, observation);
        WriteFields(context.Request, observation);
        WriteConnection(context, observation);
        WriteBodyAndResponse(context, observation);
        WriteActivity(context, observation);
        foreach (var feature in Features)
        {
            observation.Note($"App.Feature[{feature.Name}]", context.Features[feature] is null ? "absent" : "present");
        }
    }

    /// <summary>Writes values as a JSON array, so that one value with a comma differs from two values.</summary>
    public static string Join(StringValues values) => JsonSerializer.Serialize(values.ToArray());

    private static void WriteRequestLine(HttpRequest request, Observation observation)
    {
        observation.Note("App.Method", request.Method);
        observation.Note("App.Protocol", request.Protocol);
        observation.Note("App.Scheme", request.Scheme);
        observation.Note("App.IsHttps", request.IsHttps.ToString());
        observation.Note("App.Host", request.Host.Value);
        observation.Note("App.Host.Port", request.Host.Port?.ToString());
        observation.Note("App.PathBase", request.PathBase.Value);
        observation.Note("App.Path", request.Path.Value);
        observation.Note("App.QueryString", request.QueryString.Value);
        observation.Note("App.RawTarget", request.HttpContext.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget);
        observation.Note("App.DisplayUrl", request.GetDisplayUrl());
        observation.Note("App.EncodedUrl", request.GetEncodedUrl());
    }

    // Names are compared in lower case: spelling does not survive CGI variables and means nothing in HTTP.
    private static void WriteFields(HttpRequest request, Observation observation)
    {
        foreach (var (name, values) in request.Headers.Where(header => !header.Key.Equals(ObservationLog.VisitHeader, StringComparison.OrdinalIgnoreCase)))
        {
            observation.Note($"App.Header[{name.ToLowerInvariant()}]", Join(values));
        }

        foreach (var (name, values) in request.Query)
        {
            observation.Note($"App.Query[{name}]", Join(values));
        }

        foreach (var (name, value) in request.Cookies)
        {
            observation.Note($"App.Cookie[{name}]", value);
        }

        observation.Note("App.ContentType", request.ContentType);
        observation.Note("App.ContentLength", request.ContentLength?.ToString());
        observation.Note("App.HasFormContentType", request.HasFormContentType.ToString());
    }

    private static void WriteConnection(HttpContext context, Observation observation)
    {
        observation.Note("App.RemoteIpAddress", context.Connection.RemoteIpAddress?.ToString());
        observation.Note("App.RemotePort", context.Connection.RemotePort.ToString());
        observation.Note("App.LocalIpAddress", context.Connection.LocalIpAddress?.ToString());
        observation.Note("App.LocalPort", context.Connection.LocalPort.ToString());
        observation.Note("App.ClientCertificate", context.Connection.ClientCertificate?.Subject);
        observation.Note("App.ConnectionId", ConnectionId().Replace(context.Connection.Id, "(id)"));
        observation.Note("App.TraceIdentifier", ConnectionId().Replace(context.TraceIdentifier, "(id)"));
        observation.Note("App.RequestAborted", $"{context.RequestAborted.CanBeCanceled} {context.RequestAborted.IsCancellationRequested}");
    }

    private static void WriteBodyAndResponse(HttpContext context, Observation observation)
    {
        var (request, response) = (context.Request, context.Response);
        var limit = context.Features.Get<IHttpMaxRequestBodySizeFeature>();
        observation.Note("App.MaxRequestBodySize", $"{limit?.MaxRequestBodySize} {limit?.IsReadOnly}");
        observation.Note("App.CanHaveBody", context.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody.ToString());
        observation.Note("App.AllowSynchronousIO", context.Features.Get<IHttpBodyControlFeature>()?.AllowSynchronousIO.ToString());
        observation.Note("App.IsUpgradableRequest", context.Features.Get<IHttpUpgradeFeature>()?.IsUpgradableRequest.ToString());
        observation.Note("App.SupportsTrailers", $"{request.SupportsTrailers()} {response.SupportsTrailers()}");
        observation.Note("App.RequestBody", $"{request.Body.CanRead} {request.Body.CanWrite} {request.Body.CanSeek}");
        observation.Note("App.ResponseBody", $"{response.Body.CanRead} {response.Body.CanWrite} {response.Body.CanSeek}");
        observation.Note("App.Writer", $"{response.BodyWriter.CanGetUnflushedBytes}");
        observation.Note("App.Response", $"{response.StatusCode} {response.HasStarted} {response.ContentLength} {response.Headers.Count}");
    }

    private static void WriteActivity(HttpContext context, Observation observation)
    {
        if (Activity.Current is { } activity && context.Request.Headers.TraceParent.Count > 0)
        {
            observation.Note("App.Activity", $"{activity.TraceId} {activity.ParentSpanId} {activity.TraceStateString}");
            observation.Note("App.Activity.Baggage", string.Join(';', activity.Baggage));
        }
    }

    [GeneratedRegex("^[0-9A-V]{13}(?=$|:[0-9A-F]{8}$)", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex ConnectionId();
}
