using System.Collections.Concurrent;
using System.Diagnostics;

namespace Uwsgi.AspNetCore.InteropTests.Processes;

/// <summary>A child process whose output is kept, line by line, and can be waited for.</summary>
internal sealed class ForegroundProcess : IAsyncDisposable
{
    private static readonly ConcurrentDictionary<ForegroundProcess, byte> Running = new();

    private readonly Process _process;
    private readonly Lock _lock = new();
    private readonly List<string> _lines = [];
    private readonly List<(Func<string, bool> IsMatch, TaskCompletionSource<string?> Found)> _waiters = [];

    static ForegroundProcess() => AppDomain.CurrentDomain.ProcessExit += (_, _) => StopAll();

    private ForegroundProcess(ProcessStartInfo start)
    {
        _process = new Process { StartInfo = start };
        _process.OutputDataReceived += (_, e) => Add(e.Data);
        _process.ErrorDataReceived += (_, e) => Add(e.Data);
        _process.Start();
        Running[this] = 0;
        _process.StandardInput.Close();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        Id = _process.Id;
        Exited = WatchAsync();
    }

    public int Id { get; }

    /// <summary>Gets a task which ends with the process, after its last line of output.</summary>
    public Task<int> Exited { get; }

    /// <summary>Gets everything the process wrote so far.</summary>
    public string Output
    {
        get
        {
            lock (_lock)
            {
                return string.Join('\n', _lines);
            }
        }
    }

    public static ForegroundProcess Start(string program, IEnumerable<string> arguments, params (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        return new ForegroundProcess(start);
    }

    /// <summary>Waits for a line of output, past or future; <see langword="null"/> when the process ends without it.</summary>
    public Task<string?> WaitForLineAsync(Func<string, bool> isMatch)
    {
        lock (_lock)
        {
            if (_lines.Find(line => isMatch(line)) is { } line)
            {
                return Task.FromResult<string?>(line);
            }

            if (Exited is { IsCompleted: true })
            {
                return Task.FromResult<string?>(null);
            }

            var found = new TaskCompletionSource<string?>(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiters.Add((isMatch, found));
            return found.Task.OrTimeout();
        }
    }

    public void Signal(int signal)
    {
        if (!Exited.IsCompleted)
        {
            Signals.Send(Id, signal);
        }
    }

    public async ValueTask DisposeAsync()
    {
        Signal(Signals.Terminate);
        try
        {
            await Exited.OrTimeout();
        }
        catch (TimeoutException timeout)
        {
            _process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{_process.StartInfo.FileName} ignored SIGTERM:\n{Output}", timeout);
        }
        finally
        {
            Running.TryRemove(this, out _);
            _process.Dispose();
        }
    }

    private static void StopAll()
    {
        foreach (var process in Running.Keys)
        {
            process.Signal(Signals.Terminate);
        }
    }

    private async Task<int> WatchAsync()
    {
        await _process.WaitForExitAsync();
        lock (_lock)
        {
            _waiters.ForEach(waiter => waiter.Found.TrySetResult(null));
            _waiters.Clear();
        }

        return _process.ExitCode;
    }

    private void Add(string? line)
    {
        if (line is null)
        {
            return;
        }

        lock (_lock)
        {
            _lines.Add(line);
            foreach (var waiter in _waiters.Where(waiter => waiter.IsMatch(line)).ToList())
            {
                waiter.Found.TrySetResult(line);
                _waiters.Remove(waiter);
            }
        }
    }
}
