using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Security.Claims;
using Microsoft.AspNetCore.Hosting.Server.Abstractions;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.Features.Authentication;
using Microsoft.Extensions.Logging;
using Uwsgi.AspNetCore.Hosting;
using Uwsgi.AspNetCore.Protocols;

namespace Uwsgi.AspNetCore.Http;

/// <summary>
/// One request and its response: the feature collection that the application sees, and every feature in it. It is rented when a
/// head is complete, serves one request at a time and goes back to the pool only when nothing went wrong.
/// </summary>
/// <remarks>
/// Life: <see cref="Begin"/> → the application → <see cref="FinishResponseAsync"/> → <see cref="FireOnCompletedAsync"/> →
/// <see cref="DrainAsync"/> → <see cref="Reset"/>. The partial files each hold one subject; each has its own Reset part.
/// </remarks>
[SuppressMessage("Design", "CA1001", Justification = "The token source has neither a timer nor a wait handle to release.")]
internal partial class GatewayRequest
{
    private readonly ILogger _logger;
    private GatewayExchange? _exchange;

    public GatewayRequest(ILogger logger)
    {
        _logger = logger;
        ResetFeatures();
    }

    public GatewayVariables Variables { get; } = new();

    /// <summary>Gets the exchange; a request that is over has none.</summary>
    private GatewayExchange Exchange => _exchange ?? ThrowRequestOver();

    private GatewaySettings Settings => Exchange.Settings;

    /// <summary>Starts a request whose variables are loaded.</summary>
    /// <exception cref="GatewayProtocolException">The variables do not make a request.</exception>
    public void Begin(GatewayExchange exchange)
    {
        _exchange = exchange;
        if (exchange.Facades is { } facades)
        {
            Attach(facades);
        }

        BeginRequest();
        BeginResponse();
        BeginBody();
        BeginUpgrade();
        // Also without the variable: the connection's own certificate would be the web server's, not the client's.
        if (Settings.ForwardClientCertificate)
        {
            Set<ITlsConnectionFeature>(new ForwardedCertificate(this, Variables, _logger));
        }

        if (Settings.ForwardRemoteUser && Variables.GetString(KnownVariable.RemoteUser) is { } user)
        {
            var identity = new ClaimsIdentity(
                [new Claim(ClaimTypes.Name, user)], Variables.GetString(KnownVariable.AuthType) ?? "REMOTE_USER");
            Set<IHttpAuthenticationFeature>(new HttpAuthenticationFeature { User = new ClaimsPrincipal(identity) });
        }
    }

    /// <summary>Clears everything that belongs to the request. The object may serve another one afterwards.</summary>
    public void Reset()
    {
        var exchange = EndTakeover();
        ResetFeatures();
        ResetRequest();
        ResetResponse();
        ResetOutput();
        ResetBody();
        ResetLifetime();
        ResetUpgrade();
        Variables.Reset();
        exchange?.Timeouts.StopRead();
        _exchange = null;
        _isTaken = false;
    }

    /// <summary>Ends the life on one connection: what application code may have kept serves only requests of the same one.</summary>
    /// <param name="facades">Where it is kept; null when the connection has no further request.</param>
    public void Detach(RequestFacades? facades = null)
    {
        if (facades is not null)
        {
            facades.ResponseStream = _responseStream;
            facades.ResponseWriter = _responseWriter;
            facades.BodyReader = _bodyReader;
            facades.BodyStream = _bodyStream;
            facades.AbortSource = _abortSource;
        }

        _responseStream = null;
        _responseWriter = null;
        _bodyReader = null;
        _bodyStream = null;
        _abortSource = null;
    }

    private void Attach(RequestFacades facades)
    {
        _responseStream = facades.ResponseStream;
        _responseWriter = facades.ResponseWriter;
        _bodyReader = facades.BodyReader;
        _bodyStream = facades.BodyStream;
        _abortSource = facades.AbortSource;
    }

    // Not through the interface: the runtime has to look a generic method of an interface up.
    private void Set<TFeature>(TFeature feature) => SetFeature(FeatureSlot<TFeature>.Index, typeof(TFeature), feature);

    [DoesNotReturn]
    private static GatewayExchange ThrowRequestOver() =>
        throw new ObjectDisposedException(nameof(HttpContext), "The request is over; its HttpContext cannot be used any more.");

    private string CreateTraceIdentifier() => string.Create(
        CultureInfo.InvariantCulture, $"{Exchange.Connection.ConnectionId}:{Exchange.RequestNumber:X8}");
}

/// <summary>A request that also keeps the host's own context from one request to the next, so that hosting allocates none.</summary>
internal sealed class GatewayRequest<TContext>(ILogger logger) : GatewayRequest(logger), IHostContextContainer<TContext>
    where TContext : notnull
{
    TContext? IHostContextContainer<TContext>.HostContext { get; set; }
}
