using Uwsgi.AspNetCore.InteropTests.Parity.App;
using Uwsgi.AspNetCore.InteropTests.Servers;

namespace Uwsgi.AspNetCore.InteropTests.Parity;

/// <summary>nginx with two sites: <c>proxy_pass</c> to Kestrel and a gateway protocol to us, set up alike.</summary>
public abstract class NginxParityFixture : ParityFixture
{
    private const string Http = """
        map $http_upgrade $connection_upgrade { default upgrade; "" close; }
        large_client_header_buffers 8 64k;
        client_max_body_size 0;
        """;

    private protected override async Task<WebServerProcess> StartServerAsync(ParityApp app) => await NginxServer.StartAsync(new NginxSites
    {
        Http = Http,
        Sites = new Dictionary<string, string> { ["http"] = ProxyTo(app.HttpAddress), ["gateway"] = PassTo(app) },
    });

    private protected override (Door Reference, Door Door) GetDoors(WebServerProcess server) =>
        (new Door($"{server.Version} proxy_pass", server["http"]), new Door($"{server.Version} {Protocol}_pass", server["gateway"], Offers));

    /// <summary>Gets the module's name, as its directives start.</summary>
    private protected abstract string Protocol { get; }

    /// <summary>Gets what the module can do.</summary>
    private protected virtual Capabilities Offers => Capabilities.All;

    /// <summary>Gets the address the module connects to.</summary>
    private protected abstract string AddressOf(ParityApp app);

    private static string ProxyTo(string address) => $$"""
        proxy_http_version 1.1;
        proxy_set_header Host {{NginxServer.HostVariable}};
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection $connection_upgrade;
        {{Locations("proxy", $"http://{address}")}}
        """;

    private string PassTo(ParityApp app) => $$"""
        include {{Protocol}}_params;
        {{Locations(Protocol, AddressOf(app))}}
        """;

    private static string Locations(string module, string address) => $$"""
        {{module}}_buffer_size 64k;
        {{module}}_buffers 8 64k;
        location / { {{module}}_pass {{address}}; }
        location /unbuffered/ { {{module}}_pass {{address}}; {{module}}_buffering off; {{module}}_request_buffering off; }
        """;
}
