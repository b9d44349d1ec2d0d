using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.FunctionalTests.Responses;

/// <summary>The events by which an application and its test tell each other how far they are.</summary>
internal static class Events
{
    public static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    public static TaskCompletionSource<T> New<T>() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Waits for the host's own entry on a finished request, which it logs when the server disposes the context.</summary>
    public static Task<LogEntry> WaitForRequestEndAsync(this LogSink logs) => logs.WaitForAsync(IsRequestEnd);

    public static bool IsRequestEnd(LogEntry entry) => entry is { Category: "Microsoft.AspNetCore.Hosting.Diagnostics", EventId.Id: 2 };
}
