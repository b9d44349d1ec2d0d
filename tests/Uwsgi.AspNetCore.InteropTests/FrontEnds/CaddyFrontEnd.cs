using System.Net;
using Uwsgi.AspNetCore.InteropTests.Processes;

namespace Uwsgi.AspNetCore.InteropTests.FrontEnds;

/// <summary>Caddy with a configuration file of the samples.</summary>
internal sealed class CaddyFrontEnd : FrontEndServer
{
    private const string Storage = "/tmp/frontend-caddy";

    private CaddyFrontEnd(string program, string file, (string Documented, EndPoint Actual) upstream)
        : base(program, file, upstream)
    {
    }

    protected override (string Argument, Func<string, string> Parse) VersionCommand => ("version", output => $"Caddy {output.Split(' ')[0].Trim()}");

    // Caddy saves what it was started with, for a later `caddy run --resume`, in the user's own directory.
    protected override (string Name, string Value)[] Environment => [("XDG_CONFIG_HOME", Directory["config"])];

    public static async Task<CaddyFrontEnd> StartAsync(string file, (string Documented, EndPoint Actual) upstream)
    {
        var caddy = new CaddyFrontEnd(RequiredProgram.Find("caddy", "caddy"), file, upstream);
        await caddy.StartAsync();
        return caddy;
    }

    // A site's address names the hosts it answers to, not where it listens, so the address of all is written in two parts.
    protected override string UseActualAddresses(string text)
    {
        const string Port = "http://:8000 {";
        Assert.Contains(Port, text);
        Assert.Contains("bind 127.0.0.1\n", text);
        return base.UseActualAddresses(text)
            .Replace(Port, $"http://:{((IPEndPoint)Address.Actual).Port} {{", StringComparison.Ordinal)
            .Replace(Storage, Directory["storage"], StringComparison.Ordinal);
    }

    protected override IEnumerable<string> GetArguments(string configuration) => ["run", "--adapter", "caddyfile", "--config", configuration];

    protected override bool IsReady(string line) => line.Contains("serving initial configuration", StringComparison.Ordinal);
}
