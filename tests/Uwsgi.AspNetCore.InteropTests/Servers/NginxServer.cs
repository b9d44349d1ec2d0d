using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;
using Uwsgi.AspNetCore.InteropTests.Processes;

namespace Uwsgi.AspNetCore.InteropTests.Servers;

/// <summary>A real nginx. As root its workers run as an unprivileged user, as they do in production.</summary>
internal sealed partial class NginxServer : WebServerProcess
{
    /// <summary>
    /// The variable which holds what the shipped params file passes as HTTP_HOST: Debian's file sets <c>$host</c>,
    /// upstream's leaves the client's Host header alone. A <c>proxy_pass</c> that is compared with it has to pass the same.
    /// </summary>
    public const string HostVariable = "$host_of_uwsgi_params";

    private static readonly string[] ShippedFiles = ["uwsgi_params", "fastcgi_params", "scgi_params", "mime.types"];

    private readonly NginxSites _sites;

    private NginxServer(string program, NginxSites sites)
        : base(program)
    {
        _sites = sites;
    }

    protected override (string Argument, Func<string, string> Parse) VersionCommand =>
        ("-v", output => output[output.IndexOf("nginx/", StringComparison.Ordinal)..].Trim());

    /// <summary>Starts nginx with one site.</summary>
    public static Task<NginxServer> StartAsync(string site, string server, string http = "") =>
        StartAsync(new NginxSites { Http = http, Sites = new Dictionary<string, string> { [site] = server } });

    /// <summary>Starts nginx with several sites. <c>include uwsgi_params;</c> in them means the file the package ships.</summary>
    public static async Task<NginxServer> StartAsync(NginxSites sites)
    {
        var nginx = new NginxServer(RequiredProgram.Find("nginx", "nginx"), sites);
        await nginx.StartAsync([.. sites.Sites.Keys]);
        return nginx;
    }

    protected override EndPoint GetEndPoint(string site, int port) =>
        _sites.OnUnixSockets ? new UnixDomainSocketEndPoint(Directory[site + ".sock"]) : base.GetEndPoint(site, port);

    protected override async Task PrepareAsync()
    {
        var build = await RunAsync("-V");
        var configuration = Path.GetDirectoryName(ConfPath().Match(build).Groups["path"].Value);
        foreach (var file in ShippedFiles)
        {
            // Relative includes start from the directory of the configuration file, which is ours.
            File.Copy(Path.Combine(configuration ?? "/etc/nginx", file), Directory[file]);
        }
    }

    protected override IEnumerable<string> Configure()
    {
        var configuration = new StringBuilder();
        AppendMain(configuration);
        configuration.AppendLine("http {");
        AppendHttp(configuration);
        foreach (var (name, server) in _sites.Sites)
        {
            configuration.AppendLine($$"""
                server {
                listen {{(this[name] is IPEndPoint port ? port : "unix:" + this[name])}} {{_sites.ListenOptions}};
                server_name localhost;
                {{server}}
                }
                """);
        }

        configuration.AppendLine("}");
        File.WriteAllText(Directory["nginx.conf"], configuration.ToString());
        return ["-p", Directory.Path, "-c", Directory["nginx.conf"], "-e", "stderr"];
    }

    // The listening sockets are open when the master forks its first worker.
    protected override bool IsReady(string line) => line.Contains("start worker process ", StringComparison.Ordinal);

    [GeneratedRegex(@"--conf-path=(?<path>\S+)", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex ConfPath();

    private void AppendMain(StringBuilder configuration)
    {
        if (UnprivilegedAccount.Current is { } account)
        {
            configuration.AppendLine($"user {account.User} {account.Group};");
        }

        configuration.AppendLine($$"""
            daemon off;
            worker_processes 1;
            pid {{Directory["nginx.pid"]}};
            error_log stderr notice;
            events { worker_connections 8192; }
            """);
    }

    private void AppendHttp(StringBuilder configuration)
    {
        configuration.AppendLine("access_log off;");
        foreach (var module in (string[])["client_body", "proxy", "fastcgi", "uwsgi", "scgi"])
        {
            configuration.AppendLine($"{module}_temp_path {Directory[module]};");
        }

        var setsHost = File.ReadLines(Directory["uwsgi_params"]).Any(line => line.StartsWith("uwsgi_param  HTTP_HOST", StringComparison.Ordinal));
        configuration.AppendLine($$"""map "" {{HostVariable}} { default {{(setsHost ? "$host" : "$http_host")}}; }""");
        configuration.AppendLine(_sites.Http);
    }
}
