using System.Net;
using System.Net.Sockets;
using Uwsgi.AspNetCore.InteropTests.Processes;

namespace Uwsgi.AspNetCore.InteropTests.Servers;

/// <summary>
/// A real web server in the foreground, with a directory of its own for configuration, temporary files and sockets, and
/// one free loopback port for each of its sites. A derived class writes the configuration and knows the command line.
/// </summary>
internal abstract class WebServerProcess(string program) : IAsyncDisposable
{
    private const int StartAttempts = 5;

    private readonly Dictionary<string, EndPoint> _sites = new(StringComparer.Ordinal);
    private ForegroundProcess? _process;

    /// <summary>Gets name and version as the program itself reports them, for instance <c>nginx/1.22.1</c>.</summary>
    public string Version { get; private set; } = string.Empty;

    /// <summary>Gets what the server wrote to its error log so far.</summary>
    public string ErrorLog => _process?.Output ?? string.Empty;

    /// <summary>Gets the process clients are accepted by, or its parent.</summary>
    public ForegroundProcess Process => _process ?? throw new InvalidOperationException($"{program} has not been started.");

    /// <summary>Gets the directory that belongs to this server alone.</summary>
    protected TemporaryDirectory Directory { get; } = new();

    /// <summary>Gets where a site listens.</summary>
    public EndPoint this[string site] => _sites[site];

    /// <summary>Waits for a line of the error log.</summary>
    public Task<string?> WaitForLogAsync(string text) => Process.WaitForLineAsync(line => line.Contains(text, StringComparison.Ordinal));

    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
        {
            await _process.DisposeAsync();
        }

        Directory.Dispose();
    }

    /// <summary>Starts the server and returns when every site accepts connections.</summary>
    protected async Task StartAsync(IReadOnlyCollection<string> sites)
    {
        try
        {
            Version = await ReadVersionAsync();
            await PrepareAsync();
            await StartOnFreePortsAsync(sites);
        }
        catch
        {
            await DisposeAsync();
            throw;
        }
    }

    /// <summary>Puts files into the directory before the first start.</summary>
    protected virtual Task PrepareAsync() => Task.CompletedTask;

    /// <summary>Says where a site listens, given a port that was free a moment ago.</summary>
    protected virtual EndPoint GetEndPoint(string site, int port) => new IPEndPoint(IPAddress.Loopback, port);

    /// <summary>Writes the configuration for the ports chosen and returns the arguments that make the program use it.</summary>
    protected abstract IEnumerable<string> Configure();

    /// <summary>Tells which line of output means that the listening sockets are open.</summary>
    protected abstract bool IsReady(string line);

    /// <summary>Gets the arguments which make the program print its version and how to cut it out of the output.</summary>
    protected abstract (string Argument, Func<string, string> Parse) VersionCommand { get; }

    /// <summary>Gets the variables to set in the program's environment.</summary>
    protected virtual (string Name, string Value)[] Environment => [];

    /// <summary>Runs the program for a moment and returns what it prints.</summary>
    protected async Task<string> RunAsync(params string[] arguments)
    {
        await using var process = ForegroundProcess.Start(program, arguments, Environment);
        await process.Exited.OrTimeout();
        return process.Output;
    }

    private async Task<string> ReadVersionAsync()
    {
        var (argument, parse) = VersionCommand;
        return parse(await RunAsync(argument));
    }

    private async Task StartOnFreePortsAsync(IReadOnlyCollection<string> sites)
    {
        for (var attempt = 1; ; attempt++)
        {
            foreach (var (site, port) in sites.Zip(FreePort.Take(sites.Count)))
            {
                _sites[site] = GetEndPoint(site, port);
            }

            _process = ForegroundProcess.Start(program, Configure(), Environment);
            if (await _process.WaitForLineAsync(IsReady) is not null)
            {
                break;
            }

            var log = ErrorLog;
            await _process.DisposeAsync();
            if (attempt == StartAttempts || !log.Contains("Address already in use", StringComparison.OrdinalIgnoreCase))
            {
                throw new InvalidOperationException($"{Version} did not start:\n{log}");
            }
        }

        foreach (var site in _sites.Values)
        {
            using var client = new Socket(site.AddressFamily, SocketType.Stream, ProtocolType.Unspecified);
            await client.ConnectAsync(site).OrTimeout();
        }
    }
}
