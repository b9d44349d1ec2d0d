using System.Collections.Frozen;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Uwsgi.AspNetCore.Workers;

namespace Uwsgi.AspNetCore.Mounts;

/// <summary>Hands each request to the application it belongs to.</summary>
/// <remarks>
/// The application is, in this order: the mount that UWSGI_APPID names, the mount of host and path, the mount that SCRIPT_NAME names, the one
/// that a dynamic variable names, the host's own pipeline. Wherever the path is a mount's, it moves to the path base.
/// </remarks>
internal sealed class MountMiddleware
{
    private readonly RequestDelegate _next;
    private readonly MountTable _table;
    private readonly MountedApp[] _mounts;
    private readonly DynamicApps? _dynamicApps;
    private readonly string? _pathBase;
    private readonly bool _movesPath;
    private readonly bool _hasDefaultApp;

    private MountMiddleware(RequestDelegate next, UwsgiOptions options, MountedApp[] mounts, DynamicApps? dynamicApps)
    {
        _next = next;
        _table = new MountTable(options.Mounts.Keys.Select(static text =>
            MountKey.TryParse(text, out var key) is { } error ? throw new FormatException($"'{text}' {error}.") : key));
        _mounts = mounts;
        _dynamicApps = dynamicApps;
        _pathBase = options.PathBase;
        _movesPath = options.ManageScriptName;
        _hasDefaultApp = !options.NoDefaultApp;
    }

    public static void Use(IApplicationBuilder app)
    {
        var services = app.ApplicationServices;
        var options = services.GetRequiredService<IOptions<UwsgiOptions>>().Value;
        var apps = new UwsgiApps(app, services.GetServices<UwsgiApp>());
        if (options.Mounts.Count > 0 || options.DynamicApps || options.NoDefaultApp)
        {
            var worker = services.GetRequiredService<Worker>();
            MountedApp[] mounts = [.. options.Mounts.Values.Select((mount, index) => new MountedApp(apps.Get(mount.App), worker.Apps[index], mount.Harakiri))];
            var dynamicApps = options.DynamicApps ? CreateDynamicApps(services, apps, worker) : null;
            app.Use(next => new MountMiddleware(next, options, mounts, dynamicApps).InvokeAsync);
        }

        if (apps.Unused.Any())
        {
            Log.AppsNotMounted(CreateLogger(services), UwsgiApps.Describe(apps.Unused));
        }
    }

    public Task InvokeAsync(HttpContext context)
    {
        var request = context.Request;
        var variables = context.Features.Get<IGatewayFeature>() is null ? null : context.Features.Get<IServerVariablesFeature>();
        var pathBase = request.PathBase.Value ?? string.Empty;

        // The option is no part of the mounts' paths, a web server's SCRIPT_NAME is.
        var isBaseSent = variables is not null && pathBase != _pathBase;
        var match = _table.Match(request.Host.Value, pathBase, request.Path.Value ?? string.Empty, isBaseSent);
        var index = variables is null ? -1 : _table.Find(variables["UWSGI_APPID"]);
        if (index < 0)
        {
            index = match?.Index ?? (variables is null ? -1 : _table.Find(variables["SCRIPT_NAME"]));
        }

        if (index >= 0)
        {
            return RunAsync(context, _mounts[index], _movesPath ? match?.Length ?? 0 : 0);
        }

        if (variables is not null && _dynamicApps?.TryFind(variables, out var named) == true)
        {
            return named is null ? RefuseAsync(context) : RunAsync(context, named, 0);
        }

        return _hasDefaultApp ? _next(context) : RefuseAsync(context);
    }

    private static Task RunAsync(HttpContext context, MountedApp app, int moved)
    {
        Core.Of(context)?.SelectApp(app.Counters, app.Harakiri);
        return moved == 0 ? app.Pipeline(context) : RunMovedAsync(context, app, moved);
    }

    // Behind the application the path is whole again, as middleware in front of it expects.
    private static async Task RunMovedAsync(HttpContext context, MountedApp app, int moved)
    {
        var request = context.Request;
        var whole = new Paths(request, request.PathBase, request.Path);
        var below = new Paths(request, new PathString(whole.Base.Value + whole.Path.Value![..moved]), new PathString(whole.Path.Value[moved..]));
        below.Apply();
        try
        {
            await app.Pipeline(context);
            if (!context.Response.HasStarted)
            {
                // What the application does when its response starts, to cookies for instance, is still to come.
                context.Response.OnStarting(Apply, below);
                context.Response.OnCompleted(Apply, whole);
            }
        }
        finally
        {
            whole.Apply();
        }
    }

    private static Task Apply(object paths)
    {
        ((Paths)paths).Apply();
        return Task.CompletedTask;
    }

    private static Task RefuseAsync(HttpContext context)
    {
        Core.Of(context)?.NoteNoApp();
        context.Response.StatusCode = StatusCodes.Status404NotFound;
        return Task.CompletedTask;
    }

    private static DynamicApps CreateDynamicApps(IServiceProvider services, UwsgiApps apps, Worker worker) => new(
        worker.DynamicApps.ToFrozenDictionary(
            static counters => counters.MountPoint,
            counters => new MountedApp(apps.Get(counters.MountPoint), counters, Harakiri: null)),
        CreateLogger(services));

    private static ILogger CreateLogger(IServiceProvider services) =>
        services.GetRequiredService<ILoggerFactory>().CreateLogger("Uwsgi.AspNetCore");

    /// <summary>A request's path, divided in one of its ways.</summary>
    private sealed record Paths(HttpRequest Request, PathString Base, PathString Path)
    {
        public void Apply()
        {
            Request.PathBase = Base;
            Request.Path = Path;
        }
    }
}
