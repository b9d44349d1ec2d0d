using System.Net;
using System.Text.RegularExpressions;
using Uwsgi.AspNetCore.InteropTests.FrontEnds;
using Uwsgi.AspNetCore.InteropTests.Parity.App;

namespace Uwsgi.AspNetCore.InteropTests.Parity.Apache;

/// <summary>Apache with one of the samples' files, against the same file with mod_proxy_http to Kestrel in the app's place.</summary>
public abstract class ApacheParityFixture : ParityFixture
{
    /// <summary>Gets the file below <c>samples/FrontEnds/apache</c>.</summary>
    private protected abstract string File { get; }

    /// <summary>Gets the scheme of the app's address in the file.</summary>
    private protected abstract string Scheme { get; }

    /// <summary>Gets the app's address in the file.</summary>
    private protected abstract string DocumentedAddress { get; }

    /// <summary>Gets what the module answers for an app that closes the connection without a word.</summary>
    private protected virtual int AbortedStatus => 500;

    /// <summary>Gets what the module answers for an app that sends a header which is too large for it.</summary>
    private protected virtual int LargeHeaderStatus => 500;

    /// <summary>Gets what the module can do.</summary>
    private protected abstract Capabilities Offers { get; }

    // A connection for each request, as most gateway protocols have it, and room for large response headers.
    private string ProxyPass => $"ProxyPass \"/\" \"http://{DocumentedAddress}/\" disablereuse=on responsefieldsize=65536";

    private protected override async Task<Door> OpenReferenceAsync(ParityApp app)
    {
        var apache = await Keep(ApacheFrontEnd.StartAsync(File, (DocumentedAddress, IPEndPoint.Parse(app.HttpAddress)), ProxyHttp));
        return new Door($"{apache.Version} mod_proxy_http", apache.Address.Actual, Offers) { Answers = ApacheDifferences.Answers };
    }

    private protected override async Task<Door> OpenDoorAsync(ParityApp app)
    {
        var apache = await Keep(ApacheFrontEnd.StartAsync(File, (DocumentedAddress, app.GatewayEndPoint)));
        var answers = new Dictionary<string, int>(ApacheDifferences.Answers)
        {
            ["abort before the start"] = AbortedStatus,
            ["response header large"] = LargeHeaderStatus,
        };
        return new Door($"{apache.Version} {File}", apache.Address.Actual, Offers) { Answers = answers };
    }

    private string ProxyHttp(string text) => $"""
        {Regex.Replace(text, "^ProxyPass .*", ProxyPass, RegexOptions.Multiline, TestTimeout.Duration)
            .Replace($"proxy_{Scheme}", "proxy_http", StringComparison.Ordinal)}
        ProxyPreserveHost On
        ProxyAddHeaders Off

        """;
}
