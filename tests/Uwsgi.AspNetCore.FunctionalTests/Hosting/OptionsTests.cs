using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Uwsgi.AspNetCore.FunctionalTests.Hosting;

[Trait("Item", "140")]
public class OptionsTests
{
    [Fact]
    public void Every_setting_of_the_section_is_read()
    {
        var options = Read("""
            {
              "Uwsgi": {
                "Sockets": [ "127.0.0.1:3031", "/run/app.sock" ],
                "FastCgiSockets": [ "127.0.0.1:9000" ],
                "ScgiSockets": [ "127.0.0.1:4000" ],
                "AutoSockets": [ "127.0.0.1:5000" ],
                "SocketMode": "660",
                "SocketOwner": "app",
                "SocketGroup": "www-data",
                "Backlog": 1024,
                "Transport": "sockets",
                "Vacuum": false,
                "AllowFrom": [ "10.0.0.0/8", "fd00::5" ],
                "BufferSize": 4096,
                "ScriptName": "trust",
                "PathBase": "/app1",
                "PreserveEncodedSlashes": true,
                "Modifiers": [ 0, 5 ],
                "AllowUpgrade": false,
                "AllowFastCgiUpgrade": true,
                "MultiplexFastCgi": false,
                "AllowSynchronousIO": true,
                "AddServerHeader": true,
                "AddDateHeader": true,
                "AbortOnHalfClose": false,
                "ForwardClientCertificate": true,
                "ForwardRemoteUser": true,
                "SendAccelBuffering": false,
                "PoolRequests": false,
                "Mounts": { "/app1": "shop" },
                "ManageScriptName": false,
                "NoDefaultApp": true,
                "DynamicApps": true,
                "CheckStatic": [ "www" ],
                "StaticMap": { "/assets": "assets" },
                "StaticIndex": [ "index.html" ],
                "StaticSkipExt": [ ".lua" ],
                "StaticSafe": [ "/srv/safe" ],
                "StaticExpires": [ "css$ 60" ],
                "StaticExpiresType": { "text/css": 60 },
                "MimeTypes": { ".lua": "text/x-lua" },
                "MimeFile": "/etc/mime.types",
                "StaticGzip": true,
                "FileServeMode": "x-sendfile",
                "FileServeMap": { "/srv": "/protected" },
                "Harakiri": 30,
                "HarakiriGrace": 1,
                "HarakiriMaxStuck": 2,
                "HarakiriAction": "Stop",
                "MaxRequests": 1000,
                "MaxWorkerLifetime": 3600,
                "ReloadOnRss": 512,
                "Stats": [ "127.0.0.1:9191" ],
                "StatsHttp": true,
                "StatsMinified": true,
                "LogFormat": "%(uri)",
                "DisableLogging": true,
                "LogSlow": 100,
                "Log4xx": true,
                "Log5xx": true,
                "LogXForwardedFor": true,
                "Limits": {
                  "MaxRequestBodySize": 1,
                  "RequestHeadersTimeout": "00:00:10",
                  "RequestBodyTimeout": 20,
                  "MinRequestBodyDataRate": { "BytesPerSecond": 240, "GracePeriod": 5 },
                  "MinResponseDataRate": { "BytesPerSecond": 100.5, "GracePeriod": "00:00:07" },
                  "MaxDrainBytes": 2,
                  "DrainTimeout": 1.5,
                  "MaxConcurrentConnections": 3,
                  "MaxConcurrentUpgradedConnections": 4,
                  "MaxRequestHeaderCount": 5,
                  "KeepAliveTimeout": 6,
                  "MaxRequestsPerConnection": 7,
                  "MaxHalfOpenRequests": 8,
                  "StalledBodyTimeout": 9
                }
              }
            }
            """);

        // Nothing above repeats a default, so a setting that still has its own was forgotten.
        Assert.Empty(Unchanged(options, new UwsgiOptions()));
        Assert.Empty(Unchanged(options.Limits, new UwsgiLimits()));
        Assert.Equal(["127.0.0.1:3031", "/run/app.sock"], options.Sockets);
        Assert.Equal(("660", "app", "www-data"), (options.SocketMode, options.SocketOwner, options.SocketGroup));
        Assert.Equal((1024, UwsgiTransport.Sockets, false, 4096), (options.Backlog, options.Transport, options.Vacuum, options.BufferSize));
        Assert.Equal(["127.0.0.1:9000"], options.FastCgiSockets);
        Assert.Equal(["127.0.0.1:4000"], options.ScgiSockets);
        Assert.Equal(["127.0.0.1:5000"], options.AutoSockets);
        Assert.Equal(["10.0.0.0/8", "fd00::5"], options.AllowFrom);
        Assert.Equal((ScriptNameMode.Trust, "/app1", true), (options.ScriptName, options.PathBase, options.PreserveEncodedSlashes));
        Assert.Equal([0, 5], options.Modifiers);
        Assert.Equal((false, true, true, true), (options.AllowUpgrade, options.AllowSynchronousIO, options.AddServerHeader, options.AddDateHeader));
        Assert.Equal((false, true, true), (options.AbortOnHalfClose, options.ForwardClientCertificate, options.ForwardRemoteUser));
        Assert.Equal((false, false), (options.SendAccelBuffering, options.PoolRequests));

        var limits = options.Limits;
        Assert.Equal(1, limits.MaxRequestBodySize);
        Assert.Equal(TimeSpan.FromSeconds(10), limits.RequestHeadersTimeout);
        Assert.Equal(TimeSpan.FromSeconds(20), limits.RequestBodyTimeout);
        Assert.Equal((240, TimeSpan.FromSeconds(5)), (limits.MinRequestBodyDataRate!.BytesPerSecond, limits.MinRequestBodyDataRate.GracePeriod));
        Assert.Equal((100.5, TimeSpan.FromSeconds(7)), (limits.MinResponseDataRate!.BytesPerSecond, limits.MinResponseDataRate.GracePeriod));
        Assert.Equal((2L, TimeSpan.FromSeconds(1.5)), (limits.MaxDrainBytes, limits.DrainTimeout));
        Assert.Equal(
            (TimeSpan.FromSeconds(6), 7, 8, TimeSpan.FromSeconds(9)),
            (limits.KeepAliveTimeout, limits.MaxRequestsPerConnection, limits.MaxHalfOpenRequests, limits.StalledBodyTimeout));
        Assert.Equal((3L, 4L, 5), (limits.MaxConcurrentConnections, limits.MaxConcurrentUpgradedConnections, limits.MaxRequestHeaderCount));
    }

    [Fact]
    public void A_list_may_be_one_string()
    {
        var options = Read("""
            { "Uwsgi": { "Sockets": "127.0.0.1:3031; /run/app.sock,@app", "AutoSockets": ":80;/a.sock", "AllowFrom": "10.0.0.1", "Modifiers": "0;7" } }
            """);

        Assert.Equal(["127.0.0.1:3031", "/run/app.sock", "@app"], options.Sockets);
        Assert.Equal([":80", "/a.sock"], options.AutoSockets);
        Assert.Equal(["10.0.0.1"], options.AllowFrom);
        Assert.Equal([0, 7], options.Modifiers);
    }

    [Fact]
    public void An_empty_limit_is_no_limit()
    {
        var options = Read("""
            { "Uwsgi": { "Limits": { "MaxRequestBodySize": "", "MaxDrainBytes": "", "MaxConcurrentConnections": "" } } }
            """);

        Assert.Null(options.Limits.MaxRequestBodySize);
        Assert.Null(options.Limits.MaxDrainBytes);
        Assert.Null(options.Limits.MaxConcurrentConnections);
    }

    [Fact]
    public void Without_a_section_the_documented_defaults_hold()
    {
        var options = Read("{}");

        Assert.Empty(options.Sockets);
        Assert.Empty(options.AutoSockets);
        Assert.Empty(options.AllowFrom);
        Assert.Empty(options.Modifiers);
        Assert.Equal((512, UwsgiTransport.EventLoop, true, 65_535), (options.Backlog, options.Transport, options.Vacuum, options.BufferSize));
        Assert.Equal((true, true, true, true), (options.AllowUpgrade, options.AbortOnHalfClose, options.SendAccelBuffering, options.PoolRequests));
        Assert.Equal((false, false, false), (options.AllowSynchronousIO, options.AddServerHeader, options.AddDateHeader));
        Assert.Equal((false, false, false), (options.ForwardClientCertificate, options.ForwardRemoteUser, options.PreserveEncodedSlashes));
        Assert.Equal(30_000_000, options.Limits.MaxRequestBodySize);
        Assert.Equal(64 * 1024 * 1024, options.Limits.MaxDrainBytes);
        Assert.Equal(
            (TimeSpan.FromSeconds(30), TimeSpan.FromSeconds(60), TimeSpan.FromSeconds(5)),
            (options.Limits.RequestHeadersTimeout, options.Limits.RequestBodyTimeout, options.Limits.DrainTimeout));
        Assert.Equal(100, options.Limits.MaxRequestHeaderCount);
    }

    [Fact]
    public async Task Every_mistake_is_reported_at_once_with_its_key_and_value()
    {
        var builder = Configure("""
            {
              "Uwsgi": {
                "Sockets": [ "nowhere", "fd://x", "127.0.0.1:99999", "127.0.0.1:3031", "127.0.0.1:3031" ],
                "SocketMode": "999",
                "Backlog": "many",
                "Transport": "Pigeons",
                "Vacuum": "perhaps",
                "AllowFrom": "10.0.0.0/99",
                "BufferSize": 100,
                "ScriptName": "Sometimes",
                "PathBase": "app/",
                "Modifiers": "100;x",
                "Harakri": 30,
                "LogSlow": -5,
                "LogFormat": "%(uri",
                "Limits": {
                  "MaxRequestBodySize": -1,
                  "RequestHeadersTimeout": "soon",
                  "RequestBodyTimeout": 0,
                  "MinRequestBodyDataRate": { "BytesPerSecond": 0 },
                  "MaxDrainBytes": -2,
                  "DrainTimeout": -3,
                  "MaxConcurrentConnections": 0,
                  "MaxConcurrentUpgradedConnections": -4,
                  "MaxRequestHeaderCount": 0
                }
              }
            }
            """);

        var failure = await Assert.ThrowsAsync<OptionsValidationException>(() => HostedApp.StartAsync(builder));

        string[] expected =
        [
            "Uwsgi:Backlog: 'many'",
            "Uwsgi:Transport: 'Pigeons'",
            "Uwsgi:Vacuum: 'perhaps'",
            "Uwsgi:ScriptName: 'Sometimes'",
            "Uwsgi:Modifiers: 'x'",
            "Uwsgi:Limits:RequestHeadersTimeout: 'soon'",
            "Uwsgi:Limits:MinRequestBodyDataRate: 'BytesPerSecond=0' is no rate",
            "Uwsgi:Harakri: there is no such option; did you mean Uwsgi:Harakiri?",
            "Uwsgi:LogSlow: '-5' must be zero or more",
            "Uwsgi:LogFormat: '%(uri' has no closing parenthesis",
            "Uwsgi:Sockets: 'nowhere'",
            "Uwsgi:Sockets: 'fd://x'",
            "Uwsgi:Sockets: '127.0.0.1:99999'",
            "Uwsgi:Sockets: '127.0.0.1:3031' is listed twice",
            "Uwsgi:AllowFrom: '10.0.0.0/99'",
            "Uwsgi:SocketMode: '999'",
            "Uwsgi:BufferSize: 100",
            "Uwsgi:PathBase: 'app/'",
            "Uwsgi:Modifiers: 100",
            "Uwsgi:Limits:MaxRequestBodySize: -1",
            "Uwsgi:Limits:MaxDrainBytes: -2",
            "Uwsgi:Limits:MaxConcurrentUpgradedConnections: -4",
            "Uwsgi:Limits:MaxConcurrentConnections: 0",
            "Uwsgi:Limits:MaxRequestHeaderCount: 0",
            "Uwsgi:Limits:RequestBodyTimeout: 00:00:00",
            "Uwsgi:Limits:DrainTimeout: -00:00:03",
        ];
        foreach (var mistake in expected)
            Assert.Contains(failure.Failures, message => message.StartsWith(mistake, StringComparison.Ordinal));
        Assert.Equal(expected.Length, failure.Failures.Count());
    }

    [Fact]
    public async Task Mistakes_in_code_are_reported_likewise()
    {
        var builder = HostedApp.CreateBuilder();
        builder.UseUwsgi(uwsgi =>
        {
            uwsgi.Sockets.Add("");
            uwsgi.Backlog = 0;
            uwsgi.ScriptName = (ScriptNameMode)9;
            uwsgi.Transport = (UwsgiTransport)9;
        });

        var failure = await Assert.ThrowsAsync<OptionsValidationException>(() => HostedApp.StartAsync(builder));

        Assert.Equal(4, failure.Failures.Count());
    }

    [Fact]
    public async Task Sockets_from_the_configuration_and_from_code_are_all_served()
    {
        var builder = Configure("""{ "Uwsgi": { "Sockets": "127.0.0.1:0" } }""");
        builder.Services.Configure<UwsgiOptions>(uwsgi => uwsgi.Sockets.Add("127.0.0.1:0"));
        await using var app = await HostedApp.StartAsync(builder);

        Assert.Equal(2, app.Urls.Distinct().Count());
        foreach (var url in app.Urls)
            await HostedApp.AssertAnswersAsync(url);
    }

    // The names of the settings that can be written in a file and are as they were.
    private static IEnumerable<string> Unchanged(object read, object fresh) => read.GetType().GetProperties()
        .Where(property => !typeof(Delegate).IsAssignableFrom(property.PropertyType) && property.PropertyType != typeof(UwsgiLimits))
        .Where(property => property.GetValue(read) is System.Collections.ICollection list
            ? list.Count == 0
            : Equals(property.GetValue(read), property.GetValue(fresh)))
        .Select(property => property.Name);

    private static WebApplicationBuilder Configure(string json)
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
        builder.Logging.ClearProviders();
        builder.Configuration.AddJsonStream(new MemoryStream(System.Text.Encoding.UTF8.GetBytes(json)));
        builder.Services.AddUwsgiApp("shop", static _ => { });
        return builder.UseUwsgi();
    }

    private static UwsgiOptions Read(string json)
    {
        using var app = (IDisposable)Configure(json).Build();
        return ((WebApplication)app).Services.GetRequiredService<IOptions<UwsgiOptions>>().Value;
    }
}
