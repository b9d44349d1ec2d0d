using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;

namespace Uwsgi.AspNetCore.Benchmarks.Operations;

/// <summary>What an operator may turn on around the app: its price is measured against the same app without it.</summary>
/// <remarks>The request log is on for slow requests only: a line's price is that of the logger it goes to.</remarks>
internal static class OperationSwitches
{
    public const string Everything = "everything";
    public const string Statistics = "statistics and health check";

    public static IReadOnlyList<(string Name, Action<WebApplicationBuilder> Add)> All { get; } =
    [
        (Statistics, AddStatistics),
        ("harakiri", builder => builder.UseUwsgi(static options => options.Harakiri = TimeSpan.FromSeconds(30))),
        ("recycling", builder => builder.UseUwsgi(static options => options.MaxRequests = long.MaxValue / 2)),
        ("request log, of slow requests", builder => builder.UseUwsgi(static options => options.LogSlow = 10_000)),
        ("mounts", AddMounts),
        ("static files", AddStaticFiles),
        ("hand-off of files", builder => builder.UseUwsgi(static options => options.FileServeMode = FileServeMode.XAccelRedirect)),
    ];

    /// <summary>Turns one of them on, or <see cref="Everything"/>.</summary>
    public static void Add(WebApplicationBuilder builder, string which)
    {
        foreach (var (name, add) in All)
        {
            if (which == Everything || which == name)
            {
                add(builder);
            }
        }
    }

    private static void AddStatistics(WebApplicationBuilder builder)
    {
        builder.Services.AddHealthChecks().AddUwsgi();
        builder.UseUwsgi(static options => options.Stats.Add("127.0.0.1:0"));
    }

    // With an index the path "/" may be a file, and is looked for.
    private static void AddStaticFiles(WebApplicationBuilder builder) => builder.UseUwsgi(static options =>
    {
        options.CheckStatic.Add(Path.GetTempPath());
        options.StaticIndex.Add("no-such-file.html");
    });

    private static void AddMounts(WebApplicationBuilder builder)
    {
        builder.Services.AddUwsgiApp("other", static app => app.Run(static context => context.Response.StartAsync()));
        builder.UseUwsgi(static options =>
        {
            options.Mounts["/other"] = "other";
            options.Mounts["other.example.com"] = "other";
        });
    }
}
