using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Net.Http.Headers;

namespace Uwsgi.AspNetCore.Http;

internal partial class GatewayRequest : IHttpUpgradeFeature
{
    private bool _isUpgradable;
    private bool _isSwitching;
    private UpgradeStream? _tunnel;

    bool IHttpUpgradeFeature.IsUpgradableRequest => _isUpgradable;

    /// <summary>Gets whether the connection has become a tunnel.</summary>
    public bool IsUpgraded { get; private set; }

    /// <summary>Gets the count of upgraded connections, to hold it within its limit.</summary>
    public required Hosting.UpgradedConnections Upgrades { get; init; }

    async Task<Stream> IHttpUpgradeFeature.UpgradeAsync()
    {
        if (!_isUpgradable)
        {
            throw new InvalidOperationException("The request cannot be upgraded: the client or the protocol does not offer it.");
        }

        if (IsUpgraded)
        {
            throw new InvalidOperationException("The request was upgraded already.");
        }

        if (HasResponseStarted)
        {
            throw new InvalidOperationException("The request cannot be upgraded because the response has already started.");
        }

        if (!Upgrades.TryAdd(Settings.MaxConcurrentUpgradedConnections))
        {
            throw new InvalidOperationException("The limit of upgraded connections is reached (option Limits:MaxConcurrentUpgradedConnections).");
        }

        _statusCode = StatusCodes.Status101SwitchingProtocols;
        _reasonPhrase = null;
        ((IHttpResponseFeature)this).Headers[HeaderNames.Connection] = "Upgrade";
        _isSwitching = true;
        try
        {
            await StartResponseAsync();
        }
        catch
        {
            // No tunnel: the request ends with the error response of any other start that fails.
            _isSwitching = false;
            Upgrades.Remove();
            throw;
        }

        IsUpgraded = true;
        Exchange.ReleaseConnection();
        await FlushBodyAsync(CancellationToken.None);
        return _tunnel = new UpgradeStream(Exchange.Input, this);
    }

    // The feature is there on every request of a protocol that can upgrade: SignalR asks for it while it negotiates.
    private void BeginUpgrade()
    {
        var canUpgrade = Exchange.CanUpgrade && Settings.AllowUpgrade;
        if (canUpgrade)
        {
            Set<IHttpUpgradeFeature>(this);
        }

        _isUpgradable = canUpgrade && _requestHeaders.HasUpgrade && _contentLength == 0;
        if (_requestHeaders.HasUpgrade && !_isUpgradable)
        {
            _requestHeaders.RemoveUpgrade();
        }
    }

    private void ResetUpgrade()
    {
        if (IsUpgraded)
        {
            Upgrades.Remove();
        }

        _tunnel?.Close();
        _tunnel = null;
        _isUpgradable = false;
        _isSwitching = false;
        IsUpgraded = false;
    }
}
