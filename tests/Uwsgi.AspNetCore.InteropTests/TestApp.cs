using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Uwsgi.AspNetCore.InteropTests;

/// <summary>Small apps for one test, in the test's own process.</summary>
internal static class TestApp
{
    /// <summary>Starts an app with nothing but the sockets of gateway protocols.</summary>
    public static async Task<WebApplication> StartAsync(
        Action<UwsgiOptions> configure, Action<WebApplication> map, Action<IServiceCollection>? services = null)
    {
        var builder = WebApplication.CreateBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUwsgi(configure);
        services?.Invoke(builder.Services);
        var app = builder.Build();
        map(app);
        await app.StartAsync();
        return app;
    }

    /// <summary>Gets the address for <c>uwsgi_pass</c>.</summary>
    public static string GetUwsgiAddress(this WebApplication app) => app.GetAddress("uwsgi");

    /// <summary>Gets the address of the one socket of a protocol, for <c>fastcgi_pass</c> and <c>scgi_pass</c>, too.</summary>
    public static string GetAddress(this WebApplication app, string scheme) =>
        app.Urls.Single(url => url.StartsWith(scheme + "://", StringComparison.Ordinal))[(scheme.Length + 3)..];
}
