namespace Uwsgi.AspNetCore.InteropTests.Parity;

/// <summary>Everything the app saw of one request, and the signals between the app and the test that sent it.</summary>
internal sealed class Observation
{
    private readonly Lock _lock = new();
    private readonly SortedDictionary<string, string> _fields = new(StringComparer.Ordinal);
    private readonly Dictionary<string, TaskCompletionSource> _signals = new(StringComparer.Ordinal);

    /// <summary>Gets a value indicating whether the request reached the app.</summary>
    public bool IsEntered => Signal("entered").Task.IsCompleted;

    /// <summary>Waits until the request has reached the app.</summary>
    public Task EnteredAsync() => WaitAsync("entered");

    /// <summary>Waits until the pipeline has returned and hosting has disposed of the request's context.</summary>
    public Task FinishedAsync() => Task.WhenAll(WaitAsync("left"), WaitAsync("measured"));

    public void Enter() => Raise("entered");

    public void Leave() => Raise("left");

    /// <summary>Takes what hosting measured of the request, which it does last of all.</summary>
    public void Measure(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        foreach (var (name, value) in tags)
        {
            Note($"App.Metric[{name}]", value?.ToString());
        }

        Raise("measured");
    }

    /// <summary>Notes something the app saw; noting the same name again adds to it.</summary>
    public void Note(string name, string? value)
    {
        lock (_lock)
        {
            value ??= "(null)";
            _fields[name] = _fields.TryGetValue(name, out var before) ? $"{before}\n{value}" : value;
        }
    }

    /// <summary>Tells the other side, test or app, that something has happened.</summary>
    public void Raise(string signal) => Signal(signal).TrySetResult();

    /// <summary>Waits for a signal of the other side.</summary>
    public Task WaitAsync(string signal) => Signal(signal).Task.OrTimeout();

    public IReadOnlyList<KeyValuePair<string, string>> Read()
    {
        lock (_lock)
        {
            return [.. _fields];
        }
    }

    private TaskCompletionSource Signal(string name)
    {
        lock (_lock)
        {
            if (!_signals.TryGetValue(name, out var signal))
            {
                _signals[name] = signal = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            }

            return signal;
        }
    }
}
