using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Uwsgi.AspNetCore.InteropTests.Children;

/// <summary>The app of a child process, configured by its command line alone.</summary>
internal static class ChildApp
{
    /// <summary>The line, followed by the addresses, which says that the app accepts connections.</summary>
    public const string Ready = "ready ";

    /// <summary>The line which says that a request to <c>/hold</c> is being held.</summary>
    public const string Holding = "holding";

    public static async Task RunAsync(string[] args)
    {
        var builder = WebApplication.CreateBuilder(args);
        builder.Logging.ClearProviders();
        if (builder.Configuration.GetValue<bool>("Log"))
        {
            builder.Logging.AddSimpleConsole(console => console.SingleLine = true);
        }

        builder.UseUwsgi();
        if (builder.Configuration.GetValue<int?>("Threads") is { } threads)
        {
            ThreadPool.SetMinThreads(threads, threads);
            ThreadPool.SetMaxThreads(threads, threads);
        }

        await using var app = builder.Build();
        Map(app);
        await app.StartAsync();
        Console.WriteLine(Ready + string.Join(' ', app.Urls));
        await app.WaitForShutdownAsync();
    }

    private static void Map(WebApplication app)
    {
        var memory = new MemoryWatch();
        var keepsRequests = app.Configuration.GetValue<bool>("Hold");
        app.MapGet("/memory", () => memory.Read());
        app.MapPost("/upload", Task<string> (HttpRequest request) => ReceiveAsync(request, memory));
        app.MapGet("/download", (HttpContext context, long bytes) => SendAsync(context, bytes, memory));
        app.Map("/answer", async (HttpRequest request) =>
        {
            await request.Body.CopyToAsync(Stream.Null);
            return Environment.ProcessId;
        });
        app.MapGet("/hold", async () =>
        {
            if (keepsRequests)
            {
                Console.WriteLine(Holding);
                await new TaskCompletionSource().Task;
            }

            return Environment.ProcessId;
        });
        app.MapGet("/block", () =>
        {
            using var never = new ManualResetEventSlim();
            never.Wait(CancellationToken.None);
        });
        app.MapGet("/finish", async (IHostApplicationLifetime lifetime) =>
        {
            var stopping = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            await using var registration = lifetime.ApplicationStopping.Register(stopping.SetResult);
            Console.WriteLine(Holding);
            await stopping.Task;
            return "finished";
        }).DisableHarakiri();
    }

    private static async Task<string> ReceiveAsync(HttpRequest request, MemoryWatch memory)
    {
        var reader = request.BodyReader;
        var received = 0L;
        while (true)
        {
            var result = await reader.ReadAsync();
            foreach (var segment in result.Buffer)
            {
                EndlessBytes.Check(received, segment.Span);
                received += segment.Length;
            }

            reader.AdvanceTo(result.Buffer.End);
            memory.Watch(received);
            if (result.IsCompleted)
            {
                return $"{received} bytes";
            }
        }
    }

    private static async Task SendAsync(HttpContext context, long bytes, MemoryWatch memory)
    {
        context.Response.ContentLength = bytes;
        for (var sent = 0L; sent < bytes;)
        {
            var piece = EndlessBytes.At(sent, (int)Math.Min(64 * 1024, bytes - sent));
            await context.Response.Body.WriteAsync(piece);
            sent += piece.Length;
            memory.Watch(sent);
        }
    }
}
