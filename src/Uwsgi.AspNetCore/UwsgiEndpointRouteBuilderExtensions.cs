using System.Diagnostics.CodeAnalysis;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Uwsgi.AspNetCore.Stats;
using Uwsgi.AspNetCore.Workers;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Adds endpoints of uWSGI's features to an application.</summary>
public static class UwsgiEndpointRouteBuilderExtensions
{
    /// <summary>Shows the process's statistics: a page for people, and uWSGI's JSON document.</summary>
    /// <param name="endpoints">The application.</param>
    /// <param name="pattern">The page's path, <c>/uwsgi</c> by default.</param>
    /// <returns>The conventions of all its endpoints.</returns>
    /// <remarks>
    /// The page is at the path itself, uWSGI's document at <c>stats.json</c> below it, and what the page asks for each second at
    /// <c>live.json</c>. Whoever may send requests may see them: paths and addresses of running requests, and in uWSGI's document their
    /// variables, with credentials masked. Protect them with <c>RequireAuthorization()</c> or <c>RequireHost()</c>, like any endpoint.
    /// </remarks>
    /// <exception cref="InvalidOperationException"><c>UseUwsgi()</c> was not called.</exception>
    public static IEndpointConventionBuilder MapUwsgiStats(
        this IEndpointRouteBuilder endpoints, [StringSyntax("Route")] string pattern = "/uwsgi")
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        ArgumentNullException.ThrowIfNull(pattern);
        if (endpoints.ServiceProvider.GetService<IServiceProviderIsService>()?.IsService(typeof(Worker)) == false)
        {
            throw new InvalidOperationException("MapUwsgiStats() has nothing to show: call UseUwsgi() on the application's builder before Build().");
        }

        return StatsEndpoints.Map(endpoints, pattern);
    }
}
