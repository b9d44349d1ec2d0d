using System.Buffers;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

namespace Uwsgi.AspNetCore.Benchmarks;

/// <summary>One request and the part of the app that answers it.</summary>
/// <param name="Name">What <c>--scenario</c> calls it.</param>
/// <param name="Summary">What the report calls it.</param>
/// <param name="Map">Adds it to an app that has nothing else in its pipeline.</param>
/// <param name="Path">The request's path.</param>
internal sealed partial record Scenario(string Name, string Summary, Action<WebApplication> Map, string Path)
{
    public const string HelloName = "hello";

    private const int Mebibyte = 1024 * 1024;
    private const string FileName = "file.bin";

    private static readonly byte[] HelloBody = "Hello, World!"u8.ToArray();
    private static readonly byte[] DownloadBody = new byte[Mebibyte];

    /// <summary>What a browser's XMLHttpRequest sends; the JSON endpoint reads each of them, and Host.</summary>
    private static readonly Dictionary<string, string> BrowserHeaders = new(StringComparer.OrdinalIgnoreCase)
    {
        [HeaderNames.UserAgent] = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
        [HeaderNames.Accept] = "application/json, text/plain, */*",
        [HeaderNames.AcceptLanguage] = "en-GB,en;q=0.7,de;q=0.3",
        [HeaderNames.AcceptEncoding] = "gzip, deflate, br, zstd",
        [HeaderNames.Referer] = "https://shop.example.com/orders",
        [HeaderNames.Cookie] = "session=6f1c2a9e4b7d4c0f9a35; theme=dark; basket=3",
        [HeaderNames.CacheControl] = "no-cache",
        [HeaderNames.IfNoneMatch] = "\"7c5e1f\"",
        [HeaderNames.TraceParent] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00",
        ["Sec-Fetch-Mode"] = "cors",
        ["X-Requested-With"] = "XMLHttpRequest",
    };

    public static IReadOnlyList<Scenario> All { get; } =
    [
        new(HelloName, "\"Hello, World!\" from a RequestDelegate", app => app.Run(Hello), "/"),
        new("json", "routed endpoint, 12 request headers read, 2 KiB of JSON", app => app.MapGet("/orders/{id:int}", Order), "/orders/4711")
        {
            Headers = BrowserHeaders,
        },
        new("download", "1 MiB response", app => app.Run(Download), "/"),
        new("upload", "1 MiB request body", app => app.Run(Upload), "/") { Method = "POST", BodySize = Mebibyte },
        File("file-4k", "4 KiB", 4 * 1024),
        File("file-1m", "1 MiB", Mebibyte),
        File("file-1g", "1 GiB", 1024 * Mebibyte),
        new("blocking", "requests that block their threads", Blocking.BlockingEndpoints.Map, "/"),
    ];

    public string Method { get; private init; } = "GET";

    public int BodySize { get; private init; }

    /// <summary>The size of the file that is asked for, or zero.</summary>
    public long FileSize { get; private init; }

    /// <summary>Whether a response is so long that parts of it count.</summary>
    public bool CountsBytes => FileSize > Mebibyte;

    public IReadOnlyDictionary<string, string> Headers { get; private init; } =
        new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);

    public static Scenario Find(string name) => All.FirstOrDefault(scenario => scenario.Name == name)
        ?? throw new CommandException($"no scenario '{name}'; there are {string.Join(", ", All.Select(scenario => scenario.Name))}");

    /// <summary>Creates the file that is asked for, a hole that takes no place on a disk.</summary>
    public void CreateFile(string webRoot)
    {
        Directory.CreateDirectory(webRoot);
        if (FileSize > 0)
        {
            using var file = System.IO.File.Create(System.IO.Path.Combine(webRoot, FileName));
            file.SetLength(FileSize);
        }
    }

    private static Scenario File(string name, string size, long bytes) =>
        new(name, $"file of {size} from UseStaticFiles", app => app.UseStaticFiles(), "/" + FileName) { FileSize = bytes };

    private static Task Hello(HttpContext context)
    {
        context.Response.ContentType = "text/plain";
        context.Response.ContentLength = HelloBody.Length;
        return context.Response.Body.WriteAsync(HelloBody, 0, HelloBody.Length);
    }

    private static Task Order(HttpContext context)
    {
        var read = context.Request.Headers.Host.ToString().Length;
        foreach (var name in BrowserHeaders.Keys)
        {
            read += context.Request.Headers[name].ToString().Length;
        }

        var id = (string)context.Request.RouteValues["id"]!;
        var items = Enumerable.Range(1, 16)
            .Select(static line => new OrderItem(line, "Hand-thrown stoneware coffee mug, 0.3 l, slate blue", 2, 18.50m, InStock: true));
        var order = new OrderDocument(id, "2026-01-31T12:00:00Z", read, [.. items]);
        return context.Response.WriteAsJsonAsync(order, SourceGenerated.Default.OrderDocument);
    }

    private static Task Download(HttpContext context)
    {
        context.Response.ContentType = "application/octet-stream";
        context.Response.ContentLength = DownloadBody.Length;
        return context.Response.Body.WriteAsync(DownloadBody, 0, DownloadBody.Length);
    }

    private static async Task Upload(HttpContext context)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(64 * 1024);
        var total = 0L;
        int read;
        while ((read = await context.Request.Body.ReadAsync(buffer)) > 0)
        {
            total += read;
        }

        ArrayPool<byte>.Shared.Return(buffer);

        await context.Response.WriteAsync(total.ToString());
    }

    private sealed record OrderDocument(string Id, string Placed, int HeaderCharacters, OrderItem[] Items);

    private sealed record OrderItem(int Line, string Article, int Quantity, decimal Price, bool InStock);

    [JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
    [JsonSerializable(typeof(OrderDocument))]
    private sealed partial class SourceGenerated : JsonSerializerContext;
}
