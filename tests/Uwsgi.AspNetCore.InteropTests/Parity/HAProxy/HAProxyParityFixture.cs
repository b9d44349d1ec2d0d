using System.Net;
using Microsoft.AspNetCore.Hosting;
using Uwsgi.AspNetCore.InteropTests.FrontEnds;
using Uwsgi.AspNetCore.InteropTests.Parity.App;

namespace Uwsgi.AspNetCore.InteropTests.Parity.HAProxy;

/// <summary>HAProxy with one of the samples' files, against HAProxy that speaks HTTP to Kestrel, set up alike.</summary>
public abstract class HAProxyParityFixture : ParityFixture
{
    /// <summary>
    /// What HAProxy can do with FastCGI. It closes after a 101, waits for a buffer full of the request body before it turns to the
    /// app, and stops reading the client's body at END_REQUEST.
    /// </summary>
    internal const Capabilities Offers = Capabilities.All
        & ~(Capabilities.Upgrade | Capabilities.StreamingUploads | Capabilities.Duplex | Capabilities.UnreadBodies);

    /// <summary>What it can do with connections that it keeps: it does not report a client that goes before the answer has begun.</summary>
    internal const Capabilities OffersWhenKept = Offers & ~Capabilities.ClientAborts;

    // The target names another host than the Host header; several of these are legal but refused by nginx.
    private static readonly Dictionary<string, int> OfHAProxy = new()
    {
        ["target in absolute form"] = 400,
        ["target in absolute form without a path"] = 400,
        ["target in absolute form with a port"] = 400,
        ["header folded"] = 200,
        ["body length twice"] = 200,
        ["body length and chunks"] = 200,
        ["host empty"] = 200,
        ["method with a digit"] = 200,
        ["method in lower case"] = 200,
        ["method TRACE"] = 200,
    };

    private static readonly Dictionary<string, int> OfHttp = new(OfHAProxy)
    {
        ["path /% is refused"] = 200,
        ["path /%zz is refused"] = 200,
        ["path /../../etc/x is refused"] = 200,
        ["method OPTIONS of everything"] = 200,
    };

    private static readonly Dictionary<string, int> OfFastCgi = new(OfHAProxy)
    {
        ["path /% is refused"] = 500,
        ["path /%zz is refused"] = 500,
        ["method OPTIONS of everything"] = 500,
        ["method CONNECT"] = 502,
        ["protocol HTTP/1.1 without Host"] = 200,
        ["body in chunks, growing"] = 400,
        ["body in chunks, large"] = 400,
    };

    /// <summary>Gets the file below <c>samples/FrontEnds/haproxy</c>.</summary>
    private protected abstract string File { get; }

    private protected virtual Capabilities Offered => Offers;

    protected override void Configure(IWebHostBuilder builder) => builder.UseUwsgi(uwsgi => uwsgi.FastCgiSockets.Add("127.0.0.1:0"));

    private protected override async Task<Door> OpenReferenceAsync(ParityApp app)
    {
        var haproxy = await Keep(HAProxyFrontEnd.StartAsync(
            "tests/Uwsgi.AspNetCore.InteropTests/FrontEnds/haproxy-http.cfg", ("127.0.0.1:5000", IPEndPoint.Parse(app.HttpAddress))));
        return new Door($"{haproxy.Version} http", haproxy.Address.Actual) { Answers = OfHttp };
    }

    private protected override async Task<Door> OpenDoorAsync(ParityApp app)
    {
        var haproxy = await Keep(HAProxyFrontEnd.StartAsync($"samples/FrontEnds/haproxy/{File}", ("127.0.0.1:9000", app.GatewayEndPoint)));
        return new Door($"{haproxy.Version} {File}", haproxy.Address.Actual, Offered) { Answers = OfFastCgi };
    }
}
