using System.Net;
using Microsoft.AspNetCore.Hosting;
using Uwsgi.AspNetCore.InteropTests.FrontEnds;
using Uwsgi.AspNetCore.InteropTests.Parity.App;

namespace Uwsgi.AspNetCore.InteropTests.Parity.Caddy;

/// <summary>Caddy with the samples' file, against Caddy that speaks HTTP to Kestrel, set up alike.</summary>
public abstract class CaddyParityFixture : ParityFixture
{
    /// <summary>
    /// What Caddy can do with FastCGI. It has no upgrade, makes POST of unknown methods, does not report that the client has gone, and
    /// takes the end of the connection for the end of the response. A request body reaches the app in records of 65,500 bytes, and no
    /// response passes before the end of it.
    /// </summary>
    internal const Capabilities Offers = Capabilities.All
        & ~(Capabilities.Upgrade | Capabilities.CustomMethods | Capabilities.ClientAborts | Capabilities.CutResponses
            | Capabilities.StreamingUploads | Capabilities.Duplex);

    private static readonly Dictionary<string, int> OfCaddy = new()
    {
        ["header folded"] = 200,
        ["header without a name"] = 200,
        ["body length twice"] = 200,
        ["body length and chunks"] = 200,
        ["host empty"] = 200,
        ["method with a digit"] = 200,
        ["method in lower case"] = 200,
        ["method TRACE"] = 200,
        ["method OPTIONS of everything"] = 200,
        ["method CONNECT"] = 200,
    };

    private static readonly Dictionary<string, int> OfHttp = new(OfCaddy)
    {
        ["path /../../etc/x is refused"] = 200,
    };

    // Two are led astray by Caddy: a content type it made up, and an OPTIONS request whose body it does not send.
    private static readonly Dictionary<string, int> OfFastCgi = new(OfCaddy)
    {
        ["JSON missing but optional"] = 415,
        ["body with OPTIONS"] = 400,
    };

    /// <summary>Gets the file below <c>samples/FrontEnds/caddy</c>.</summary>
    private protected abstract string File { get; }

    protected override void Configure(IWebHostBuilder builder) => builder.UseUwsgi(uwsgi => uwsgi.FastCgiSockets.Add("127.0.0.1:0"));

    private protected override async Task<Door> OpenReferenceAsync(ParityApp app)
    {
        var caddy = await Keep(CaddyFrontEnd.StartAsync(
            "tests/Uwsgi.AspNetCore.InteropTests/FrontEnds/caddy-http.Caddyfile", ("127.0.0.1:5000", IPEndPoint.Parse(app.HttpAddress))));
        return new Door($"{caddy.Version} http", caddy.Address.Actual, Offers) { Answers = OfHttp };
    }

    private protected override async Task<Door> OpenDoorAsync(ParityApp app)
    {
        var caddy = await Keep(CaddyFrontEnd.StartAsync($"samples/FrontEnds/caddy/{File}", ("127.0.0.1:9000", app.GatewayEndPoint)));
        return new Door($"{caddy.Version} {File}", caddy.Address.Actual, Offers) { Answers = OfFastCgi };
    }
}
