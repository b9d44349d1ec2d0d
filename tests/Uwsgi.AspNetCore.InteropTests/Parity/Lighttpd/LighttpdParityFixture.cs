using System.Net;
using Uwsgi.AspNetCore.InteropTests.FrontEnds;
using Uwsgi.AspNetCore.InteropTests.Parity.App;

namespace Uwsgi.AspNetCore.InteropTests.Parity.Lighttpd;

/// <summary>lighttpd with one of the samples' files, against lighttpd with <c>mod_proxy</c> to Kestrel, set up alike.</summary>
public abstract class LighttpdParityFixture : ParityFixture
{
    // Upgrades take lighttpd 1.4.74. It answers 501 to methods it does not know, buffers a response however it ends, and lets
    // the app work on when the client has gone.
    internal const Capabilities Offers =
        Capabilities.All & ~(Capabilities.Upgrade | Capabilities.CustomMethods | Capabilities.CutResponses | Capabilities.ClientAborts);

    /// <summary>Gets the file below <c>samples/FrontEnds/lighttpd</c>.</summary>
    private protected abstract string File { get; }

    /// <summary>Gets the app's address in the file.</summary>
    private protected abstract string DocumentedAddress { get; }

    private protected override async Task<Door> OpenReferenceAsync(ParityApp app)
    {
        var lighttpd = await Keep(LighttpdFrontEnd.StartAsync(
            "tests/Uwsgi.AspNetCore.InteropTests/FrontEnds/lighttpd-http.conf", [("127.0.0.1:5000", IPEndPoint.Parse(app.HttpAddress))]));
        return new Door($"{lighttpd.Version} mod_proxy", lighttpd.Address.Actual, Offers) { Answers = LighttpdDifferences.Answers };
    }

    private protected override async Task<Door> OpenDoorAsync(ParityApp app)
    {
        var lighttpd = await Keep(LighttpdFrontEnd.StartAsync($"samples/FrontEnds/lighttpd/{File}", [(DocumentedAddress, app.GatewayEndPoint)]));
        return new Door($"{lighttpd.Version} {File}", lighttpd.Address.Actual, Offers) { Answers = LighttpdDifferences.Answers };
    }
}
