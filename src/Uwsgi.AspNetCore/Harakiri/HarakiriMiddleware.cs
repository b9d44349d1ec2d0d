using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Uwsgi.AspNetCore.Workers;

namespace Uwsgi.AspNetCore.Harakiri;

/// <summary>The part of the worker's middleware that is about time limits.</summary>
internal static class HarakiriMiddleware
{
    /// <summary>Gets whether options limit the time of requests.</summary>
    public static bool HasLimits(UwsgiOptions options) =>
        options.Harakiri is not null || options.Mounts.Values.Any(static mount => mount.Harakiri is not null);

    /// <summary>Gets the watchdog ready when the pipeline is built; by then all endpoints are known.</summary>
    public static void Start(IServiceProvider services)
    {
        var watchdog = services.GetRequiredService<HarakiriWatchdog>();
        watchdog.IsWatching = HasLimits(services.GetRequiredService<IOptions<UwsgiOptions>>().Value)
            || services.GetService<EndpointDataSource>()?.Endpoints.Any(static endpoint => endpoint.Metadata.GetMetadata<IHarakiriMetadata>()?.Timeout is not null) == true;
        if (services.GetRequiredService<WorkerRecycler>().NeedsSweeps)
        {
            watchdog.Wake();
        }
    }

    /// <summary>Answers a request whose application has given up because it was cancelled in time.</summary>
    public static async Task AnswerAsync(HttpContext context, Core core)
    {
        if (!core.TryStart())
        {
            LeaveToServer(context, core);
        }
        else if (context.Response.HasStarted || HasBufferedBody(context))
        {
            context.Abort();
        }
        else
        {
            var text = HarakiriAnswer.Prepare(context.Features.GetRequiredFeature<IHttpResponseFeature>());
            await context.Response.Body.WriteAsync(text, CancellationToken.None);
        }
    }

    /// <summary>
    /// Answers a request whose application has handled its cancellation itself: the framework's exception handlers take it for a client that
    /// has gone, and nobody is to see their status.
    /// </summary>
    public static Task CorrectAsync(HttpContext context, Core core)
    {
        if (core.IsTaken)
        {
            LeaveToServer(context, core);
            return Task.CompletedTask;
        }

        return !context.Response.HasStarted && context.Response.StatusCode == StatusCodes.Status499ClientClosedRequest
            ? AnswerAsync(context, core)
            : Task.CompletedTask;
    }

    /// <summary>Lets the server end a request: it sends nothing if the watchdog has answered, and the watchdog does not answer any more otherwise.</summary>
    public static void LeaveToServer(HttpContext context, Core core)
    {
        if (!core.TryStart() && core.Request is not ITakeover)
        {
            context.Abort();
        }
    }

    // It would go out in front of the answer.
    private static bool HasBufferedBody(HttpContext context) =>
        context.Response.BodyWriter is { CanGetUnflushedBytes: true, UnflushedBytes: > 0 };
}
