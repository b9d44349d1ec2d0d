using Microsoft.AspNetCore.Hosting;
using Uwsgi.AspNetCore.InteropTests.Parity.App;
using Uwsgi.AspNetCore.InteropTests.Servers;

namespace Uwsgi.AspNetCore.InteropTests.Parity;

/// <summary>The app, a web server in front of it, and the two doors through that server.</summary>
public abstract class ParityFixture : IAsyncLifetime
{
    private readonly List<WebServerProcess> _servers = [];
    private SkipException? _skip;
    private ParityApp? _app;
    private (Door Reference, Door Door)? _doors;

    /// <summary>Gets the door the other one is measured against, and the one under test; skips the test that asks if there are none.</summary>
    internal (Door Reference, Door Door) Doors => _skip is null ? _doors!.Value : throw new SkipException(_skip.Message);

    internal Visitor VisitorAt(Door door) => new(door, _app!.Observations);

    public async Task InitializeAsync()
    {
        _app = await ParityApp.StartAsync(Configure);
        try
        {
            _doors = (await OpenReferenceAsync(_app), await OpenDoorAsync(_app));
        }
        catch (SkipException e)
        {
            // A fixture cannot skip; the tests do, when they ask for the doors.
            _skip = e;
        }
    }

    public async Task DisposeAsync()
    {
        foreach (var server in _servers)
        {
            await server.DisposeAsync();
        }

        if (_app is not null)
        {
            await _app.DisposeAsync();
        }
    }

    /// <summary>Adds the endpoint under test to the app.</summary>
    protected abstract void Configure(IWebHostBuilder builder);

    /// <summary>Opens the way to Kestrel's HTTP endpoint, through the same kind of web server where that can speak HTTP to it.</summary>
    private protected abstract Task<Door> OpenReferenceAsync(ParityApp app);

    /// <summary>Opens the way to the endpoint under test.</summary>
    private protected abstract Task<Door> OpenDoorAsync(ParityApp app);

    /// <summary>Keeps a server that was started for this fixture until the fixture ends.</summary>
    private protected async Task<T> Keep<T>(Task<T> starting)
        where T : WebServerProcess
    {
        var server = await starting;
        _servers.Add(server);
        return server;
    }
}
