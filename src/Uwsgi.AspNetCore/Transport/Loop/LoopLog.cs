using System.Net;
using Microsoft.Extensions.Logging;
using Uwsgi.AspNetCore.Diagnostics;

namespace Uwsgi.AspNetCore.Transport.Loop;

/// <summary>The log catalogue of the event loop, category <c>Uwsgi.AspNetCore</c>.</summary>
internal static partial class LoopLog
{
    [LoggerMessage(
        EventIds.AcceptFailed, LogLevel.Warning,
        "Connections to {EndPoint} have to wait: the system has no descriptors or memory left for them (errno {Error}). Raise the limit of open files (ulimit -n).",
        EventName = nameof(AcceptFailed))]
    public static partial void AcceptFailed(ILogger logger, EndPoint endPoint, int error);

    [LoggerMessage(
        EventIds.ConnectionsLeft, LogLevel.Warning, "{Count} connections of {EndPoint} did not end although they were aborted.",
        EventName = nameof(ConnectionsLeft))]
    public static partial void ConnectionsLeft(ILogger logger, int count, EndPoint endPoint);

    [LoggerMessage(EventIds.LoopThreadFailed, LogLevel.Critical, "An event could not be handled.", EventName = nameof(LoopThreadFailed))]
    public static partial void LoopThreadFailed(ILogger logger, Exception error);

    [LoggerMessage(
        EventIds.ThreadMissing, LogLevel.Warning,
        "The system has no room for another thread; {Count} threads serve all connections. Raise the limit of processes (ulimit -u, or the container's).",
        EventName = nameof(ThreadMissing))]
    public static partial void ThreadMissing(ILogger logger, int count, Exception error);
}
