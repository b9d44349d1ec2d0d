using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Uwsgi.AspNetCore.InteropTests.Processes;

namespace Uwsgi.AspNetCore.InteropTests.Parity.App;

/// <summary>The one app behind every door: one pipeline and one set of services, whatever a request came through.</summary>
internal sealed class ParityApp : IAsyncDisposable
{
    private readonly TemporaryDirectory _files;
    private readonly MeasurementListener _measurements;
    private readonly WebApplication _app;

    private ParityApp(WebApplication app, ObservationLog observations, TemporaryDirectory files)
    {
        _app = app;
        _files = files;
        Observations = observations;
        _measurements = new MeasurementListener(observations);
    }

    /// <summary>Gets what the app sees.</summary>
    public ObservationLog Observations { get; }

    /// <summary>Gets the address of Kestrel's own HTTP endpoint, such as <c>127.0.0.1:5000</c>.</summary>
    public string HttpAddress => _app.Urls.Single(url => url.StartsWith("http://", StringComparison.Ordinal))["http://".Length..];

    /// <summary>Gets where the one endpoint that speaks a gateway protocol listens.</summary>
    public EndPoint GatewayEndPoint
    {
        get
        {
            var url = _app.Urls.Single(url => !url.StartsWith("http://", StringComparison.Ordinal));
            var address = url[(url.IndexOf("://", StringComparison.Ordinal) + 3)..];
            return address.StartsWith("unix:", StringComparison.Ordinal) ? new UnixDomainSocketEndPoint(address[5..]) : IPEndPoint.Parse(address);
        }
    }

    /// <summary>Starts the app on a free port for HTTP and on what <paramref name="configure"/> adds.</summary>
    public static async Task<ParityApp> StartAsync(Action<IWebHostBuilder> configure)
    {
        var files = new TemporaryDirectory();
        StaticContent.WriteTo(files);
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions
        {
            EnvironmentName = "Production",
            ContentRootPath = files.Path,
            WebRootPath = files.Path,
        });
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Listen(IPAddress.Loopback, 0);
            kestrel.Limits.MaxRequestLineSize = 64 * 1024;
        });
        configure(builder.WebHost);

        var observations = new ObservationLog();
        builder.Services.AddSingleton(observations);
        builder.Services.AddParityServices();
        var app = builder.Build();
        app.UseParityPipeline();
        var parity = new ParityApp(app, observations, files);
        await app.StartAsync();
        return parity;
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _measurements.Dispose();
        _files.Dispose();
    }
}
