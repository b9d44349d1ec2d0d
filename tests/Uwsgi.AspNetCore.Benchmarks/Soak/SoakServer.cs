using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using Uwsgi.AspNetCore.Benchmarks.Soak.Serving;

namespace Uwsgi.AspNetCore.Benchmarks.Soak;

/// <summary>An app under soak, seen from outside: a process that can be looked into, stopped as a supervisor does, and started again.</summary>
internal sealed class SoakServer(string name, SoakAddresses addresses, string? transport) : IAsyncDisposable
{
    public static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan DrainTimeout = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan DrainInterval = TimeSpan.FromMilliseconds(250);

    private Process? _process;
    private int _generation;

    public string Name => name;

    public SoakAddresses Addresses => addresses;

    /// <summary>Gets a number that is odd while the server goes down or comes up, and another one after each restart.</summary>
    public int Generation => Volatile.Read(ref _generation);

    public int Restarts => Generation / 2;

    private Process Process => _process ?? throw new InvalidOperationException("The server is not running.");

    public bool IsDown => Generation % 2 != 0;

    /// <summary>Gets whether a restart can have met what began at a generation.</summary>
    public bool HasRestartedSince(int generation) => generation % 2 != 0 || generation != Generation;

    public async Task StartAsync()
    {
        _process = Process.Start(CreateStartInfo()) ?? throw new CommandException("the app under soak did not start");
        while (await ReadLineAsync() is { } line)
        {
            if (line == SoakServeCommand.Ready)
            {
                return;
            }
        }

        throw new CommandException("the app under soak ended before it listened; its own message is above");
    }

    /// <summary>Stops the process with SIGTERM, as systemd does, and starts it again.</summary>
    /// <returns>What was wrong with the way it ended.</returns>
    public async Task<IReadOnlyList<string>> RestartAsync()
    {
        Interlocked.Increment(ref _generation);
        var faults = await StopAsync();
        await StartAsync();
        Interlocked.Increment(ref _generation);
        return faults;
    }

    /// <summary>Stops the process with SIGTERM.</summary>
    /// <returns>What was wrong with the way it ended.</returns>
    public async Task<IReadOnlyList<string>> StopAsync()
    {
        var process = Process;
        _process = null;
        _ = SendSignal(process.Id, 15);
        InsideView? last = null;
        using var timeout = new CancellationTokenSource(StopTimeout + AnswerTimeout);
        try
        {
            while (await process.StandardOutput.ReadLineAsync(timeout.Token) is { } line)
            {
                last = ParseView(line) ?? last;
            }

            await process.WaitForExitAsync(timeout.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            return [$"{name}: did not end within {StopTimeout + AnswerTimeout} of SIGTERM"];
        }

        using (process)
        {
            return process.ExitCode != 0 || last is null
                ? [$"{name}: ended with exit code {process.ExitCode}"]
                : [.. last.Faults().Concat(last.Leftovers()).Select(fault => $"{name}, after its end: {fault}")];
        }
    }

    public async Task<InsideView> LookAsync(bool collect = false)
    {
        await Process.StandardInput.WriteLineAsync(collect ? SoakServeCommand.Collect : SoakServeCommand.Look);
        await Process.StandardInput.FlushAsync();
        while (await ReadLineAsync() is { } line)
        {
            if (ParseView(line) is { } view)
            {
                return view;
            }
        }

        throw new CommandException($"{name}: the app under soak has ended by itself");
    }

    /// <summary>Waits until nothing is left of connections that have ended; gives up after a while, and the view tells what is left.</summary>
    public async Task<ProcessSample> DrainAsync(int descriptors)
    {
        var started = Stopwatch.GetTimestamp();
        List<string> complaints = [];
        while (true)
        {
            var view = await LookAsync();
            complaints.AddRange(view.Complaints);
            if ((!view.Leftovers().Any() && ProcessSample.CountDescriptors(Process.Id) <= descriptors)
                || Stopwatch.GetElapsedTime(started) > DrainTimeout)
            {
                break;
            }

            await Task.Delay(DrainInterval);
        }

        var collected = await LookAsync(collect: true);
        return await ProcessSample.TakeAsync(
            Process.Id, collected with { Complaints = [.. complaints, .. collected.Complaints] }, addresses.Stats);
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is { } process)
        {
            process.Kill();
            await process.WaitForExitAsync();
            process.Dispose();
        }
    }

    private async Task<string?> ReadLineAsync()
    {
        using var timeout = new CancellationTokenSource(AnswerTimeout);
        try
        {
            return await Process.StandardOutput.ReadLineAsync(timeout.Token);
        }
        catch (OperationCanceledException)
        {
            throw new CommandException($"{name}: the app under soak does not answer");
        }
    }

    private static InsideView? ParseView(string line) => line.StartsWith(SoakServeCommand.View, StringComparison.Ordinal)
        ? JsonSerializer.Deserialize<InsideView>(line[SoakServeCommand.View.Length..])
        : null;

    private ProcessStartInfo CreateStartInfo()
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!)
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        var assembly = typeof(SoakServer).Assembly.Location;
        // Started by its own host, or by dotnet, or from within a test.
        if (Path.GetFileNameWithoutExtension(start.FileName) != Path.GetFileNameWithoutExtension(assembly))
        {
            start.FileName = "dotnet";
            start.ArgumentList.Add(assembly);
        }

        string[] arguments =
        [
            "soak-serve",
            "--directory", addresses.Directory,
            "--port", addresses.FirstPort.ToString(CultureInfo.InvariantCulture),
            .. transport is null ? (string[])[] : ["--transport", transport],
        ];
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        foreach (var setting in start.Environment.Keys.Where(IsAppSetting).ToArray())
        {
            start.Environment.Remove(setting);
        }

        return start;
    }

    private static bool IsAppSetting(string name) =>
        name.StartsWith("ASPNETCORE_", StringComparison.OrdinalIgnoreCase)
        || name.StartsWith("Uwsgi__", StringComparison.OrdinalIgnoreCase);

    [DllImport("libc", EntryPoint = "kill", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int SendSignal(int processId, int signal);
}
