using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Uwsgi.AspNetCore;
using Uwsgi.AspNetCore.Configuration;
using Uwsgi.AspNetCore.Diagnostics;
using Uwsgi.AspNetCore.Harakiri;
using Uwsgi.AspNetCore.Hosting;
using Uwsgi.AspNetCore.Mounts;
using Uwsgi.AspNetCore.RequestLog;
using Uwsgi.AspNetCore.Stats;
using Uwsgi.AspNetCore.StaticFiles;
using Uwsgi.AspNetCore.Transport;
using Uwsgi.AspNetCore.Transport.Loop;
using Uwsgi.AspNetCore.Workers;

namespace Microsoft.AspNetCore.Hosting;

/// <summary>Makes the application an upstream of web servers that speak gateway protocols.</summary>
public static class UwsgiWebHostBuilderExtensions
{
    /// <summary>Serves the application over the sockets of the configuration section <c>"Uwsgi"</c>, next to its HTTP endpoints.</summary>
    /// <param name="builder">The host's builder.</param>
    /// <returns>The builder.</returns>
    /// <remarks>
    /// Without a socket, in the configuration or as a <c>uwsgi://</c> address of <c>--urls</c>, nothing is opened; endpoints can still
    /// use <see cref="UwsgiListenOptionsExtensions.UseUwsgi"/>. Calling it again merges options. Call it after <c>UseKestrel()</c>.
    /// </remarks>
    public static IWebHostBuilder UseUwsgi(this IWebHostBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        var isImmediate = true;
        var needsKestrel = false;
        builder.ConfigureServices(services =>
        {
            if (services.Any(IsServer))
            {
                AddUwsgi(services);
            }
            else if (isImmediate)
            {
                needsKestrel = true;
            }
            else
            {
                throw new InvalidOperationException("UseUwsgi() found no server: call UseKestrelCore() or UseKestrel() before it.");
            }
        });
        isImmediate = false;
        if (needsKestrel)
        {
            builder.UseKestrelCore();
            builder.ConfigureServices(AddUwsgi);
        }

        return builder;
    }

    /// <summary>Serves the application over the sockets of the configuration section <c>"Uwsgi"</c> and of a delegate.</summary>
    /// <param name="builder">The host's builder.</param>
    /// <param name="configure">Changes the options after the configuration section was read.</param>
    /// <returns>The builder.</returns>
    public static IWebHostBuilder UseUwsgi(this IWebHostBuilder builder, Action<UwsgiOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        return builder.UseUwsgi().ConfigureServices(services => services.Configure(configure));
    }

    /// <summary>Serves the application over the sockets of the configuration section <c>"Uwsgi"</c> and of a delegate.</summary>
    /// <param name="builder">The host's builder.</param>
    /// <param name="configure">Changes the options after the configuration section was read; gets the host's environment and configuration.</param>
    /// <returns>The builder.</returns>
    public static IWebHostBuilder UseUwsgi(this IWebHostBuilder builder, Action<WebHostBuilderContext, UwsgiOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        return builder.UseUwsgi().ConfigureServices((context, services) => services.Configure<UwsgiOptions>(options => configure(context, options)));
    }

    private static bool IsServer(ServiceDescriptor descriptor) => !descriptor.IsKeyedService && descriptor.ServiceType == typeof(IServer);

    private static void AddUwsgi(IServiceCollection services)
    {
        DecorateServer(services);
        services.AddOptions<UwsgiOptions>().ValidateOnStart();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IConfigureOptions<UwsgiOptions>, UwsgiConfigurationBinder>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<UwsgiOptions>, UwsgiOptionsValidator>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<UwsgiOptions>, MountsOptionsValidator>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<UwsgiOptions>, RequestLogOptionsValidator>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<UwsgiOptions>, StaticFilesOptionsValidator>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IPostConfigureOptions<KestrelServerOptions>, GatewayEndpointSetup>());
        services.TryAddSingleton<GatewayApplicationSlot>();
        services.TryAddSingleton<GatewayServices>();
        services.TryAddSingleton<UpgradedConnections>();
        services.TryAddSingleton<GatewayMetrics>();
        services.TryAddSingleton(static provider => new TimeoutClock(provider.GetService<TimeProvider>() ?? TimeProvider.System));
        services.TryAddSingleton<LoopTransport>();
        services.TryAddSingleton<GatewayListenerFactory>();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IRequestObserver, RequestLogger>());
        services.TryAddSingleton<Worker>();
        services.TryAddSingleton<AcceptQueueReader>();
        services.TryAddSingleton<ListeningSockets>();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IPostConfigureOptions<SocketTransportOptions>, ListeningSocketCapture>());
        services.TryAddSingleton<StatsDocument>();
        services.TryAddSingleton<OwnRequests>();
        services.TryAddSingleton<LiveDocument>();
        services.TryAddSingleton<StatsServer>();
        services.TryAddSingleton<WorkerMetrics>();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<UwsgiOptions>, StatsOptionsValidator>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<UwsgiOptions>, HarakiriOptionsValidator>());
        services.TryAddSingleton<ProcessControl>();
        services.TryAddSingleton<HarakiriWatchdog>();
        services.TryAddSingleton<WorkerRecycler>();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IRequestObserver, WorkerRecycler>(
            static provider => provider.GetRequiredService<WorkerRecycler>()));
        services.TryAddEnumerable(ServiceDescriptor.Transient<IStartupFilter, UwsgiStartupFilter>());

        // Behind Kestrel's own factory, so that Kestrel asks this one first; it takes only its own kind of endpoint.
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IConnectionListenerFactory, GatewayListenerFactory>(
            static provider => provider.GetRequiredService<GatewayListenerFactory>()));
    }

    // The last registered server is the one the host starts. It moves under a key, and ours takes its place in front of it.
    private static void DecorateServer(IServiceCollection services)
    {
        var inner = services.Last(IsServer);
        if (inner.ImplementationType == typeof(UwsgiServer))
        {
            return;
        }

        services.Remove(inner);
        services.Add(inner switch
        {
            { ImplementationType: { } type } => ServiceDescriptor.KeyedSingleton(typeof(IServer), UwsgiServer.InnerKey, type),
            { ImplementationFactory: { } factory } => ServiceDescriptor.KeyedSingleton(typeof(IServer), UwsgiServer.InnerKey, (provider, _) => factory(provider)),
            _ => ServiceDescriptor.KeyedSingleton(typeof(IServer), UwsgiServer.InnerKey, inner.ImplementationInstance!),
        });
        services.AddSingleton<IServer, UwsgiServer>();
    }
}
