using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Uwsgi.AspNetCore.Mounts;
using Uwsgi.AspNetCore.StaticFiles;
using Uwsgi.AspNetCore.Workers;

namespace Uwsgi.AspNetCore.Hosting;

/// <summary>Puts the middleware of the features in front of the application's own; each stays out of the way unless it is configured.</summary>
internal sealed class UwsgiStartupFilter : IStartupFilter
{
    public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
    {
        PathBaseMiddleware.Use(app);
        WorkerMiddleware.Use(app);
        FileHandOffMiddleware.Use(app);
        StaticFilesMiddleware.Use(app);
        MountMiddleware.Use(app);
        next(app);
    };
}
