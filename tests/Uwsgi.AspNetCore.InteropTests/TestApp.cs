using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Logging;

namespace Uwsgi.AspNetCore.InteropTests;

/// <summary>Small apps for one test, in the test's own process.</summary>
internal static class TestApp
{
    private const string Scheme = "uwsgi://";

    /// <summary>Starts an app with nothing but uwsgi sockets.</summary>
    public static async Task<WebApplication> StartAsync(Action<UwsgiOptions> configure, Action<WebApplication> map)
    {
        var builder = WebApplication.CreateBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUwsgi(configure);
        var app = builder.Build();
        map(app);
        await app.StartAsync();
        return app;
    }

    /// <summary>Gets the address for <c>uwsgi_pass</c>.</summary>
    public static string GetUwsgiAddress(this WebApplication app) =>
        app.Urls.Single(url => url.StartsWith(Scheme, StringComparison.Ordinal))[Scheme.Length..];
}
