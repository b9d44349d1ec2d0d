using Microsoft.AspNetCore.Builder;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.FunctionalTests.Infrastructure;

/// <summary>How a <see cref="GatewayTestServer"/> is built.</summary>
public sealed class GatewayTestServerOptions
{
    /// <summary>Gets or sets what the endpoint speaks; null means every protocol, told by the first bytes.</summary>
    public GatewayProtocol? Protocol { get; set; } = GatewayProtocol.Uwsgi;

    /// <summary>Gets or sets where to listen, for instance <c>127.0.0.1:0</c>; null means in memory.</summary>
    public string? Socket { get; set; }

    /// <summary>Gets or sets what changes the server's options.</summary>
    public Action<UwsgiOptions>? Uwsgi { get; set; }

    /// <summary>Gets or sets what changes the host before <c>UseUwsgi()</c> is called.</summary>
    public Action<WebApplicationBuilder>? Host { get; set; }

    /// <summary>Gets or sets what is put in front of the application.</summary>
    public Action<WebApplication>? Pipeline { get; set; }

    /// <summary>Gets or sets the clock of the time limits; null means the system's.</summary>
    public TimeProvider? Time { get; set; }

    /// <summary>Gets or sets the pool of the connections; no block may be missing at the end.</summary>
    public LeakCheckingMemoryPool Pool { get; set; } = new();
}
