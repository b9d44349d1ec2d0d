using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Uwsgi.AspNetCore.InteropTests.Parity.App;

/// <summary>The ways an app can read a request body.</summary>
internal static class BodyReading
{
    /// <summary>Reads the body in the way asked for and answers with its length and hash.</summary>
    public static async Task ReadAsync(HttpContext context, string how)
    {
        var body = how switch
        {
            "stream" => await FromStreamAsync(context.Request.Body),
            "pipe" => await FromPipeAsync(context.Request),
            "mixed" => await FromBothAsync(context.Request),
            "text" => Encoding.UTF8.GetBytes(await new StreamReader(context.Request.Body).ReadToEndAsync()),
            "buffered" => await FromBufferedAsync(context.Request),
            "synchronous" => FromSynchronous(context),
            _ => [],
        };
        var summary = $"{body.Length} bytes, SHA-256 {Convert.ToHexString(SHA256.HashData(body))}";
        context.Observed().Note("App.Body", summary);
        context.Observed().Note("App.Body.AfterEnd", (await context.Request.Body.ReadAsync(new byte[1])).ToString());
        await context.Response.WriteAsync(summary);
    }

    /// <summary>Answers with the request's own body and type.</summary>
    public static async Task EchoAsync(HttpContext context)
    {
        var body = await FromStreamAsync(context.Request.Body);
        context.Observed().Note("App.Body", Convert.ToHexString(SHA256.HashData(body)));
        context.Response.ContentType = context.Request.ContentType;
        await context.Response.Body.WriteAsync(body);
    }

    public static async Task<byte[]> FromStreamAsync(Stream stream)
    {
        var body = new MemoryStream();
        await stream.CopyToAsync(body);
        return body.ToArray();
    }

    private static async Task<byte[]> FromPipeAsync(HttpRequest request)
    {
        while (true)
        {
            var result = await request.BodyReader.ReadAsync();
            if (result.IsCompleted)
            {
                var body = result.Buffer.ToArray();
                request.BodyReader.AdvanceTo(result.Buffer.End);
                return body;
            }

            request.BodyReader.AdvanceTo(result.Buffer.Start, result.Buffer.End);
        }
    }

    private static async Task<byte[]> FromBothAsync(HttpRequest request)
    {
        var first = new byte[3];
        var count = await request.Body.ReadAtLeastAsync(first, first.Length, throwOnEndOfStream: false);
        return [.. first[..count], .. await FromPipeAsync(request)];
    }

    private static async Task<byte[]> FromBufferedAsync(HttpRequest request)
    {
        request.EnableBuffering();
        var first = await FromStreamAsync(request.Body);
        request.Body.Position = 0;
        var second = await FromStreamAsync(request.Body);
        return first.AsSpan().SequenceEqual(second) ? second : throw new InvalidOperationException("Read twice, read differently.");
    }

    private static byte[] FromSynchronous(HttpContext context)
    {
        try
        {
            _ = context.Request.Body.Read(new byte[1], 0, 1);
        }
        catch (InvalidOperationException)
        {
            context.Observed().Note("App.Body.Synchronous", "refused");
        }

        context.Features.GetRequiredFeature<IHttpBodyControlFeature>().AllowSynchronousIO = true;
        var body = new MemoryStream();
        context.Request.Body.CopyTo(body);
        return body.ToArray();
    }
}
