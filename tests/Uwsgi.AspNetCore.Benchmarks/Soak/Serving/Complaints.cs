using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Uwsgi.AspNetCore.Benchmarks.Soak.Serving;

/// <summary>Keeps the errors that the server or the app logs: under soak there should be none.</summary>
internal sealed class Complaints : ILoggerProvider
{
    private const int Most = 20;

    private readonly ConcurrentQueue<string> _lines = new();

    public void Add(string line)
    {
        if (_lines.Count < Most)
        {
            _lines.Enqueue(line);
        }
    }

    /// <summary>Gets what has come in since the last call.</summary>
    public string[] Take()
    {
        List<string> lines = [];
        while (_lines.TryDequeue(out var line))
        {
            lines.Add(line);
        }

        return [.. lines];
    }

    public ILogger CreateLogger(string categoryName) => new Logger(this, categoryName);

    public void Dispose()
    {
    }

    private sealed class Logger(Complaints complaints, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Error;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
            {
                complaints.Add($"{logLevel} {category}: {formatter(state, exception)} {exception}");
            }
        }
    }
}
