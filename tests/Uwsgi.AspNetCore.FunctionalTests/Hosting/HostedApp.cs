using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.FunctionalTests.Hosting;

/// <summary>Builds hosts the way applications do, so that tests can vary how.</summary>
internal static class HostedApp
{
    /// <summary>A builder with the framework's defaults, which logs to the sink alone.</summary>
    public static WebApplicationBuilder CreateBuilder(LogSink? logs = null, params string[] args)
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { Args = args, ContentRootPath = AppContext.BaseDirectory });
        builder.Logging.ClearProviders().SetMinimumLevel(LogLevel.Trace);
        if (logs is not null)
            builder.Logging.AddProvider(logs);
        return builder;
    }

    /// <summary>Builds and starts an app that answers every request with its path.</summary>
    public static async Task<WebApplication> StartAsync(WebApplicationBuilder builder)
    {
        var app = builder.Build();
        app.Run(context => context.Response.WriteAsync(context.Request.Path));
        try
        {
            await app.StartAsync().WithTimeoutAsync();
        }
        catch
        {
            await app.DisposeAsync();
            throw;
        }

        return app;
    }

    /// <summary>Asks over uwsgi, and fails unless the app has answered.</summary>
    public static async Task AssertAnswersAsync(string address)
    {
        var response = await UwsgiClient.RequestAsync(address, UwsgiPacket.Nginx(target: "/hello"));
        Assert.Equal("/hello", response.Text);
    }

    /// <summary>Asks over HTTP, and fails unless the app has answered.</summary>
    public static async Task AssertAnswersHttpAsync(string address)
    {
        using var client = CreateHttpClient();
        Assert.Equal("/hello", await client.GetStringAsync(new Uri(new Uri(address), "/hello")).WithTimeoutAsync());
    }

    /// <summary>A client that takes any certificate.</summary>
    public static HttpClient CreateHttpClient()
    {
#pragma warning disable MA0039 // Any certificate will do here.
        return new HttpClient(new HttpClientHandler
        {
            UseProxy = false,
            ServerCertificateCustomValidationCallback = HttpClientHandler.DangerousAcceptAnyServerCertificateValidator,
        });
#pragma warning restore MA0039
    }

    /// <summary>Fails unless nobody listens there.</summary>
    public static async Task AssertRefusesAsync(string address)
    {
        var refused = await Assert.ThrowsAsync<SocketException>(() => UwsgiClient.ConnectAsync(address));
        Assert.Contains(refused.SocketErrorCode, new[] { SocketError.ConnectionRefused, SocketError.AddressNotAvailable });
    }

    /// <summary>A port that was free a moment ago.</summary>
    public static int FreePort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }
}
