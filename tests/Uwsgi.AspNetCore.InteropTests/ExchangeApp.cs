using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Uwsgi.AspNetCore.InteropTests.Http;

namespace Uwsgi.AspNetCore.InteropTests;

/// <summary>
/// An app that answers with the hash of what it got and with bytes a client can check, and knows how many requests shared each of its
/// FastCGI connections at a time.
/// </summary>
internal sealed class ExchangeApp : IAsyncDisposable
{
    private const string HashHeader = "X-Received";
    private const string Scheme = "fastcgi://";

    private readonly ConcurrentDictionary<string, int> _current = new();
    private readonly ConcurrentDictionary<string, int> _most = new();
    private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly SemaphoreSlim _signs = new(0);
    private WebApplication? _app;

    /// <summary>Gets where the app listens.</summary>
    public IPEndPoint EndPoint => IPEndPoint.Parse(_app!.Urls.Single()[Scheme.Length..]);

    /// <summary>Gets the largest number of requests that were on each connection at a time.</summary>
    public IReadOnlyDictionary<string, int> MostAtOnce => _most;

    /// <summary>Gets the number of requests that are in the app.</summary>
    public int Inside => _current.Values.Sum();

    /// <summary>Starts the app.</summary>
    /// <param name="configure">Changes the options.</param>
    public static async Task<ExchangeApp> StartAsync(Action<UwsgiOptions>? configure = null)
    {
        var exchange = new ExchangeApp();
        exchange._app = await TestApp.StartAsync(
            uwsgi =>
            {
                uwsgi.FastCgiSockets.Add("127.0.0.1:0");
                configure?.Invoke(uwsgi);
            },
            exchange.Map);
        return exchange;
    }

    /// <summary>Makes a request whose body and answer have the given lengths.</summary>
    public static RawRequest Request(string path, int seed, int upload, int download) =>
        new RawRequest("POST", $"{path}?seed={seed}&download={download}").WithBody(Bytes(seed, upload), "application/octet-stream");

    /// <summary>Checks that both bodies of an exchange arrived as they were sent.</summary>
    public static void AssertIntact(RawResponse response, int seed, int upload, int download)
    {
        Assert.Equal(200, response.Status);
        Assert.True(response.IsComplete, $"The answer {seed} ends after {response.Body.Length} of {download} bytes.");
        Assert.Equal(Hash(Bytes(seed, upload)), response[HashHeader]);
        Assert.Equal(Hash(Bytes(~seed, download)), Hash(response.Body));
    }

    public static byte[] Bytes(int seed, int count)
    {
        var bytes = new byte[count];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    /// <summary>
    /// Waits for one more sign of the app: the first bytes of a body at <c>/part</c> and <c>/crowd</c>, a request at <c>/deaf</c>, and the
    /// end of a body that was broken off.
    /// </summary>
    public Task SignAsync() => _signs.WaitAsync().OrTimeout();

    /// <summary>Lets go everyone who waits.</summary>
    public void Release() => _released.TrySetResult();

    public async ValueTask DisposeAsync()
    {
        Release();
        await _app!.DisposeAsync();
    }

    private static string Hash(byte[] bytes) => Convert.ToHexString(SHA256.HashData(bytes));

    private void Map(WebApplication app)
    {
        app.Use(CountAsync);
        app.MapPost("/exchange", ExchangeAsync);
        app.MapPost("/part", (HttpContext context, int seed, int download) => ExchangeInPartsAsync(context, seed, download, Task.CompletedTask));
        app.MapPost("/crowd", (HttpContext context, int seed, int download) => ExchangeInPartsAsync(context, seed, download, _released.Task));
        app.MapPost("/deaf", IgnoreAsync);
    }

    private async Task CountAsync(HttpContext context, RequestDelegate next)
    {
        var id = context.Connection.Id;
        var now = _current.AddOrUpdate(id, 1, static (_, count) => count + 1);
        _most.AddOrUpdate(id, now, (_, most) => Math.Max(most, now));
        try
        {
            await next(context);
        }
        finally
        {
            _current.AddOrUpdate(id, 0, static (_, count) => count - 1);
        }
    }

    private async Task ExchangeInPartsAsync(HttpContext context, int seed, int download, Task released)
    {
        var first = await context.Request.BodyReader.ReadAsync(context.RequestAborted);
        context.Request.BodyReader.AdvanceTo(first.Buffer.Start);
        _signs.Release();
        await released;
        try
        {
            await ExchangeAsync(context, seed, download);
        }
        catch (Exception gone) when (gone is IOException or OperationCanceledException)
        {
            _signs.Release();
        }
    }

    private async Task IgnoreAsync(HttpContext context)
    {
        _signs.Release();
        await _released.Task.WaitAsync(context.RequestAborted);
    }

    private static async Task ExchangeAsync(HttpContext context, int seed, int download)
    {
        context.Response.Headers[HashHeader] = Convert.ToHexString(await SHA256.HashDataAsync(context.Request.Body, context.RequestAborted));
        await context.Response.Body.WriteAsync(Bytes(~seed, download), context.RequestAborted);
    }
}
