using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Uwsgi.AspNetCore.Benchmarks.Blocking;

/// <summary>Code as it should not be, and a fast endpoint beside it.</summary>
internal static class BlockingEndpoints
{
    public const string Fast = "/";
    public const string Sleep = "/sleep";
    public const string Result = "/result";

    /// <summary>For how long a request keeps its thread.</summary>
    public const int Milliseconds = 200;

    public static void Map(WebApplication app) => app.Run(context =>
    {
        switch (context.Request.Path.Value)
        {
            case Sleep:
                Thread.Sleep(Milliseconds);
                break;
            case Result:
                _ = WaitAsync().Result;
                break;
        }

        context.Response.ContentLength = 2;
        return context.Response.WriteAsync("ok");
    });

    private static async Task<int> WaitAsync()
    {
        await Task.Delay(Milliseconds);
        return Milliseconds;
    }
}
