using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Uwsgi.AspNetCore.Benchmarks.InMemory;

/// <summary>
/// The hello app on one in-memory endpoint, and a client that asks it one request after the other. The client allocates
/// nothing once it is warm, so whatever a request allocates belongs to the server.
/// </summary>
internal sealed class InMemoryServer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly InMemoryTransport _transport;
    private readonly InMemoryConnection _connection = new();
    private readonly ConnectionDelegate _connectionDelegate;
    private readonly byte[] _request;
    private bool _connected;
    private int _warmUps = 100;

    private InMemoryServer(WebApplication app, InMemoryTransport transport, ConnectionDelegate connectionDelegate, byte[] request)
    {
        _app = app;
        _transport = transport;
        _connectionDelegate = connectionDelegate;
        _request = request;
    }

    /// <summary>Starts it with Kestrel's HTTP.</summary>
    public static Task<InMemoryServer> StartHttpAsync(byte[] request) => StartAsync(request);

    /// <summary>Starts it with uwsgi.</summary>
    public static Task<InMemoryServer> StartUwsgiAsync(byte[] request) =>
        StartAsync(request, listen => listen.UseUwsgi(), builder => builder.WebHost.UseUwsgi());

    /// <summary>Starts it with FastCGI.</summary>
    public static Task<InMemoryServer> StartFastCgiAsync(byte[] request, Action<WebApplicationBuilder>? configure = null) =>
        StartAsync(request, listen => listen.UseFastCgi(), builder =>
        {
            builder.WebHost.UseUwsgi();
            configure?.Invoke(builder);
        });

    /// <summary>Starts it with SCGI.</summary>
    public static Task<InMemoryServer> StartScgiAsync(byte[] request) =>
        StartAsync(request, listen => listen.UseScgi(), builder => builder.WebHost.UseUwsgi());

    /// <summary>Starts it with <see cref="FixedAnswer"/>, for what the connection alone costs.</summary>
    public static Task<InMemoryServer> StartFixedAnswerAsync() =>
        StartAsync(Requests.HttpClose, listen => listen.Use(FixedAnswer.Create));

    /// <summary>A request on a connection that stays, as HTTP keep-alive has it.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public async ValueTask RequestOnKeptConnectionAsync()
    {
        if (!_connected)
        {
            _connected = true;
            _transport.Connect(_connection);
        }

        await SendAsync();
        await ReceiveAsync();
        if (_warmUps > 0)
        {
            // This runs inside the server's flush, so the next request would come before the server is through with this one, which
            // no client across a socket is fast enough for.
            _warmUps--;
            await Task.Yield();
        }
    }

    /// <summary>A request on a connection that the server accepts, serves and closes.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public async ValueTask RequestOnNewConnectionAsync()
    {
        _transport.Connect(_connection);
        await SendAsync();
        await ReceiveAsync();
        await _connection.WaitForDisposeAsync();
        _connection.Reset();
    }

    /// <summary>The same without Kestrel's accept loop and its objects per connection: the door alone.</summary>
    /// <param name="sendFirst">Whether the request is there when the door first reads, so that it need not wait.</param>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public async ValueTask RequestToDoorAsync(bool sendFirst)
    {
        if (sendFirst)
        {
            await SendAsync();
        }

        var serving = _connectionDelegate(_connection);
        if (!sendFirst)
        {
            await SendAsync();
        }

        await serving;

        await ReceiveAsync();
        await _connection.DisposeAsync();
        _connection.Reset();
    }

    public async ValueTask DisposeAsync()
    {
        if (_connected)
        {
            await _connection.Request.CompleteAsync();
        }

        await _app.DisposeAsync();
    }

    /// <param name="request">The bytes of the one request.</param>
    /// <param name="door">What serves the endpoint; nothing makes it Kestrel's HTTP.</param>
    /// <param name="configure">What the door needs of the app.</param>
    private static async Task<InMemoryServer> StartAsync(
        byte[] request, Action<ListenOptions>? door = null, Action<WebApplicationBuilder>? configure = null)
    {
        var builder = WebApplication.CreateBuilder();
        builder.Logging.ClearProviders();
        configure?.Invoke(builder);

        var transport = new InMemoryTransport();
        builder.Services.AddSingleton<IConnectionListenerFactory>(transport);
        ConnectionDelegate? built = null;
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(new InMemoryEndPoint(), listen =>
        {
            listen.Protocols = HttpProtocols.Http1;
            // First in line, so what follows is the whole door.
            listen.Use(next => built = next);
            door?.Invoke(listen);
        }));

        var app = builder.Build();
        Scenario.Find("hello").Map(app);
        await app.StartAsync();
        return new InMemoryServer(app, transport, built!, request);
    }

    private ValueTask<FlushResult> SendAsync() => _connection.Request.WriteAsync(_request);

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask ReceiveAsync()
    {
        while (true)
        {
            var result = await _connection.Response.ReadAsync();
            var complete = IsWholeResponse(result.Buffer);
            if (!complete && result.IsCompleted)
            {
                throw new InvalidOperationException($"The server closed the connection after {result.Buffer.Length} bytes.");
            }

            _connection.Response.AdvanceTo(complete ? result.Buffer.End : result.Buffer.Start, result.Buffer.End);
            if (complete)
            {
                return;
            }
        }
    }

    private static bool IsWholeResponse(in ReadOnlySequence<byte> buffer)
    {
        var bytes = buffer.FirstSpan;
        if (buffer.IsEmpty)
        {
            return false;
        }

        if (!buffer.IsSingleSegment)
        {
            throw new InvalidOperationException("The hello response fits in one segment.");
        }

        // A FastCGI response ends with an END_REQUEST record of 16 bytes.
        return bytes[0] == 1
            ? bytes.Length > 16 && bytes[^16..].StartsWith([(byte)1, (byte)3])
            : bytes.EndsWith("Hello, World!"u8) && bytes.IndexOf(" 200 OK\r\n"u8) > 0;
    }
}
