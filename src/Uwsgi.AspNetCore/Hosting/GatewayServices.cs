using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Uwsgi.AspNetCore.Diagnostics;

namespace Uwsgi.AspNetCore.Hosting;

/// <summary>What every connection of a host shares.</summary>
internal sealed class GatewayServices
{
    private readonly Lazy<GatewaySettings> _settings;

    public GatewayServices(
        IOptions<UwsgiOptions> options,
        IOptions<KestrelServerOptions> kestrelOptions,
        GatewayMetrics metrics,
        UpgradedConnections upgrades,
        TimeoutClock clock,
        ILoggerFactory loggerFactory)
    {
        // Put off until the server starts: Kestrel's options are themselves completed from ours.
        _settings = new Lazy<GatewaySettings>(() => new GatewaySettings(options.Value, kestrelOptions.Value));
        Metrics = metrics;
        Upgrades = upgrades;
        Clock = clock;
        Logger = loggerFactory.CreateLogger("Uwsgi.AspNetCore.Connections");
        RequestLogger = loggerFactory.CreateLogger("Uwsgi.AspNetCore.Requests");
    }

    public GatewaySettings Settings => _settings.Value;

    public GatewayMetrics Metrics { get; }

    public UpgradedConnections Upgrades { get; }

    public LimitedCounter Connections { get; } = new();

    public TimeoutClock Clock { get; }

    public ILogger Logger { get; }

    public ILogger RequestLogger { get; }
}
