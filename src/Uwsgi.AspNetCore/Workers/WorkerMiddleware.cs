using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Uwsgi.AspNetCore.Stats;

namespace Uwsgi.AspNetCore.Workers;

/// <summary>Puts each request into a core for as long as it runs. Not part of the pipeline unless something needs it.</summary>
internal sealed class WorkerMiddleware(RequestDelegate next, Worker worker)
{
    /// <summary>Adds the middleware; whether it is needed is decided when the pipeline is built, by then all endpoints are known.</summary>
    public static void Use(IApplicationBuilder app)
    {
        var services = app.ApplicationServices;
        app.Use(next =>
        {
            if (!IsNeeded(services))
            {
                return next;
            }

            // Its instruments come into being with the counters they read.
            services.GetRequiredService<WorkerMetrics>();
            return new WorkerMiddleware(next, services.GetRequiredService<Worker>()).InvokeAsync;
        });
    }

    public Task InvokeAsync(HttpContext context)
    {
        var core = worker.Enter(context);
        Task task;
        try
        {
            task = next(context);
        }
        catch
        {
            core.NoteException();
            throw;
        }

        return task.IsCompletedSuccessfully ? task : AwaitAsync(task, core);
    }

    private static async Task AwaitAsync(Task task, Core core)
    {
        try
        {
            await task;
        }
        catch
        {
            core.NoteException();
            throw;
        }
    }

    private static bool IsNeeded(IServiceProvider services)
    {
        var options = services.GetRequiredService<IOptions<UwsgiOptions>>().Value;
        return options.Harakiri is not null
            || options.Mounts.Values.Any(static mount => mount.Harakiri is not null)
            || options.Stats.Count > 0
            || services.GetRequiredService<Worker>().HasObservers
            || services.GetServices<IWatchesRequests>().Any()
            || services.GetService<EndpointDataSource>()?.Endpoints.Any(static endpoint => endpoint.Metadata.GetMetadata<IWatchesRequests>() is not null) == true;
    }
}
