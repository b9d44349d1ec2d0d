using Microsoft.AspNetCore.Builder;
using Uwsgi.AspNetCore;
using Uwsgi.AspNetCore.Mounts;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds the applications that mounts and dynamic apps name.</summary>
public static class UwsgiServiceCollectionExtensions
{
    /// <summary>Adds an application with a pipeline of its own, for <see cref="UwsgiOptions.Mounts"/> and <see cref="UwsgiOptions.DynamicApps"/> to name.</summary>
    /// <param name="services">The host's services, which all its applications share.</param>
    /// <param name="name">The name, by case; any text that is not empty, such as <c>shop</c> or <c>shop.wsgi:application</c>.</param>
    /// <param name="configure">
    /// Builds the pipeline, once, when the host starts. It holds nothing but what is added here, so routing begins with <c>UseRouting()</c>
    /// and <c>UseEndpoints()</c>; a request that runs through it is answered with status 404.
    /// </param>
    /// <returns>The services.</returns>
    /// <remarks>It may stand before or after <c>UseUwsgi()</c>, without which it does nothing.</remarks>
    /// <exception cref="ArgumentException">The name is empty, or there is an application of this name already.</exception>
    public static IServiceCollection AddUwsgiApp(this IServiceCollection services, string name, Action<IApplicationBuilder> configure)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        ArgumentNullException.ThrowIfNull(configure);
        if (services.Any(service => !service.IsKeyedService && service.ImplementationInstance is UwsgiApp app && app.Name == name))
        {
            throw new ArgumentException($"There is an app '{name}' already; give each app of AddUwsgiApp a name of its own.", nameof(name));
        }

        return services.AddSingleton(new UwsgiApp(name, configure));
    }
}
