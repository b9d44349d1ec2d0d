using System.Net;
using Uwsgi.AspNetCore.InteropTests.Processes;

namespace Uwsgi.AspNetCore.InteropTests.FrontEnds;

/// <summary>HAProxy with a configuration file of the samples.</summary>
internal sealed class HAProxyFrontEnd : FrontEndServer
{
    private HAProxyFrontEnd(string program, string file, (string Documented, EndPoint Actual) upstream)
        : base(program, file, upstream)
    {
    }

    protected override (string Argument, Func<string, string> Parse) VersionCommand => ("-v", output => $"HAProxy {output.Split(' ')[2]}");

    public static async Task<HAProxyFrontEnd> StartAsync(string file, (string Documented, EndPoint Actual) upstream)
    {
        var haproxy = new HAProxyFrontEnd(RequiredProgram.Find("haproxy", "haproxy"), file, upstream);
        await haproxy.StartAsync();
        return haproxy;
    }

    protected override IEnumerable<string> GetArguments(string configuration) => ["-W", "-db", "-f", configuration];

    protected override bool IsReady(string line) => line.EndsWith("Loading success.", StringComparison.Ordinal);
}
