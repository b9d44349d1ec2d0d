using Microsoft.AspNetCore.Hosting;
using Uwsgi.AspNetCore;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Makes the application an upstream of web servers that speak gateway protocols.</summary>
public static class UwsgiWebApplicationBuilderExtensions
{
    /// <summary>Serves the application over the sockets of the configuration section <c>"Uwsgi"</c>; short for <c>builder.WebHost.UseUwsgi()</c>.</summary>
    /// <param name="builder">The application's builder.</param>
    /// <returns>The builder.</returns>
    public static WebApplicationBuilder UseUwsgi(this WebApplicationBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.WebHost.UseUwsgi();
        return builder;
    }

    /// <summary>Serves the application over the sockets of the configuration section <c>"Uwsgi"</c> and of a delegate.</summary>
    /// <param name="builder">The application's builder.</param>
    /// <param name="configure">Changes the options after the configuration section was read.</param>
    /// <returns>The builder.</returns>
    public static WebApplicationBuilder UseUwsgi(this WebApplicationBuilder builder, Action<UwsgiOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.WebHost.UseUwsgi(configure);
        return builder;
    }
}
