using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Uwsgi.AspNetCore.Mounts;

/// <summary>The pipelines of the applications, each built at the first call and then kept.</summary>
/// <remarks>
/// Built while the startup filters run: the host's own routing is not in the builder yet, so <c>UseRouting()</c> in a branch makes a route
/// builder of the branch's own and not one that shares endpoints with the host.
/// </remarks>
internal sealed class UwsgiApps(IApplicationBuilder builder, IEnumerable<UwsgiApp> apps)
{
    private readonly Dictionary<string, UwsgiApp> _apps = apps.ToDictionary(static app => app.Name, StringComparer.Ordinal);
    private readonly Dictionary<string, RequestDelegate> _built = new(StringComparer.Ordinal);

    public IEnumerable<string> Unused => _apps.Keys.Where(name => !_built.ContainsKey(name));

    /// <summary>Lists names for a message.</summary>
    public static string Describe(IEnumerable<string> names) => string.Join(", ", names.Order(StringComparer.Ordinal).Select(static name => $"'{name}'"));

    public RequestDelegate Get(string name)
    {
        if (!_built.TryGetValue(name, out var pipeline))
        {
            pipeline = Build(_apps[name]);
            _built.Add(name, pipeline);
        }

        return pipeline;
    }

    private RequestDelegate Build(UwsgiApp app)
    {
        var branch = builder.New();
        try
        {
            app.Configure(branch);
            return branch.Build();
        }
        catch (Exception error)
        {
            throw new InvalidOperationException($"The app '{app.Name}' of AddUwsgiApp could not be built: {error.Message}", error);
        }
    }
}
