using Microsoft.Extensions.Logging;

namespace Uwsgi.AspNetCore.Transport.Loop;

/// <summary>What Kestrel logs about its connections, category <c>Microsoft.AspNetCore.Server.Kestrel.Connections</c>, for those it does not see.</summary>
internal static partial class KestrelLog
{
    public const string Category = "Microsoft.AspNetCore.Server.Kestrel.Connections";

    [LoggerMessage(1, LogLevel.Debug, "Connection id \"{ConnectionId}\" started.", EventName = nameof(ConnectionStart))]
    public static partial void ConnectionStart(ILogger logger, string connectionId);

    [LoggerMessage(2, LogLevel.Debug, "Connection id \"{ConnectionId}\" stopped.", EventName = nameof(ConnectionStop))]
    public static partial void ConnectionStop(ILogger logger, string connectionId);

    [LoggerMessage(
        24, LogLevel.Warning, "Connection id \"{ConnectionId}\" rejected because the maximum number of concurrent connections has been reached.",
        EventName = nameof(ConnectionRejected))]
    public static partial void ConnectionRejected(ILogger logger, string connectionId);

    [LoggerMessage(39, LogLevel.Debug, "Connection id \"{ConnectionId}\" accepted.", EventName = nameof(ConnectionAccepted))]
    public static partial void ConnectionAccepted(ILogger logger, string connectionId);

    [LoggerMessage(0, LogLevel.Error, "Unhandled exception while processing {ConnectionId}.", EventName = nameof(HandlerFailed))]
    public static partial void HandlerFailed(ILogger logger, string connectionId, Exception error);

    [LoggerMessage(
        0, LogLevel.Error, "An error occurred running an IConnectionCompleteFeature.OnCompleted callback.", EventName = nameof(CompletionFailed))]
    public static partial void CompletionFailed(ILogger logger, Exception error);

    [LoggerMessage(0, LogLevel.Error, "An error occurred running an IConnectionHeartbeatFeature.OnHeartbeat callback.", EventName = nameof(HeartbeatFailed))]
    public static partial void HeartbeatFailed(ILogger logger, Exception error);
}
