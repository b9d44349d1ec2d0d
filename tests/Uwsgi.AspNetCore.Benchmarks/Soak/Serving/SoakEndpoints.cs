using System.Buffers;
using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Uwsgi.AspNetCore.Benchmarks.Soak.Serving;

/// <summary>Endpoints whose answers follow from the request's nonce, and some that do not answer in time.</summary>
internal sealed class SoakEndpoints(Complaints complaints)
{
    public const string NonceHeader = "X-Nonce";
    public const string SentHeader = "X-Sent-";

    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(1);
    public static readonly TimeSpan Grace = TimeSpan.FromSeconds(0.25);

    // Beyond limit and grace, and yet an end, so that nothing is stuck for ever. Many pauses instead of one time: on a machine that stood
    // still for a while every time is up at once, and the app must not be back before the watchdog has looked twice.
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);
    private static readonly int Pauses = (int)((Limit + Grace + TimeSpan.FromSeconds(1.5)) / Pause);

    public void Map(WebApplication app)
    {
        app.Use(SignAsync);
        app.UseRouting();
        app.MapGet("/bytes", SendBytesAsync);
        app.MapGet("/headers", SendHeadersAsync);
        app.MapPost("/upload", ReceiveAsync);
        app.MapPost("/echo", EchoAsync);
        app.MapPost("/early", SendBytesAsync);
        app.MapGet("/cut", CutAsync);
        app.MapGet("/hang/obey", (HttpContext context) => Task.Delay(Timeout.Infinite, context.RequestAborted)).WithHarakiri(Limit);
        app.MapGet("/hang/ignore", IgnoreAsync).WithHarakiri(Limit);
        app.MapGet("/hang/block", BlockAsync).WithHarakiri(Limit);
        app.MapGet("/hang/begun", BeginAndHangAsync).WithHarakiri(Limit);
    }

    private Task SignAsync(HttpContext context, RequestDelegate next)
    {
        var nonce = context.Request.Headers[NonceHeader];
        if (nonce.Count != 1 || nonce != context.Request.Query["n"])
        {
            complaints.Add($"a request that nobody has sent: {context.Request.Method} {context.Request.Path}{context.Request.QueryString}, nonce '{nonce}'");
            context.Response.StatusCode = StatusCodes.Status409Conflict;
            return Task.CompletedTask;
        }

        context.Response.Headers[NonceHeader] = nonce;
        return next(context);
    }

    private static async Task SendBytesAsync(HttpContext context)
    {
        var size = Number(context, "size");
        var piece = Number(context, "piece");
        if (Number(context, "announce") == 1)
        {
            context.Response.ContentLength = size;
        }

        await SendAsync(context, size, piece);
    }

    private static async Task CutAsync(HttpContext context)
    {
        await BeginAsync(context);
        context.Abort();
    }

    private static async Task BeginAndHangAsync(HttpContext context)
    {
        await BeginAsync(context);
        await HangAsync();
    }

    private static async Task BeginAsync(HttpContext context)
    {
        var size = Number(context, "size");
        context.Response.ContentLength = size;
        await SendAsync(context, size / 2, Number(context, "piece"));
        await context.Response.Body.FlushAsync();
    }

    private static async Task SendAsync(HttpContext context, int size, int piece)
    {
        context.Response.ContentType = "application/octet-stream";
        var nonce = ~Nonce(context);
        var buffer = ArrayPool<byte>.Shared.Rent(piece);
        for (var sent = 0; sent < size;)
        {
            var part = buffer.AsMemory(0, Math.Min(piece, size - sent));
            Pattern.Fill(nonce, sent, part.Span);
            await context.Response.Body.WriteAsync(part, context.RequestAborted);
            sent += part.Length;
        }

        ArrayPool<byte>.Shared.Return(buffer);
    }

    private static Task SendHeadersAsync(HttpContext context) => context.Response.WriteAsync(string.Join('\n', context.Request.Headers
        .Where(header => header.Key.StartsWith(SentHeader, StringComparison.OrdinalIgnoreCase))
        .Select(header => $"{header.Key.ToUpperInvariant()}: {header.Value}")
        .Order(StringComparer.Ordinal)));

    private static Task ReceiveAsync(HttpContext context) => GuardAsync(context, async () =>
    {
        var nonce = Nonce(context);
        var buffer = ArrayPool<byte>.Shared.Rent(Number(context, "piece"));
        var total = 0L;
        var wrong = -1L;
        int read;
        while ((read = await context.Request.Body.ReadAsync(buffer)) > 0)
        {
            wrong = wrong < 0 ? Pattern.FindDifference(nonce, total, buffer.AsSpan(0, read)) : wrong;
            total += read;
        }

        ArrayPool<byte>.Shared.Return(buffer);
        await context.Response.WriteAsync(wrong < 0
            ? string.Create(CultureInfo.InvariantCulture, $"{nonce:x16} {total}")
            : string.Create(CultureInfo.InvariantCulture, $"{nonce:x16} wrong from byte {wrong} of {total} on"));
    });

    private static Task EchoAsync(HttpContext context) => GuardAsync(context, async () =>
    {
        context.Response.ContentType = "application/octet-stream";
        var reader = context.Request.BodyReader;
        while (true)
        {
            // Without a token: Kestrel takes a read that was cancelled for one that goes on, and complains when it drains the body.
            var result = await reader.ReadAsync();
            foreach (var segment in result.Buffer)
            {
                context.Response.BodyWriter.Write(segment.Span);
            }

            reader.AdvanceTo(result.Buffer.End);
            if ((await context.Response.BodyWriter.FlushAsync(context.RequestAborted)).IsCompleted || result.IsCompleted)
            {
                return;
            }
        }
    });

    // A client that leaves while it uploads is no error of the app; Kestrel would complain that it cannot drain what is left.
    private static async Task GuardAsync(HttpContext context, Func<Task> work)
    {
        try
        {
            await work();
        }
        catch (Exception gone) when (gone is IOException or OperationCanceledException)
        {
            context.Abort();
        }
    }

    private static async Task IgnoreAsync(HttpContext context)
    {
        await HangAsync();
        context.Response.Headers["X-Late"] = "1";
        await context.Response.WriteAsync("too late");
    }

    private static Task BlockAsync(HttpContext context)
    {
        for (var i = 0; i < Pauses; i++)
        {
            Thread.Sleep(Pause);
        }

        return context.Response.WriteAsync("too late");
    }

    private static async Task HangAsync()
    {
        for (var i = 0; i < Pauses; i++)
        {
            await Task.Delay(Pause, CancellationToken.None);
        }
    }

    private static ulong Nonce(HttpContext context) =>
        ulong.Parse(context.Request.Query["n"].ToString(), NumberStyles.HexNumber, CultureInfo.InvariantCulture);

    private static int Number(HttpContext context, string name) =>
        int.Parse(context.Request.Query[name].ToString(), CultureInfo.InvariantCulture);
}
