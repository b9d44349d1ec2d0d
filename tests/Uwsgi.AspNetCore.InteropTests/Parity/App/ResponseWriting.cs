using System.Buffers;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Uwsgi.AspNetCore.InteropTests.Parity.App;

/// <summary>The ways an app can write a response body, right and wrong.</summary>
internal static class ResponseWriting
{
    private static readonly byte[] Sentence = "All of this is one body.\n"u8.ToArray();

    public static async Task WriteAsync(HttpContext context, string how)
    {
        var response = context.Response;
        response.ContentType = "text/plain";
        switch (how)
        {
            case "plain":
                await response.Body.WriteAsync(Sentence);
                break;
            case "nothing":
                break;
            case "empty":
                await response.Body.WriteAsync(ReadOnlyMemory<byte>.Empty);
                break;
            case "length":
                response.ContentLength = Sentence.Length;
                await response.Body.WriteAsync(Sentence);
                break;
            case "too-few":
                response.ContentLength = Sentence.Length + 10;
                await response.Body.WriteAsync(Sentence);
                break;
            case "too-few-unstarted":
                response.ContentLength = 10;
                break;
            case "too-many":
                response.ContentLength = Sentence.Length - 10;
                await NoteAsync(context, () => response.Body.WriteAsync(Sentence).AsTask());
                break;
            case "too-many-late":
                response.ContentLength = Sentence.Length;
                await response.Body.WriteAsync(Sentence);
                await NoteAsync(context, () => response.Body.WriteAsync(Sentence).AsTask());
                break;
            case "start":
                await response.StartAsync();
                await NoteAsync(context, () => Task.Run(() => response.StatusCode = 404));
                await NoteAsync(context, () => Task.Run(() => response.Headers["X-Late"] = "1"));
                await response.Body.WriteAsync(Sentence);
                break;
            case "start-only":
                await response.StartAsync();
                break;
            case "start-with-length":
                response.ContentLength = Sentence.Length;
                await response.StartAsync();
                await response.Body.WriteAsync(Sentence);
                break;
            case "flush-only":
                await response.Body.FlushAsync();
                break;
            case "flush-each":
                await FlushEachAsync(response, 20);
                break;
            case "writer":
                response.BodyWriter.Write(Sentence);
                break;
            case "writer-flushed":
                response.BodyWriter.Write(Sentence);
                await response.BodyWriter.FlushAsync();
                break;
            case "mixed":
                await MixAsync(response);
                break;
            case "headers-after-memory":
                response.BodyWriter.Write(Sentence);
                response.Headers["X-After-Memory"] = "still possible";
                response.StatusCode = 201;
                break;
            case "unflushed-bytes":
                await NoteUnflushedAsync(context);
                break;
            case "complete":
                await response.Body.WriteAsync(Sentence);
                await response.CompleteAsync();
                await NoteAsync(context, () => response.Body.WriteAsync(Sentence).AsTask());
                break;
            case "complete-empty":
                await response.CompleteAsync();
                break;
            case "writer-complete":
                response.BodyWriter.Write(Sentence);
                await response.BodyWriter.CompleteAsync();
                await NoteAsync(context, () => response.BodyWriter.FlushAsync().AsTask());
                break;
            case "dispose":
                await response.Body.WriteAsync(Sentence);
                await response.Body.DisposeAsync();
                await response.Body.WriteAsync(Sentence);
                break;
            case "synchronous":
                WriteSynchronously(context);
                break;
            case "replaced-body":
                await WriteThroughReplacementAsync(response);
                break;
            case "many-small":
                for (var i = 0; i < 20_000; i++)
                {
                    response.BodyWriter.Write("tick "u8);
                }

                break;
            case "advance-wrong":
                await NoteAsync(context, () => Task.Run(() => response.BodyWriter.Advance(1)));
                _ = response.BodyWriter.GetMemory(10);
                await NoteAsync(context, () => Task.Run(() => response.BodyWriter.Advance(-1)));
                break;
            case "cancelled-token":
                await NoteAsync(context, () => response.Body.WriteAsync(Sentence, new CancellationToken(canceled: true)).AsTask());
                break;
            case "disable-buffering":
                context.Features.GetRequiredFeature<IHttpResponseBodyFeature>().DisableBuffering();
                await FlushEachAsync(response, 3);
                break;
            case "encoding":
                response.ContentType = "text/plain; charset=iso-8859-1";
                await response.WriteAsync("Grüße", Encoding.Latin1);
                break;
            default:
                throw new InvalidOperationException($"No way to write is called {how}.");
        }
    }

    private static async Task NoteAsync(HttpContext context, Func<Task> act)
    {
        var error = await Record.ExceptionAsync(act);
        context.Observed().Note("App.Refused", error is OperationCanceledException ? "cancelled" : error?.GetType().Name ?? "no");
    }

    private static async Task FlushEachAsync(HttpResponse response, int count)
    {
        for (var i = 0; i < count; i++)
        {
            await response.WriteAsync($"part {i}\n");
            await response.Body.FlushAsync();
        }
    }

    private static async Task MixAsync(HttpResponse response)
    {
        response.BodyWriter.Write("1 writer, "u8);
        await response.Body.WriteAsync("2 stream, "u8.ToArray());
        var memory = response.BodyWriter.GetMemory(100);
        response.BodyWriter.Advance(Encoding.UTF8.GetBytes("3 memory, ", memory.Span));
        await response.WriteAsync("4 text, ");
        response.BodyWriter.Write("5 writer"u8);
        await response.BodyWriter.FlushAsync();
        response.BodyWriter.Write(", 6 unflushed"u8);
    }

    private static async Task NoteUnflushedAsync(HttpContext context)
    {
        var (writer, observation) = (context.Response.BodyWriter, context.Observed());
        writer.Write(Sentence);
        observation.Note("App.Unflushed", writer.UnflushedBytes.ToString());
        await writer.FlushAsync();
        observation.Note("App.Unflushed", writer.UnflushedBytes.ToString());
        writer.Write(Sentence);
        observation.Note("App.Unflushed", writer.UnflushedBytes.ToString());
    }

    private static void WriteSynchronously(HttpContext context)
    {
        var error = Record.Exception(() => context.Response.Body.Write(Sentence, 0, Sentence.Length));
        context.Observed().Note("App.Refused", error?.GetType().Name);
        context.Features.GetRequiredFeature<IHttpBodyControlFeature>().AllowSynchronousIO = true;
        context.Response.Body.Write(Sentence, 0, Sentence.Length);
        context.Response.Body.Flush();
    }

    private static async Task WriteThroughReplacementAsync(HttpResponse response)
    {
        var original = response.Body;
        var buffer = new MemoryStream();
        response.Body = buffer;
        await response.WriteAsync("shout");
        response.BodyWriter.Write(" louder"u8);
        await response.BodyWriter.FlushAsync();
        response.Body = original;
        await response.WriteAsync(Encoding.UTF8.GetString(buffer.ToArray()).ToUpperInvariant());
    }
}
