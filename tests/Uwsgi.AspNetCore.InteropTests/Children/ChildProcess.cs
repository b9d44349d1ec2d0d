using Uwsgi.AspNetCore.InteropTests.Processes;

namespace Uwsgi.AspNetCore.InteropTests.Children;

/// <summary>The app of <see cref="ChildApp"/> running in a process of its own.</summary>
internal sealed class ChildProcess : IAsyncDisposable
{
    private ChildProcess(ForegroundProcess process, string address)
    {
        Process = process;
        Address = address;
    }

    public ForegroundProcess Process { get; }

    /// <summary>Gets where the app listens, as nginx wants to read it: <c>127.0.0.1:3031</c> or <c>unix:/run/app.sock</c>.</summary>
    public string Address { get; }

    /// <summary>Starts the app on one socket and waits until it accepts connections.</summary>
    /// <param name="socket">The address, for instance <c>127.0.0.1:0</c> or a path.</param>
    /// <param name="settings">Further settings, such as <c>Hold=true</c>.</param>
    public static Task<ChildProcess> StartAsync(string socket, params string[] settings) => StartAsync(null, socket, settings);

    /// <summary>Starts the app with at most so many open files.</summary>
    public static Task<ChildProcess> StartLimitedAsync(int openFiles, string socket, params string[] settings) => StartAsync(openFiles, socket, settings);

    /// <summary>Ends the process the hard way and waits until it is gone.</summary>
    public async Task KillAsync()
    {
        Process.Signal(Signals.Kill);
        await Process.Exited.OrTimeout();
    }

    public ValueTask DisposeAsync() => Process.DisposeAsync();

    private static async Task<ChildProcess> StartAsync(int? openFiles, string socket, string[] settings)
    {
        string[] arguments =
        [
            typeof(ChildProcess).Assembly.Location,
            $"--Uwsgi:Sockets:0={socket}",
            "--Uwsgi:SocketMode=666",
            "--Uwsgi:Limits:MaxRequestBodySize=2147483648",
            .. settings.Select(setting => "--" + setting),
        ];
        var dotnet = RequiredProgram.Find("dotnet", "dotnet-sdk-10.0");
        var process = openFiles is { } limit
            ? ForegroundProcess.Start("/bin/sh", ["-c", $"ulimit -n {limit}; exec \"$0\" \"$@\"", dotnet, .. arguments])
            : ForegroundProcess.Start(dotnet, arguments);
        var ready = await process.WaitForLineAsync(line => line.StartsWith(ChildApp.Ready, StringComparison.Ordinal));
        if (ready is null)
        {
            throw new InvalidOperationException($"The child process did not start:\n{process.Output}");
        }

        var url = ready.Split(' ').Single(word => word.StartsWith("uwsgi://", StringComparison.Ordinal));
        return new ChildProcess(process, url["uwsgi://".Length..]);
    }
}
