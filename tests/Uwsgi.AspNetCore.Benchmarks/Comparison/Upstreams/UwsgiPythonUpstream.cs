using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Uwsgi.AspNetCore.Benchmarks.Comparison.Upstreams;

/// <summary>uWSGI itself with a Python function: one process, one thread, no master, no request log.</summary>
internal sealed class UwsgiPythonUpstream : Upstream
{
    private const string UnixScheme = "unix:";
    private const string Plugins = "/usr/lib/uwsgi/plugins";

    public override string? Missing => (Tool.Uwsgi.IsMissing, File.Exists($"{Plugins}/python3_plugin.so")) switch
    {
        (true, _) => "uwsgi, uwsgi-plugin-python3",
        (_, false) => "uwsgi-plugin-python3",
        _ => null,
    };

    public override bool Serves(Scenario scenario) => scenario.Name == Scenario.HelloName;

    public override async Task<RunningUpstream> StartAsync(UpstreamSite site)
    {
        var log = Path.Combine(site.Directory, "uwsgi.log");
        var script = Path.Combine(site.Directory, "hello.py");
        await File.WriteAllBytesAsync(script, Resource.Read("hello.py"));

        var address = site.Tcp ? $"127.0.0.1:{Ports.Free(1)[0]}" : site.Address[UnixScheme.Length..];
        string[] arguments =
        [
            "--plugins-dir", Plugins, "--plugin", "python3", "--wsgi-file", script, "--need-app",
            "--socket", address, "--listen", $"{Backlog}", "--processes", "1", "--disable-logging",
            "--die-on-term", "--logto", log,
        ];
        var process = Process.Start(new ProcessStartInfo(Tool.Uwsgi.Path, arguments))!;
        EndPoint endPoint = site.Tcp ? IPEndPoint.Parse(address) : new UnixDomainSocketEndPoint(address);
        return await Ports.WaitUntilListeningAsync(process, endPoint)
            ? new RunningUpstream(process, site.Tcp ? address : site.Address)
            : throw new CommandException("uwsgi did not start:\n" + await File.ReadAllTextAsync(log));
    }

    /// <summary>uWSGI refuses more than the kernel allows, where others get less than they asked for without a word.</summary>
    private static int Backlog => Math.Min(ServeCommand.Backlog, Surroundings.AcceptQueueLimit);
}
