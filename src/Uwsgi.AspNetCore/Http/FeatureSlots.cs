using System.Collections.Frozen;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.Features.Authentication;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace Uwsgi.AspNetCore.Http;

/// <summary>The features that have a field of their own in a request; all others go to a short list.</summary>
internal static class FeatureSlots
{
    // The request implements those of the first group itself, whatever the request; the second is set per request or by others.
    private static readonly Type[] Own =
    [
        typeof(IHttpRequestFeature), typeof(IHttpResponseFeature), typeof(IHttpResponseBodyFeature),
        typeof(IRequestBodyPipeFeature), typeof(IHttpRequestBodyDetectionFeature), typeof(IHttpRequestLifetimeFeature),
        typeof(IHttpRequestIdentifierFeature), typeof(IHttpConnectionFeature), typeof(IHttpBodyControlFeature),
        typeof(IHttpMaxRequestBodySizeFeature), typeof(IHttpMinRequestBodyDataRateFeature),
        typeof(IHttpMinResponseDataRateFeature), typeof(IServerVariablesFeature), typeof(IEndpointFeature),
        typeof(IRouteValuesFeature), typeof(IGatewayFeature),
    ];

    private static readonly Type[] Others =
    [
        typeof(IServiceProvidersFeature), typeof(IItemsFeature), typeof(IQueryFeature), typeof(IFormFeature),
        typeof(IRequestCookiesFeature), typeof(IResponseCookiesFeature), typeof(IHttpAuthenticationFeature),
        typeof(ISessionFeature), typeof(IHttpActivityFeature), typeof(IHttpMetricsTagsFeature),
        typeof(Microsoft.AspNetCore.Http.Timeouts.IHttpRequestTimeoutFeature), typeof(IHttpWebSocketFeature),
        typeof(IHttpUpgradeFeature), typeof(ITlsConnectionFeature), typeof(ITlsHandshakeFeature),
        typeof(IHttpsCompressionFeature), typeof(IFastCgiFeature),
    ];

    private static readonly Type[] All = [.. Own, .. Others];
    private static readonly FrozenDictionary<Type, int> Indexes =
        All.Select(static (type, index) => KeyValuePair.Create(type, index)).ToFrozenDictionary();

    /// <summary>Gets how many slots, counted from the first, hold the request itself at its start.</summary>
    public static int OwnCount => Own.Length;

    public static int Count => All.Length;

    public static Type GetType(int index) => All[index];

    public static int IndexOf(Type type) => Indexes.TryGetValue(type, out var index) ? index : -1;
}

/// <summary>The slot of a feature type, found once per type.</summary>
internal static class FeatureSlot<TFeature>
{
    public static readonly int Index = FeatureSlots.IndexOf(typeof(TFeature));
}
