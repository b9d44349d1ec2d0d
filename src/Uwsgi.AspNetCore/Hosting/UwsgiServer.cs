using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Uwsgi.AspNetCore.Harakiri;
using Uwsgi.AspNetCore.Stats;
using Uwsgi.AspNetCore.Transport;

namespace Uwsgi.AspNetCore.Hosting;

/// <summary>
/// Decorates the host's server: keeps the application for the gateway connections, and lets the inner server (Kestrel) bind, accept,
/// limit and stop everything.
/// </summary>
internal sealed class UwsgiServer : IServer
{
    /// <summary>The key under which the decorated server is registered.</summary>
    public const string InnerKey = "Uwsgi.AspNetCore.Inner";

    private readonly IServer _inner;
    private readonly GatewayApplicationSlot _slot;
    private readonly GatewayServices _services;
    private readonly GatewayListenerFactory _listeners;
    private readonly StatsServer _stats;
    private readonly HarakiriWatchdog _watchdog;
    private readonly UwsgiOptions _options;
    private readonly KestrelServerOptions _kestrelOptions;
    private readonly ILogger _logger;
    private readonly FeatureCollection _features;

    public UwsgiServer(
        [FromKeyedServices(InnerKey)] IServer inner,
        GatewayApplicationSlot slot,
        GatewayServices services,
        GatewayListenerFactory listeners,
        StatsServer stats,
        HarakiriWatchdog watchdog,
        IOptions<UwsgiOptions> options,
        IOptions<KestrelServerOptions> kestrelOptions,
        ILoggerFactory loggerFactory)
    {
        _inner = inner;
        _slot = slot;
        _services = services;
        _listeners = listeners;
        _stats = stats;
        _watchdog = watchdog;
        _options = options.Value;
        _kestrelOptions = kestrelOptions.Value;
        _logger = loggerFactory.CreateLogger("Uwsgi.AspNetCore");
        _features = new FeatureCollection(inner.Features);
        if (inner.Features.Get<IServerAddressesFeature>() is { } addresses)
        {
            _features.Set<IServerAddressesFeature>(new GatewayServerAddresses(addresses, stats));
        }
    }

    /// <summary>Gets the inner server's features; the addresses show their true schemes.</summary>
    public IFeatureCollection Features => _features;

    public async Task StartAsync<TContext>(IHttpApplication<TContext> application, CancellationToken cancellationToken)
        where TContext : notnull
    {
        if (_slot.Application is not null)
        {
            throw new InvalidOperationException("The server has already been started.");
        }

        // Before the inner server starts: it accepts on its first endpoint while later ones are still being bound.
        _slot.Application = new GatewayApplication<TContext>(
            application, _services.RequestLogger, _services.Metrics, _services.Upgrades, _services.Settings.PoolRequests);

        var addresses = _inner.Features.Get<IServerAddressesFeature>();
        if (addresses is not null)
        {
            ServerAddresses.Translate(addresses, _kestrelOptions, _options);
        }

        // First, so that an address in use is found before requests are accepted.
        _stats.Start();
        await _inner.StartAsync(application, cancellationToken);

        if (_options.HasSockets && _listeners.Bound.Count == 0)
        {
            Log.InnerServerIgnoresSockets(_logger, _inner.GetType().FullName);
        }

        if (_options.AllowFrom.Count == 0)
        {
            WarnOfClosedSockets();
        }
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        // Requests that hang for good are not waited for once all others are through.
        using (var stopping = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken))
        using (_watchdog.CutShort(stopping))
        {
            await _inner.StopAsync(stopping.Token);
        }

        await _stats.StopAsync();
    }

    // The container created the inner server and disposes it.
    public void Dispose()
    {
    }

    private void WarnOfClosedSockets()
    {
        var reachable = _listeners.Bound.Where(static endPoint => endPoint.IsReachableFromOutside).Select(static endPoint => endPoint.Url)
            .Concat(_stats.Bound.Where(static endPoint => endPoint.IsReachableFromOutside).Select(static endPoint => endPoint.Url));
        foreach (var url in reachable)
        {
            Log.OnlyLoopbackAllowed(_logger, url);
        }
    }
}
