using System.Net;
using Microsoft.Extensions.Logging;
using Uwsgi.AspNetCore.Diagnostics;

namespace Uwsgi.AspNetCore.Stats;

/// <summary>The log catalogue of the statistics, category <c>Uwsgi.AspNetCore.Stats</c>.</summary>
internal static partial class Log
{
    [LoggerMessage(EventIds.StatsPeerRefused, LogLevel.Information, "Refused to show statistics to {RemoteAddress}: it is not in Uwsgi:AllowFrom.", EventName = "StatsPeerRefused")]
    public static partial void StatsPeerRefused(ILogger logger, IPAddress remoteAddress);

    [LoggerMessage(EventIds.StatsConnectionLimit, LogLevel.Information, "Closed a connection: {Limit} others are reading the statistics.", EventName = "StatsConnectionLimit")]
    public static partial void StatsConnectionLimit(ILogger logger, int limit);

    [LoggerMessage(EventIds.StatsConnectionDropped, LogLevel.Debug, "A reader of the statistics has gone, or was too slow.", EventName = "StatsConnectionDropped")]
    public static partial void StatsConnectionDropped(ILogger logger, Exception error);

    [LoggerMessage(EventIds.StatsAcceptFailed, LogLevel.Debug, "A connection to the statistics could not be accepted.", EventName = "StatsAcceptFailed")]
    public static partial void StatsAcceptFailed(ILogger logger, Exception error);

    [LoggerMessage(EventIds.StatsDocumentFailed, LogLevel.Error, "The statistics could not be written.", EventName = "StatsDocumentFailed")]
    public static partial void StatsDocumentFailed(ILogger logger, Exception error);
}
