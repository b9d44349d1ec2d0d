using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Uwsgi.AspNetCore.Harakiri;
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
            HarakiriMiddleware.Start(services);
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
        catch (Exception error)
        {
            task = Task.FromException(error);
        }

        return task.IsCompletedSuccessfully && !core.IsOverdue ? task : AwaitAsync(task, core, context);
    }

    private static async Task AwaitAsync(Task task, Core core, HttpContext context)
    {
        try
        {
            await task;
        }
        catch (Exception error) when (core.IsOverdue && IsCancellation(error))
        {
            // What the watchdog has caused is no failure of the application.
            await HarakiriMiddleware.AnswerAsync(context, core);
            return;
        }
        catch
        {
            core.NoteException();
            HarakiriMiddleware.LeaveToServer(context, core);
            throw;
        }

        if (core.IsOverdue)
        {
            await HarakiriMiddleware.CorrectAsync(context, core);
        }
    }

    // Who blocks on a task meets its cancellation in a wrapping.
    private static bool IsCancellation(Exception error) =>
        error is OperationCanceledException || (error is AggregateException aggregate && aggregate.Flatten().InnerExceptions.All(static inner => inner is OperationCanceledException));

    private static bool IsNeeded(IServiceProvider services)
    {
        var options = services.GetRequiredService<IOptions<UwsgiOptions>>().Value;
        return HarakiriMiddleware.HasLimits(options)
            || options.Stats.Count > 0
            || services.GetRequiredService<Worker>().HasObservers
            || services.GetServices<IWatchesRequests>().Any()
            || services.GetService<EndpointDataSource>()?.Endpoints.Any(static endpoint => endpoint.Metadata.GetMetadata<IWatchesRequests>() is not null) == true;
    }
}
