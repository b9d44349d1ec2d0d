using System.Net;
using System.Net.Sockets;
using Uwsgi.AspNetCore.InteropTests.FirstSteps;
using Uwsgi.AspNetCore.InteropTests.Processes;

namespace Uwsgi.AspNetCore.InteropTests.FrontEnds;

/// <summary>nginx with a configuration file of the samples.</summary>
internal sealed class NginxFrontEnd : FrontEndServer
{
    private readonly EndPoint _upstream;

    private NginxFrontEnd(string program, string file, (string Documented, EndPoint Actual) upstream)
        : base(program, file, upstream) => _upstream = upstream.Actual;

    protected override (string Argument, Func<string, string> Parse) VersionCommand =>
        ("-v", output => output[output.IndexOf("nginx/", StringComparison.Ordinal)..].Trim());

    /// <summary>Starts nginx with a file, and with copies of what lies beside it; a name that ends with a slash is an empty directory.</summary>
    public static async Task<NginxFrontEnd> StartAsync(string file, (string Documented, EndPoint Actual) upstream, params string[] beside)
    {
        var nginx = new NginxFrontEnd(RequiredProgram.Find("nginx", "nginx"), file, upstream);
        foreach (var name in beside)
        {
            System.IO.Directory.CreateDirectory(Path.GetDirectoryName(nginx.Directory[name])!);
            if (!name.EndsWith('/'))
            {
                File.Copy(Repository.PathOf(Path.Combine(Path.GetDirectoryName(file)!, name)), nginx.Directory[name]);
            }
        }

        await nginx.StartAsync();
        return nginx;
    }

    protected override string UseActualAddresses(string text)
    {
        var actual = base.UseActualAddresses(text);
        return _upstream is UnixDomainSocketEndPoint socket ? actual.Replace($"_pass {socket}", $"_pass unix:{socket}", StringComparison.Ordinal) : actual;
    }

    protected override IEnumerable<string> GetArguments(string configuration) => ["-p", Directory.Path, "-c", configuration];

    // The listening sockets are open when the master forks its first worker.
    protected override bool IsReady(string line) => line.Contains("start worker process ", StringComparison.Ordinal);
}
