using System.Diagnostics;

namespace Uwsgi.AspNetCore.Benchmarks.Comparison.Upstreams;

/// <summary>A program that can stand behind nginx, started on a unix socket or on a TCP port that the kernel picks.</summary>
internal abstract class Upstream
{
    /// <summary>This program again, serving Kestrel's HTTP.</summary>
    public static AppUpstream Http { get; } = new("--http");

    /// <summary>This program again, serving uwsgi.</summary>
    public static AppUpstream Uwsgi { get; } = new("--uwsgi");

    /// <summary>This program again, serving FastCGI.</summary>
    public static AppUpstream FastCgi { get; } = new("--fastcgi");

    /// <summary>This program again, serving SCGI.</summary>
    public static AppUpstream Scgi { get; } = new("--scgi");

    /// <summary>Gets what has to be installed before it can be started, or null.</summary>
    public virtual string? Missing => null;

    /// <summary>Gets whether it has an answer for the scenario's request.</summary>
    public virtual bool Serves(Scenario scenario) => true;

    public abstract Task<RunningUpstream> StartAsync(UpstreamSite site);

    /// <summary>Starts a program that says where it listens, as <see cref="ServeCommand"/> does, and ends with its standard input.</summary>
    protected static async Task<RunningUpstream> StartListeningAsync(ProcessStartInfo start)
    {
        start.UseShellExecute = false;
        start.RedirectStandardInput = true;
        start.RedirectStandardOutput = true;
        var process = Process.Start(start)!;
        while (await process.StandardOutput.ReadLineAsync() is { } line)
        {
            // "listening http://unix:/run/app.sock" is "unix:/run/app.sock" to nginx.
            if (line.StartsWith(ServeCommand.Listening, StringComparison.Ordinal))
            {
                return new RunningUpstream(process, line[(line.IndexOf("://", StringComparison.Ordinal) + 3)..]);
            }
        }

        throw new CommandException($"{start.FileName} {string.Join(' ', start.ArgumentList)} ended before it listened");
    }
}
