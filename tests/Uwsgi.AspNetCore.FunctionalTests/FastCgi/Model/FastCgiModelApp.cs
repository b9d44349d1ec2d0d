using System.Collections.Concurrent;
using System.Globalization;
using Microsoft.AspNetCore.Http;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.FunctionalTests.FastCgi.Model;

/// <summary>The application behind the model: its answers depend on nothing but the request's own number, behaviour and body.</summary>
internal sealed class FastCgiModelApp
{
    private readonly ConcurrentDictionary<int, int> _seen = [];

    /// <summary>Gets how often a request has reached the application.</summary>
    public int CountOf(int number) => _seen.GetValueOrDefault(number);

    public async Task InvokeAsync(HttpContext context)
    {
        var number = int.Parse(context.Request.Headers["X-Number"].ToString(), CultureInfo.InvariantCulture);
        _seen.AddOrUpdate(number, 1, static (_, count) => count + 1);
        if (context.Request.Path != $"/{number}")
            throw new InvalidOperationException($"The parameters of {number} are mixed with those of {context.Request.Path}.");

        context.Response.Headers["X-Number"] = context.Request.Headers["X-Number"];
        var answer = context.Response.Body;
        switch (Enum.Parse<FastCgiBehaviour>(context.Request.Headers["X-Behaviour"].ToString()))
        {
            case FastCgiBehaviour.Echo:
                await answer.WriteAsync(await ReadAsync(context));
                break;
            case FastCgiBehaviour.Digest:
                await answer.WriteAsync(FastCgiModelRequest.Digest(await ReadAsync(context)));
                break;
            case FastCgiBehaviour.Ignore:
                await answer.WriteAsync(FastCgiModelRequest.Part(number, 0));
                break;
            case FastCgiBehaviour.Early:
                await answer.WriteAsync(FastCgiModelRequest.Part(number, 0));
                await answer.FlushAsync();
                await answer.WriteAsync(FastCgiModelRequest.Digest(await ReadAsync(context)));
                break;
            case FastCgiBehaviour.Large:
                await answer.WriteAsync(FastCgiModelRequest.Pattern(number, 200_000));
                break;
            case FastCgiBehaviour.Chunks:
                for (var part = 0; part < 3; part++)
                {
                    await answer.WriteAsync(FastCgiModelRequest.Part(number, part));
                    await answer.FlushAsync();
                }

                break;
            case FastCgiBehaviour.Throw:
                throw new FastCgiModelException();
            case FastCgiBehaviour.ThrowLate:
                await answer.WriteAsync(FastCgiModelRequest.Part(number, 0));
                await answer.FlushAsync();
                throw new FastCgiModelException();
            case FastCgiBehaviour.Wait:
                await context.RequestAborted.WaitForCancellationAsync();
                break;
        }
    }

    private static async Task<byte[]> ReadAsync(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body);
        return body.ToArray();
    }
}

/// <summary>The only error that the application may cause in the log.</summary>
internal sealed class FastCgiModelException : Exception;
