using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Net.Http.Headers;

namespace Uwsgi.AspNetCore.InteropTests.Parity.App;

/// <summary>Endpoints that send files and answer ranges and conditions.</summary>
internal static class FileEndpoints
{
    private static readonly EntityTagHeaderValue Tag = new("\"v1\"");

    public static void MapFileEndpoints(this WebApplication app)
    {
        app.MapMethods("/file/{how}", ["GET", "HEAD"], SendAsync);
    }

    private static Task SendAsync(HttpContext context, string how)
    {
        var path = Path.Combine(context.RequestServices.GetRequiredService<IWebHostEnvironment>().WebRootPath, StaticContent.FileName);
        return how switch
        {
            "whole" => context.Response.SendFileAsync(path),
            "slice" => context.Response.SendFileAsync(path, 100, 1000),
            "rest" => context.Response.SendFileAsync(path, 5000, null),
            "beyond" => context.Response.SendFileAsync(path, 0, 1_000_000),
            "missing" => context.Response.SendFileAsync(path + ".missing"),
            "after-write" => SendAfterWriteAsync(context, path),
            "physical" => Results.File(path, "text/plain", lastModified: StaticContent.LastModified, entityTag: Tag, enableRangeProcessing: true)
                .ExecuteAsync(context),
            "bytes" => Results.Bytes(
                StaticContent.Bytes(10_000), "application/octet-stream", "blob.bin", true, StaticContent.LastModified, Tag).ExecuteAsync(context),
            "stream" => Results.Stream(new MemoryStream(StaticContent.Bytes(10_000)), "application/octet-stream", enableRangeProcessing: true)
                .ExecuteAsync(context),
            "pushed" => Results.Stream(stream => stream.WriteAsync(StaticContent.Bytes(10_000)).AsTask()).ExecuteAsync(context),
            "name" => Results.File(path, "text/plain", "a b é \".txt").ExecuteAsync(context),
            _ => Results.NotFound().ExecuteAsync(context),
        };
    }

    private static async Task SendAfterWriteAsync(HttpContext context, string path)
    {
        await context.Response.WriteAsync("before\n");
        await context.Response.SendFileAsync(path, 0, 50);
        await context.Response.WriteAsync("\nafter");
    }
}
