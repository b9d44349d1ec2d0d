using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Mvc;

namespace Uwsgi.AspNetCore.InteropTests.Parity.App;

/// <summary>Endpoints that read: bodies, forms, JSON, and what limits them.</summary>
internal static class RequestEndpoints
{
    public static void MapRequestEndpoints(this WebApplication app)
    {
        app.Map("/body/{how}", BodyReading.ReadAsync);
        app.Map("/unbuffered/body/{how}", BodyReading.ReadAsync);
        app.Map("/echo", BodyReading.EchoAsync);
        app.Map("/form", NoteFormAsync);
        app.MapPost("/form/bound", ([FromForm] string name, [FromForm] int count) => TypedResults.Ok(new { name, count }))
            .DisableAntiforgery();
        app.MapPost("/form/bound/file", ([FromForm] string name, IFormFile? file) => TypedResults.Ok(new { name, file?.FileName, file?.Length }))
            .DisableAntiforgery();
        app.MapPost("/json", (Order order) => TypedResults.Ok(order));
        app.MapPost("/json/optional", (Order? order) => TypedResults.Ok(order?.Name ?? "none"));
        app.MapPost("/json/element", (JsonElement any) => any.ValueKind.ToString());
        app.MapGet("/bound/{id:int}", (int id, string? q, string[] tag, [FromHeader(Name = "X-Tenant")] string? tenant) =>
            TypedResults.Ok(new { id, q, tag, tenant }));
        app.MapGet("/only/get", () => "got");
        app.MapPost("/limit/metadata", (HttpContext context) => BodyReading.ReadAsync(context, "stream"))
            .WithMetadata(new SizeLimit(1024));
        app.MapPost("/limit/metadata/unread", () => "did not look").WithMetadata(new SizeLimit(1024));
        app.MapPost("/limit/set", (HttpContext context) => SetLimitAsync(context, 1024));
        app.MapPost("/limit/lifted", (HttpContext context) => SetLimitAsync(context, null));
        app.MapPost("/limit/swallowed", (Delegate)SwallowLimitAsync);
        app.MapPost("/limit/late", (Delegate)LateLimitAsync);
        app.MapPost("/early", () => Results.Text("Thank you, that was enough.", statusCode: 202));
        app.MapPost("/early/partly", (Delegate)ReadPartlyAsync);
        app.MapPost("/unbuffered/early", () => Results.Text("Thank you, that was enough.", statusCode: 202));
    }

    private static async Task NoteFormAsync(HttpContext context)
    {
        var form = await context.Request.ReadFormAsync();
        foreach (var (name, values) in form)
        {
            context.Observed().Note($"App.Form[{name}]", RequestDump.Join(values));
        }

        foreach (var file in form.Files)
        {
            var content = await BodyReading.FromStreamAsync(file.OpenReadStream());
            context.Observed().Note($"App.File[{file.Name}]", $"{file.FileName} {file.ContentType} {file.Length} {StaticHash(content)}");
        }

        await context.Response.WriteAsync($"{form.Count} fields, {form.Files.Count} files");
    }

    private static string StaticHash(byte[] content) => Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(content));

    private static Task SetLimitAsync(HttpContext context, long? limit)
    {
        context.Features.GetRequiredFeature<IHttpMaxRequestBodySizeFeature>().MaxRequestBodySize = limit;
        return BodyReading.ReadAsync(context, "pipe");
    }

    private static async Task<string> SwallowLimitAsync(HttpContext context)
    {
        context.Features.GetRequiredFeature<IHttpMaxRequestBodySizeFeature>().MaxRequestBodySize = 1;
        try
        {
            await BodyReading.FromStreamAsync(context.Request.Body);
            return "nothing was thrown";
        }
        catch (BadHttpRequestException e)
        {
            context.Observed().Note("App.Swallowed", e.StatusCode.ToString());
            return $"swallowed {e.StatusCode}";
        }
    }

    private static async Task<string> LateLimitAsync(HttpContext context)
    {
        await BodyReading.FromStreamAsync(context.Request.Body);
        var feature = context.Features.GetRequiredFeature<IHttpMaxRequestBodySizeFeature>();
        var error = Record.Exception(() => feature.MaxRequestBodySize = 1);
        return $"{feature.IsReadOnly} {error?.GetType().Name}";
    }

    private static async Task<string> ReadPartlyAsync(HttpContext context)
    {
        var some = new byte[1000];
        await context.Request.Body.ReadExactlyAsync(some);
        return StaticHash(some);
    }

    private sealed record Order(string Name, int Quantity, decimal? Price, string[]? Tags);

    private sealed record SizeLimit(long? MaxRequestBodySize) : IRequestSizeLimitMetadata;
}
