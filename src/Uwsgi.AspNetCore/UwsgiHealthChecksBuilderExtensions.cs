using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;
using Uwsgi.AspNetCore;
using Uwsgi.AspNetCore.Stats;
using Uwsgi.AspNetCore.Transport;
using Uwsgi.AspNetCore.Workers;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Health checks of the server.</summary>
public static class UwsgiHealthChecksBuilderExtensions
{
    /// <summary>Adds a check that is degraded while too many connections wait to be accepted or too many requests hang.</summary>
    /// <param name="builder">What <c>AddHealthChecks()</c> returned.</param>
    /// <param name="configure">Sets the limits; see <see cref="UwsgiHealthCheckOptions"/> for those that hold otherwise.</param>
    /// <param name="name">The check's name; <c>uwsgi</c> by default.</param>
    /// <param name="failureStatus">What it reports then; <see langword="null"/>, the default, means <see cref="HealthStatus.Degraded"/>.</param>
    /// <param name="tags">Tags to choose checks by.</param>
    /// <returns>The builder.</returns>
    /// <remarks>
    /// Its data are the numbers behind it. It watches every socket on which the process accepts requests, Kestrel's HTTP endpoints included. The host must
    /// have called <c>UseUwsgi()</c> as well.
    /// </remarks>
    public static IHealthChecksBuilder AddUwsgi(
        this IHealthChecksBuilder builder,
        Action<UwsgiHealthCheckOptions>? configure = null,
        string name = "uwsgi",
        HealthStatus? failureStatus = null,
        IEnumerable<string>? tags = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        var limits = new UwsgiHealthCheckOptions();
        configure?.Invoke(limits);
        builder.Services.TryAddEnumerable(ServiceDescriptor.Singleton<IWatchesRequests, HealthCheckWatch>());
        return builder.Add(new HealthCheckRegistration(name, CreateCheck, failureStatus ?? HealthStatus.Degraded, tags));

        UwsgiHealthCheck CreateCheck(IServiceProvider services) => new(
            services.GetService<Worker>() ?? throw new InvalidOperationException("The health check AddUwsgi() needs the host's part: call builder.UseUwsgi() as well."),
            services.GetRequiredService<ListeningSockets>(),
            services.GetRequiredService<IOptions<UwsgiOptions>>(),
            limits);
    }

    private sealed class HealthCheckWatch : IWatchesRequests;
}
