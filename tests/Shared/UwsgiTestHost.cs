using System.Diagnostics.Metrics;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Uwsgi.AspNetCore.Testing;

/// <summary>
/// A whole server without sockets: one application on one endpoint that speaks a gateway protocol over <see cref="InMemoryTransport"/>.
/// Disposing it fails on leaked blocks and on logged errors, unless <see cref="ExpectErrors"/> says that errors are the point.
/// </summary>
public sealed class UwsgiTestHost : IAsyncDisposable
{
    private UwsgiTestHost(WebApplication app, InMemoryTransport transport, LogSink logs, MetricCollector metrics, LeakCheckingMemoryPool pool)
    {
        App = app;
        Transport = transport;
        Logs = logs;
        Metrics = metrics;
        Pool = pool;
    }

    public WebApplication App { get; }

    public InMemoryTransport Transport { get; }

    public LogSink Logs { get; }

    /// <summary>Gets what the library's meters have recorded.</summary>
    public MetricCollector Metrics { get; }

    /// <summary>Gets the pool under every connection.</summary>
    public LeakCheckingMemoryPool Pool { get; }

    /// <summary>Gets or sets a value indicating whether errors in the log are expected.</summary>
    public bool ExpectErrors { get; set; }

    public static async Task<UwsgiTestHost> StartAsync(
        RequestDelegate application,
        Action<UwsgiOptions>? options = null,
        Action<WebApplicationBuilder>? configure = null,
        int blockSize = 4096,
        GatewayProtocol protocol = GatewayProtocol.Uwsgi)
    {
        var transport = new InMemoryTransport();
        var logs = new LogSink();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders().SetMinimumLevel(LogLevel.Trace).AddProvider(logs);
        builder.Services.AddSingleton<IConnectionListenerFactory>(transport);
        builder.WebHost.UseUwsgi(options ?? (static _ => { }));
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, endpoint => _ = protocol switch
        {
            GatewayProtocol.FastCgi => endpoint.UseFastCgi(),
            GatewayProtocol.Scgi => endpoint.UseScgi(),
            _ => endpoint.UseUwsgi(),
        }));
        configure?.Invoke(builder);

        var app = builder.Build();
        app.Run(application);
        var metrics = new MetricCollector("Uwsgi.AspNetCore*", app.Services.GetRequiredService<IMeterFactory>());
        await app.StartAsync().WithTimeoutAsync();
        return new UwsgiTestHost(app, transport, logs, metrics, new LeakCheckingMemoryPool(blockSize));
    }

    /// <summary>Opens a connection, as a web server on this machine does.</summary>
    public Task<InMemoryConnection> ConnectAsync() => Transport.ConnectAsync(options: new InMemoryConnectionOptions { MemoryPool = Pool });

    /// <summary>Sends a packet with its body and reads the whole answer.</summary>
    public async Task<RawResponse> SendAsync(UwsgiPacket packet)
    {
        var connection = await ConnectAsync();
        var sending = connection.Client.SendAsync(packet.ToArray());
        var response = await connection.Client.ReadResponseAsync();
        await sending;
        await connection.Disposed.WithTimeoutAsync();
        return response;
    }

    public async ValueTask DisposeAsync()
    {
        await App.StopAsync().WithTimeoutAsync();
        await App.DisposeAsync();
        Metrics.Dispose();
        await Pool.AssertAllReturnedAsync();
        if (!ExpectErrors)
            Logs.AssertNoErrors();
    }
}
