using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Uwsgi.AspNetCore.InteropTests.Parity.App;

/// <summary>Endpoints that take turns with the client, and endpoints that outlive it.</summary>
internal static class StreamingEndpoints
{
    public static void MapStreamingEndpoints(this WebApplication app)
    {
        app.MapGet("/stream/events", (HttpContext context) => TypedResults.ServerSentEvents(EventsAsync(context.RequestAborted)));
        app.MapGet("/stream/json", (HttpContext context) => TypedResults.Ok(NumbersAsync(context.RequestAborted)));
        app.MapGet("/unbuffered/events", (HttpContext context) => TypedResults.ServerSentEvents(TurnsAsync(context)));
        app.MapGet("/unbuffered/turns", TakeTurnsAsync);
        app.MapPost("/unbuffered/conversation", ConverseAsync);
        app.MapPost("/unbuffered/upload", UploadAsync);
        app.MapGet("/unbuffered/endless", WriteUntilAbortedAsync);
        app.MapGet("/unbuffered/failed/{how}", FailHalfWayAsync);
        app.Map("/wait", WaitUntilAbortedAsync);
        app.MapGet("/timeout", WaitForTimeoutAsync).WithRequestTimeout("at once");
    }

    private static async IAsyncEnumerable<SseItem<string>> EventsAsync([EnumeratorCancellation] CancellationToken aborted)
    {
        for (var i = 0; i < 5; i++)
        {
            await Task.Yield();
            aborted.ThrowIfCancellationRequested();
            yield return new SseItem<string>($"message {i}", i % 2 == 0 ? "even" : "odd") { EventId = $"{i}" };
        }
    }

    private static async IAsyncEnumerable<int> NumbersAsync([EnumeratorCancellation] CancellationToken aborted)
    {
        for (var i = 0; i < 1000; i++)
        {
            await Task.Yield();
            aborted.ThrowIfCancellationRequested();
            yield return i;
        }
    }

    private static async IAsyncEnumerable<string> TurnsAsync(HttpContext context)
    {
        for (var i = 0; i < 3; i++)
        {
            yield return $"turn {i}";
            await context.Observed().WaitAsync($"seen {i}");
        }
    }

    private static async Task TakeTurnsAsync(HttpContext context)
    {
        for (var i = 0; i < 3; i++)
        {
            await context.Response.WriteAsync($"turn {i}\n");
            await context.Response.Body.FlushAsync();
            await context.Observed().WaitAsync($"seen {i}");
        }
    }

    /// <summary>Sends back every piece of the body as soon as it arrives.</summary>
    private static async Task ConverseAsync(HttpContext context)
    {
        var piece = new byte[100];
        while (await context.Request.Body.ReadAsync(piece) is var count and > 0)
        {
            await context.Response.Body.WriteAsync(piece.AsMemory(0, count));
            await context.Response.Body.FlushAsync();
        }
    }

    /// <summary>Says when the first piece has arrived, and notes how the upload ends.</summary>
    private static async Task UploadAsync(HttpContext context)
    {
        var observation = context.Observed();
        var piece = new byte[1000];
        await context.Request.Body.ReadExactlyAsync(piece);
        observation.Raise("first piece");
        try
        {
            while (await context.Request.Body.ReadAsync(piece) > 0)
            {
            }

            observation.Note("App.Upload", "complete");
        }
        catch (Exception e)
        {
            observation.Note("App.Upload", $"{e.GetType().FullName} {(e as BadHttpRequestException)?.StatusCode}");
            await AbortedAsync(context);
            throw;
        }
    }

    private static async Task WriteUntilAbortedAsync(HttpContext context)
    {
        var piece = StaticContent.Bytes(64 * 1024);
        while (!context.RequestAborted.IsCancellationRequested)
        {
            await context.Response.Body.WriteAsync(piece);
        }

        context.Observed().Note("App.Endless", "aborted");
    }

    /// <summary>Fails when the client has seen the first half of the response, so that nothing depends on who is faster.</summary>
    private static async Task FailHalfWayAsync(HttpContext context, string how)
    {
        context.Response.ContentLength = how == "by exception, with length" ? 100 : null;
        await context.Response.WriteAsync("first half");
        await context.Observed().WaitAsync("seen");
        switch (how)
        {
            case "by abort":
                context.Abort();
                break;
            case "by writer":
                context.Response.BodyWriter.Complete(new InvalidOperationException("given to the writer"));
                break;
            default:
                throw new InvalidOperationException("thrown half way");
        }
    }

    private static async Task WaitUntilAbortedAsync(HttpContext context)
    {
        await AbortedAsync(context);
        context.Observed().Note("App.WriteAfterAbort", (await Record.ExceptionAsync(() => context.Response.WriteAsync("too late")))?.GetType().Name);
    }

    private static async Task AbortedAsync(HttpContext context)
    {
        var aborted = new TaskCompletionSource();
        await using var registration = context.RequestAborted.Register(aborted.SetResult);
        await aborted.Task.OrTimeout();
        context.Observed().Note("App.Aborted", "yes");
    }

    private static async Task WaitForTimeoutAsync(HttpContext context)
    {
        await AbortedAsync(context);
        context.RequestAborted.ThrowIfCancellationRequested();
    }
}
