using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace Uwsgi.AspNetCore.Testing;

/// <summary>
/// Records the measurements of one meter. Give the <see cref="IMeterFactory"/> of the host under test, so that hosts of
/// other tests in the same process do not count.
/// </summary>
public sealed class MetricCollector : IDisposable
{
    private readonly MeterListener _listener = new();
    private readonly ConcurrentQueue<Measurement> _measurements = new();
    private readonly Lock _lock = new();
    private readonly List<(Func<Measurement, bool> Predicate, TaskCompletionSource<Measurement> Seen)> _waiters = [];

    /// <param name="meterName">The meter, or the start of its name followed by <c>*</c>.</param>
    /// <param name="scope">The factory that made the meter; null takes every meter of that name.</param>
    public MetricCollector(string meterName, object? scope = null)
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (IsMatch(meterName, instrument.Meter.Name) && (scope is null || ReferenceEquals(scope, instrument.Meter.Scope)))
                listener.EnableMeasurementEvents(instrument);
        };
        _listener.SetMeasurementEventCallback<int>((instrument, value, tags, _) => Record(instrument, value, tags));
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Record(instrument, value, tags));
        _listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Record(instrument, value, tags));
        _listener.Start();
    }

    /// <summary>Gets a snapshot of everything recorded so far, oldest first.</summary>
    public IReadOnlyList<Measurement> Measurements => [.. _measurements];

    /// <summary>Gets the measurements of one instrument.</summary>
    public IReadOnlyList<Measurement> Of(string instrument) =>
        [.. _measurements.Where(measurement => measurement.Instrument == instrument)];

    /// <summary>Gets the sum over one instrument, optionally only where a tag has a value.</summary>
    public double Sum(string instrument, string? tag = null, object? value = null) =>
        Of(instrument).Where(measurement => tag is null || Equals(measurement[tag], value)).Sum(measurement => measurement.Value);

    /// <summary>Reads the observable instruments.</summary>
    public void RecordObservable() => _listener.RecordObservableInstruments();

    /// <summary>Waits, with the shared time-out, for a measurement that was or will be recorded.</summary>
    public async Task<Measurement> WaitForAsync(Func<Measurement, bool> predicate)
    {
        Task<Measurement> seen;
        lock (_lock)
        {
            if (_measurements.FirstOrDefault(predicate) is { } measurement)
                return measurement;

            var waiter = new TaskCompletionSource<Measurement>(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiters.Add((predicate, waiter));
            seen = waiter.Task;
        }

        return await seen.WithTimeoutAsync();
    }

    public void Dispose() => _listener.Dispose();

    private static bool IsMatch(string pattern, string name) =>
        pattern.EndsWith('*') ? name.StartsWith(pattern[..^1], StringComparison.Ordinal) : name == pattern;

    private void Record(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var measurement = new Measurement(instrument.Name, value, tags.ToArray());
        lock (_lock)
        {
            _measurements.Enqueue(measurement);
            foreach (var (predicate, seen) in _waiters)
            {
                if (predicate(measurement))
                    seen.TrySetResult(measurement);
            }
        }
    }

    /// <summary>One recorded value.</summary>
    public sealed record Measurement(string Instrument, double Value, IReadOnlyList<KeyValuePair<string, object?>> Tags)
    {
        /// <summary>Gets the value of a tag, or null.</summary>
        public object? this[string tag] => Tags.FirstOrDefault(pair => pair.Key == tag).Value;
    }
}
