namespace Uwsgi.AspNetCore.Benchmarks;

/// <summary>Ends a command with a message for the person who ran it, and exit code 1.</summary>
internal sealed class CommandException(string message) : Exception(message);
