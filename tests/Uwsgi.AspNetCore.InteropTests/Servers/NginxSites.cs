namespace Uwsgi.AspNetCore.InteropTests.Servers;

/// <summary>What a test wants nginx to serve: one <c>server</c> block for each site, and what they share.</summary>
internal sealed class NginxSites
{
    /// <summary>Gets directives of the <c>http</c> block: upstreams, maps, timeouts.</summary>
    public string Http { get; init; } = string.Empty;

    /// <summary>Gets the contents of the <c>server</c> blocks by site name; <c>listen</c> and <c>server_name</c> are added.</summary>
    public required IReadOnlyDictionary<string, string> Sites { get; init; }

    /// <summary>Gets additions to the <c>listen</c> directives, such as <c>ssl</c>.</summary>
    public string ListenOptions { get; init; } = string.Empty;

    /// <summary>Gets a value indicating whether the sites listen on unix sockets instead of loopback ports.</summary>
    public bool OnUnixSockets { get; init; }
}
