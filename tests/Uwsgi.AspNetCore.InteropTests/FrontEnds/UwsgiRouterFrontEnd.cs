using System.Net;
using Uwsgi.AspNetCore.InteropTests.Processes;

namespace Uwsgi.AspNetCore.InteropTests.FrontEnds;

/// <summary>uWSGI's own HTTP router with the configuration file of the samples.</summary>
internal sealed class UwsgiRouterFrontEnd : FrontEndServer
{
    private UwsgiRouterFrontEnd(string program, EndPoint upstream)
        : base(program, "samples/FrontEnds/uwsgi/router.ini", ("127.0.0.1:3031", upstream))
    {
    }

    protected override (string Argument, Func<string, string> Parse) VersionCommand => ("--version", output => "uWSGI/" + output.Trim());

    public static async Task<UwsgiRouterFrontEnd> StartAsync(EndPoint upstream)
    {
        var router = new UwsgiRouterFrontEnd(RequiredProgram.Find("uwsgi", "uwsgi-core"), upstream);
        await router.StartAsync();
        return router;
    }

    protected override IEnumerable<string> GetArguments(string configuration) => ["--ini", configuration];

    // The listening socket is open before the router's process starts.
    protected override bool IsReady(string line) => line.StartsWith("spawned uWSGI http 1 ", StringComparison.Ordinal);
}
