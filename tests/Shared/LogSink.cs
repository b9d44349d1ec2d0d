using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Uwsgi.AspNetCore.Testing;

/// <summary>Collects what is logged, so that a test can look at it and fail on what nobody expected.</summary>
public sealed class LogSink : ILoggerProvider
{
    private readonly ConcurrentQueue<LogEntry> _entries = new();
    private readonly Lock _lock = new();
    private readonly List<(Func<LogEntry, bool> Predicate, TaskCompletionSource<LogEntry> Seen)> _waiters = [];

    /// <summary>Gets a snapshot of everything logged so far, oldest first.</summary>
    public IReadOnlyList<LogEntry> Entries => [.. _entries];

    /// <summary>Creates a factory that logs to this sink alone, at every level.</summary>
    public ILoggerFactory CreateFactory() => LoggerFactory.Create(builder => builder.SetMinimumLevel(LogLevel.Trace).AddProvider(this));

    public ILogger CreateLogger(string categoryName) => new Logger(this, categoryName);

    /// <summary>Fails when anything of level Error or above was logged.</summary>
    public void AssertNoErrors() => AssertNothingAbove(LogLevel.Warning);

    /// <summary>
    /// Fails when anything above a level was logged, by any category that starts with the given text. That Kestrel found the machine slow is nobody's fault.
    /// </summary>
    public void AssertNothingAbove(LogLevel level, string category = "")
    {
        var unexpected = Entries.Where(
            entry => entry.Level > level && entry.Category.StartsWith(category, StringComparison.Ordinal) && entry.EventId.Name != "HeartbeatSlow");
        Assert.Empty(unexpected);
    }

    /// <summary>Gets the entries with an event name.</summary>
    public IReadOnlyList<LogEntry> Find(string eventName) => [.. _entries.Where(entry => entry.EventId.Name == eventName)];

    /// <summary>Waits, with the shared time-out, for an entry that was or will be logged.</summary>
    public async Task<LogEntry> WaitForAsync(Func<LogEntry, bool> predicate)
    {
        Task<LogEntry> seen;
        lock (_lock)
        {
            if (_entries.FirstOrDefault(predicate) is { } entry)
                return entry;

            var waiter = new TaskCompletionSource<LogEntry>(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiters.Add((predicate, waiter));
            seen = waiter.Task;
        }

        return await seen.WithTimeoutAsync();
    }

    /// <summary>Waits, with the shared time-out, for an event that was or will be logged.</summary>
    public Task<LogEntry> WaitForAsync(string eventName) => WaitForAsync(entry => entry.EventId.Name == eventName);

    public void Dispose()
    {
    }

    private void Add(LogEntry entry)
    {
        lock (_lock)
        {
            _entries.Enqueue(entry);
            foreach (var (predicate, seen) in _waiters)
            {
                if (predicate(entry))
                    seen.TrySetResult(entry);
            }
        }
    }

    private sealed class Logger(LogSink sink, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            var values = state as IReadOnlyList<KeyValuePair<string, object?>>;
            sink.Add(new LogEntry(logLevel, eventId, category, formatter(state, exception), exception)
            {
                Values = values is null ? [] : [.. values],
            });
        }
    }
}

/// <summary>One logged message.</summary>
public sealed record LogEntry(LogLevel Level, EventId EventId, string Category, string Message, Exception? Exception)
{
    /// <summary>Gets the values behind the placeholders of the message.</summary>
    public IReadOnlyList<KeyValuePair<string, object?>> Values { get; init; } = [];

    public override string ToString() => $"{Level} {Category}[{EventId}] {Message}{(Exception is null ? null : $" {Exception}")}";
}
