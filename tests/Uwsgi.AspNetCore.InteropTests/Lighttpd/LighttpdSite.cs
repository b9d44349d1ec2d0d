using System.Net;
using Microsoft.AspNetCore.Builder;
using Uwsgi.AspNetCore.InteropTests.FrontEnds;
using Uwsgi.AspNetCore.InteropTests.Http;

namespace Uwsgi.AspNetCore.InteropTests.Lighttpd;

/// <summary>A small app behind lighttpd with the sample's file for one protocol.</summary>
internal sealed class LighttpdSite : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly LighttpdFrontEnd _lighttpd;

    private LighttpdSite(WebApplication app, LighttpdFrontEnd lighttpd) => (_app, _lighttpd) = (app, lighttpd);

    public static TheoryData<GatewayProtocol> Protocols => [GatewayProtocol.Uwsgi, GatewayProtocol.FastCgi, GatewayProtocol.Scgi];

    public EndPoint EndPoint => _lighttpd.Address.Actual;

    public static async Task<LighttpdSite> StartAsync(
        GatewayProtocol protocol, Action<WebApplication> map, Action<UwsgiOptions>? configure = null, params (string Documented, string Actual)[] edits)
    {
        var app = await TestApp.StartAsync(
            uwsgi =>
            {
                GetSockets(uwsgi, protocol).Add("127.0.0.1:0");
                configure?.Invoke(uwsgi);
            },
            map);
        try
        {
            var (file, address) = GetSample(protocol);
            return new LighttpdSite(app, await LighttpdFrontEnd.StartAsync($"samples/FrontEnds/lighttpd/{file}", [(address, GetAddress(app.Urls.Single()))], edits));
        }
        catch
        {
            await app.DisposeAsync();
            throw;
        }
    }

    /// <summary>Gets the address in a URL of the app, whatever its scheme.</summary>
    public static IPEndPoint GetAddress(string url) => IPEndPoint.Parse(url[(url.IndexOf("://", StringComparison.Ordinal) + 3)..]);

    public Task<RawResponse> GetAsync(string target) => RawHttpConnection.SendAsync(EndPoint, new RawRequest("GET", target));

    public async ValueTask DisposeAsync()
    {
        await _lighttpd.DisposeAsync();
        await _app.DisposeAsync();
    }

    private static IList<string> GetSockets(UwsgiOptions options, GatewayProtocol protocol) => protocol switch
    {
        GatewayProtocol.FastCgi => options.FastCgiSockets,
        GatewayProtocol.Scgi => options.ScgiSockets,
        _ => options.Sockets,
    };

    private static (string File, string Address) GetSample(GatewayProtocol protocol) => protocol switch
    {
        GatewayProtocol.FastCgi => ("fastcgi.conf", "127.0.0.1:9000"),
        GatewayProtocol.Scgi => ("scgi.conf", "127.0.0.1:4000"),
        _ => ("uwsgi.conf", "127.0.0.1:3031"),
    };
}
