using System.Diagnostics;
using System.Net;
using System.Text;
using Uwsgi.AspNetCore.Benchmarks.Comparison.Upstreams;

namespace Uwsgi.AspNetCore.Benchmarks.Comparison;

/// <summary>nginx with one worker and one server, hence one port, per column, so that every upstream sees the same request.</summary>
internal sealed class FrontEnd : IAsyncDisposable
{
    private readonly Process _process;
    private readonly string _errorLog;
    private readonly int[] _ports;

    private FrontEnd(Process process, string errorLog, int[] ports)
    {
        _process = process;
        _errorLog = errorLog;
        _ports = ports;
    }

    public int ProcessId => _process.Id;

    public static async Task<FrontEnd> StartAsync(
        Tool nginx, string directory, IReadOnlyList<Column> columns, IReadOnlyList<RunningUpstream> upstreams)
    {
        var ports = Ports.Free(columns.Count);
        var configuration = Path.Combine(directory, "nginx.conf");
        await File.WriteAllTextAsync(configuration, Configure(directory, columns, upstreams, ports));

        var start = new ProcessStartInfo(nginx.Path, ["-p", directory, "-c", configuration, "-e", "error.log"]);
        var process = Process.Start(start)!;
        return await Ports.WaitUntilListeningAsync(process, new IPEndPoint(IPAddress.Loopback, ports[0]))
            ? new FrontEnd(process, Path.Combine(directory, "error.log"), ports)
            : throw new CommandException("nginx did not start; its own message is above");
    }

    public Uri Address(int column, string path) => new($"http://127.0.0.1:{_ports[column]}{path}");

    /// <summary>What nginx complained about, for the message of a run that failed.</summary>
    public string Errors() => string.Join('\n', File.ReadLines(_errorLog).TakeLast(5));

    public ValueTask DisposeAsync() => new(ProcessTree.TerminateAsync(_process));

    private static string Configure(string directory, IReadOnlyList<Column> columns, IReadOnlyList<RunningUpstream> upstreams, int[] ports)
    {
        var text = new StringBuilder();
        // A worker of its own user could not connect to the sockets of an app that root started.
        if (Environment.IsPrivilegedProcess)
        {
            text.AppendLine("user root;");
        }

        text.AppendLine(
            $$"""
            daemon off;
            pid {{directory}}/nginx.pid;
            worker_processes 1;
            worker_rlimit_nofile 16384;
            events { worker_connections 8192; }
            http {
              access_log off;
              keepalive_requests 1000000000;
              client_max_body_size 64m;
              client_body_buffer_size 2m;
              proxy_max_temp_file_size 0;
              fastcgi_max_temp_file_size 0;
              uwsgi_max_temp_file_size 0;
              scgi_max_temp_file_size 0;
              client_body_temp_path {{directory}}/body;
              proxy_temp_path {{directory}}/proxy;
              fastcgi_temp_path {{directory}}/fastcgi;
              uwsgi_temp_path {{directory}}/uwsgi;
              scgi_temp_path {{directory}}/scgi;
            """);
        for (var i = 0; i < columns.Count; i++)
        {
            var keepAlive = columns[i].KeepAlive > 0 ? $"keepalive {columns[i].KeepAlive}; keepalive_requests 1000000000;" : "";
            text.AppendLine(
                $$"""
                  upstream app{{i}} { server {{upstreams[i].Address}}; {{keepAlive}} }
                  server {
                    listen 127.0.0.1:{{ports[i]}} backlog=4096;
                    location / { {{columns[i].Location($"app{i}")}} }
                  }
                """);
        }

        return text.AppendLine("}").ToString();
    }
}
