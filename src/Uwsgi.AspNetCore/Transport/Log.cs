using Microsoft.Extensions.Logging;
using Uwsgi.AspNetCore.Diagnostics;

namespace Uwsgi.AspNetCore.Transport;

/// <summary>The log catalogue of listening, category <c>Uwsgi.AspNetCore</c>.</summary>
internal static partial class Log
{
    [LoggerMessage(EventIds.StaleSocketRemoved, LogLevel.Information, "Removed {Path}, the socket of a server that is gone.", EventName = nameof(StaleSocketRemoved))]
    public static partial void StaleSocketRemoved(ILogger logger, string path);

    [LoggerMessage(EventIds.BacklogUnknown, LogLevel.Debug, "The system does not tell how many connections wait on {Socket}; it will be shown as 0.", EventName = nameof(BacklogUnknown))]
    public static partial void BacklogUnknown(ILogger logger, string socket, Exception error);
}
