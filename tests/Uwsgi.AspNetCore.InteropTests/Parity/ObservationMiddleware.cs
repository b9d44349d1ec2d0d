using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Uwsgi.AspNetCore.InteropTests.Parity;

/// <summary>The outermost middleware: it writes down the request as the server hands it over and what became of it.</summary>
internal sealed class ObservationMiddleware(RequestDelegate next, ObservationLog log)
{
    public async Task InvokeAsync(HttpContext context)
    {
        if (!log.TryFind(context.Request, out var key, out var observation))
        {
            await next(context);
            return;
        }

        context.Features.Set(observation);
        context.Features.Get<IHttpMetricsTagsFeature>()?.Tags.Add(new(ObservationLog.MetricTag, key));
        RequestDump.Write(context, observation);
        NoteCallbacks(context.Response, observation);
        observation.Enter();
        try
        {
            await next(context);
            observation.Note("App.Exception", "none");
        }
        catch (Exception e)
        {
            observation.Note("App.Exception", e.GetType().FullName);
            throw;
        }
        finally
        {
            observation.Note("App.Left.HasStarted", context.Response.HasStarted.ToString());
            observation.Note("App.Left.StatusCode", context.Response.StatusCode.ToString());
            observation.Leave();
        }
    }

    private static void NoteCallbacks(HttpResponse response, Observation observation)
    {
        response.OnStarting(() =>
        {
            observation.Note("App.OnStarting", $"{response.StatusCode} {response.HasStarted}");
            return Task.CompletedTask;
        });
        response.OnCompleted(() =>
        {
            observation.Note("App.OnCompleted", $"{response.StatusCode} {response.HasStarted}");
            return Task.CompletedTask;
        });
    }
}

internal static class ObservationExtensions
{
    /// <summary>Gets the observation of this request.</summary>
    public static Observation Observed(this HttpContext context) => context.Features.GetRequiredFeature<Observation>();
}
