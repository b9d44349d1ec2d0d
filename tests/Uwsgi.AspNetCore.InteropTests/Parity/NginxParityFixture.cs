using Uwsgi.AspNetCore.InteropTests.FrontEnds;
using Uwsgi.AspNetCore.InteropTests.Parity.App;
using Uwsgi.AspNetCore.InteropTests.Servers;

namespace Uwsgi.AspNetCore.InteropTests.Parity;

/// <summary>nginx with one of the samples' files, against nginx with <c>proxy_pass</c> to Kestrel, set up alike.</summary>
public abstract class NginxParityFixture : ParityFixture
{
    /// <summary>Gets the file below <c>samples/FrontEnds/nginx</c>.</summary>
    private protected abstract string File { get; }

    /// <summary>Gets the app's address in the file.</summary>
    private protected abstract string DocumentedAddress { get; }

    /// <summary>Gets what the module can do.</summary>
    private protected virtual Capabilities Offers => Capabilities.All;

    private protected override async Task<Door> OpenReferenceAsync(ParityApp app)
    {
        var nginx = await Keep(NginxServer.StartAsync("http", ProxyTo(app.HttpAddress), """
            map $http_upgrade $connection_upgrade { default upgrade; "" close; }
            large_client_header_buffers 8 64k;
            client_max_body_size 0;
            """));
        return new Door($"{nginx.Version} proxy_pass", nginx["http"]);
    }

    private protected override async Task<Door> OpenDoorAsync(ParityApp app)
    {
        var nginx = await Keep(NginxFrontEnd.StartAsync($"samples/FrontEnds/nginx/{File}", (DocumentedAddress, app.GatewayEndPoint)));
        return new Door($"{nginx.Version} {File}", nginx.Address.Actual, Offers);
    }

    private static string ProxyTo(string address) => $$"""
        proxy_http_version 1.1;
        proxy_set_header Host {{NginxServer.HostVariable}};
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection $connection_upgrade;
        proxy_buffer_size 64k;
        proxy_buffers 8 64k;
        location / { proxy_pass http://{{address}}; }
        location /unbuffered/ { proxy_pass http://{{address}}; proxy_buffering off; proxy_request_buffering off; }
        """;
}
