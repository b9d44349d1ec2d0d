using Microsoft.AspNetCore.Hosting;
using Uwsgi.AspNetCore.InteropTests.Parity.App;
using Uwsgi.AspNetCore.InteropTests.Servers;

namespace Uwsgi.AspNetCore.InteropTests.Parity;

/// <summary>The app, a web server in front of it, and the two doors through that server.</summary>
public abstract class ParityFixture : IAsyncLifetime
{
    private SkipException? _skip;
    private ParityApp? _app;
    private WebServerProcess? _server;

    /// <summary>Gets the web server, or skips the test that asks.</summary>
    internal WebServerProcess Server => _skip is null ? _server! : throw new SkipException(_skip.Message);

    /// <summary>Gets the door which the other one is measured against.</summary>
    internal Door Reference { get; private set; } = null!;

    /// <summary>Gets the door under test.</summary>
    internal Door Door { get; private set; } = null!;

    internal Visitor VisitorAt(Door door) => new(door, _app!.Observations);

    public async Task InitializeAsync()
    {
        _app = await ParityApp.StartAsync(Configure);
        try
        {
            _server = await StartServerAsync(_app);
        }
        catch (SkipException e)
        {
            // A fixture cannot skip; the tests do, when they ask for the server.
            _skip = e;
            return;
        }

        (Reference, Door) = GetDoors(_server);
    }

    public async Task DisposeAsync()
    {
        if (_server is not null)
        {
            await _server.DisposeAsync();
        }

        if (_app is not null)
        {
            await _app.DisposeAsync();
        }
    }

    /// <summary>Adds the endpoint under test to the app.</summary>
    protected abstract void Configure(IWebHostBuilder builder);

    /// <summary>Starts a web server that leads to both endpoints of the app.</summary>
    private protected abstract Task<WebServerProcess> StartServerAsync(ParityApp app);

    /// <summary>Names the way to Kestrel's HTTP endpoint and the way to the endpoint under test.</summary>
    private protected abstract (Door Reference, Door Door) GetDoors(WebServerProcess server);
}
