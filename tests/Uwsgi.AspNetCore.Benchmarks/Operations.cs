using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;

namespace Uwsgi.AspNetCore.Benchmarks;

/// <summary>Everything an operator may turn on around the app: what it costs is measured against the same app without it.</summary>
/// <remarks>The request log is on for slow requests only: a line's price is that of the logger it goes to.</remarks>
internal static class Operations
{
    public static void Add(WebApplicationBuilder builder)
    {
        builder.Services.AddUwsgiApp("other", static app => app.Run(static context => context.Response.StartAsync()));
        builder.Services.AddHealthChecks().AddUwsgi();
        builder.WebHost.UseUwsgi(options =>
        {
            options.Mounts["/other"] = "other";
            options.Mounts["other.example.com"] = "other";
            options.CheckStatic.Add(AppContext.BaseDirectory);
            options.FileServeMode = FileServeMode.XAccelRedirect;
            options.Harakiri = TimeSpan.FromSeconds(30);
            options.MaxRequests = long.MaxValue / 2;
            options.Stats.Add("127.0.0.1:0");
            options.LogSlow = 10_000;
            options.Log5xx = true;
        });
    }
}
