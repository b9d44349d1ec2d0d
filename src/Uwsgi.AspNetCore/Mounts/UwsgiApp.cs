using Microsoft.AspNetCore.Builder;

namespace Uwsgi.AspNetCore.Mounts;

/// <summary>An application of <c>AddUwsgiApp</c>: its name, and what builds its pipeline.</summary>
internal sealed record UwsgiApp(string Name, Action<IApplicationBuilder> Configure);
