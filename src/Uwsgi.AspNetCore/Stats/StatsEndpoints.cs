using System.Buffers;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;
using Uwsgi.AspNetCore.Workers;

namespace Uwsgi.AspNetCore.Stats;

/// <summary>The statistics over HTTP: the page, what it asks for, and uWSGI's document.</summary>
internal static class StatsEndpoints
{
    private const string Html = "text/html";
    private const string Json = "application/json";

    private static readonly string[] Methods = [HttpMethods.Get, HttpMethods.Head];

    public static IEndpointConventionBuilder Map(IEndpointRouteBuilder endpoints, string pattern)
    {
        var group = endpoints.MapGroup(pattern);
        Add(string.Empty, "uWSGI statistics, page", SendPreferredAsync);
        Add("/stats.json", "uWSGI statistics", SendDocumentAsync);
        Add("/live.json", "uWSGI statistics, page's data", SendLiveAsync);
        return group;

        void Add(string path, string name, RequestDelegate answer)
        {
            RequestDelegate noted = context =>
            {
                context.RequestServices.GetRequiredService<OwnRequests>().Note(context);
                return answer(context);
            };
            group.MapMethods(path, Methods, noted).WithDisplayName(name).WithMetadata(WatchedEndpoint.Instance);
        }
    }

    private static Task SendPreferredAsync(HttpContext context)
    {
        context.Response.Headers.Vary = HeaderNames.Accept;
        return PrefersJson(context.Request) ? SendDocumentAsync(context) : SendPageAsync(context);
    }

    private static Task SendPageAsync(HttpContext context)
    {
        context.Response.Headers.ContentSecurityPolicy = StatsPage.Policy;
        return SendAsync(context, "text/html; charset=utf-8", StatsPage.Bytes);
    }

    private static Task SendDocumentAsync(HttpContext context) => SendAsync(
        context, Json, Write(output => context.RequestServices.GetRequiredService<StatsDocument>().Write(output, minified: false)));

    private static Task SendLiveAsync(HttpContext context) => SendAsync(
        context, Json, Write(output => context.RequestServices.GetRequiredService<LiveDocument>().Write(output, Core.Of(context))));

    private static ReadOnlyMemory<byte> Write(Action<IBufferWriter<byte>> write)
    {
        var output = new ArrayBufferWriter<byte>(4096);
        write(output);
        return output.WrittenMemory;
    }

    private static Task SendAsync(HttpContext context, string contentType, ReadOnlyMemory<byte> body)
    {
        var response = context.Response;
        response.ContentType = contentType;
        response.ContentLength = body.Length;
        response.Headers.CacheControl = "no-store";
        response.Headers.XContentTypeOptions = "nosniff";
        response.Headers["Referrer-Policy"] = "no-referrer";
        return HttpMethods.IsHead(context.Request.Method) ? Task.CompletedTask : response.Body.WriteAsync(body, context.RequestAborted).AsTask();
    }

    // Only who asks for JSON by name, and not for HTML as much, gets it in the page's place.
    private static bool PrefersJson(HttpRequest request)
    {
        if (StringValues.IsNullOrEmpty(request.Headers.Accept) || !MediaTypeHeaderValue.TryParseList(request.Headers.Accept, out var types))
        {
            return false;
        }

        var json = QualityOf(types, Json);
        return json > 0 && json > QualityOf(types, Html);
    }

    private static double QualityOf(IEnumerable<MediaTypeHeaderValue> types, string type) => types
        .Where(candidate => candidate.MediaType.Equals(type, StringComparison.OrdinalIgnoreCase))
        .Select(static candidate => candidate.Quality ?? 1)
        .DefaultIfEmpty(0)
        .Max();

    private sealed class WatchedEndpoint : IWatchesRequests
    {
        public static readonly WatchedEndpoint Instance = new();
    }
}
