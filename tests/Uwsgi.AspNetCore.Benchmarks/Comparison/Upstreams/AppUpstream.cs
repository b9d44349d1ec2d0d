using System.Diagnostics;

namespace Uwsgi.AspNetCore.Benchmarks.Comparison.Upstreams;

/// <summary>This program again, as the app.</summary>
internal sealed class AppUpstream(params string[] arguments) : Upstream
{
    /// <summary>The same with some of the <see cref="Operations.OperationSwitches"/> turned on.</summary>
    public AppUpstream With(string operations) => new(["--operations", operations, .. arguments]);

    /// <summary>The same on another transport.</summary>
    public AppUpstream On(UwsgiTransport transport) => new(["--transport", $"{transport}", .. arguments]);

    public override Task<RunningUpstream> StartAsync(UpstreamSite site)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!);
        if (Path.GetFileNameWithoutExtension(start.FileName) == "dotnet")
        {
            start.ArgumentList.Add(typeof(AppUpstream).Assembly.Location);
        }

        foreach (var argument in (string[])["serve", "--scenario", site.Scenario.Name, "--web-root", site.WebRoot, .. arguments, site.Address])
        {
            start.ArgumentList.Add(argument);
        }

        foreach (var name in start.Environment.Keys.Where(IsAppSetting).ToArray())
        {
            start.Environment.Remove(name);
        }

        // The Web SDK's default, which a console project does not have.
        start.Environment["DOTNET_gcServer"] = "1";
        return StartListeningAsync(start);
    }

    private static bool IsAppSetting(string name) =>
        name.StartsWith("ASPNETCORE_", StringComparison.OrdinalIgnoreCase)
        || name.StartsWith("Uwsgi__", StringComparison.OrdinalIgnoreCase);
}
