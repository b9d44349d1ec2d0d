namespace Uwsgi.AspNetCore.Benchmarks.Comparison.Upstreams;

/// <summary>What an upstream serves, and where.</summary>
/// <param name="Scenario">What it is asked for.</param>
/// <param name="Directory">The run's directory, removed at its end.</param>
/// <param name="Number">Tells the upstreams of one run apart.</param>
/// <param name="Tcp">Loopback TCP instead of a unix socket.</param>
internal sealed record UpstreamSite(Scenario Scenario, string Directory, int Number, bool Tcp)
{
    /// <summary>Where it listens; port zero leaves the choice to the kernel.</summary>
    public string Address => Tcp ? "127.0.0.1:0" : $"unix:{Directory}/{Number}.sock";

    /// <summary>The web root of apps that serve files.</summary>
    public string WebRoot => Path.Combine(Directory, "files");
}
