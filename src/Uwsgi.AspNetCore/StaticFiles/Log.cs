using Microsoft.Extensions.Logging;
using Uwsgi.AspNetCore.Diagnostics;

namespace Uwsgi.AspNetCore.StaticFiles;

/// <summary>The log catalogue of static files: at start in <c>Uwsgi.AspNetCore</c>, of requests in <c>Uwsgi.AspNetCore.Requests</c>.</summary>
internal static partial class Log
{
    [LoggerMessage(EventIds.StaticRootMissing, LogLevel.Information, "The static files' {Path} does not exist. It is looked for again with each request.", EventName = nameof(StaticRootMissing))]
    public static partial void StaticRootMissing(ILogger logger, string path);

    [LoggerMessage(EventIds.StaticFileOutside, LogLevel.Warning, "{Path} leads to {RealPath}, outside of {Root} and every directory of Uwsgi:StaticSafe: the application gets the request. More of it is logged at Debug.", EventName = nameof(StaticFileOutside))]
    public static partial void StaticFileOutside(ILogger logger, string path, string realPath, string root);

    [LoggerMessage(EventIds.StaticFileOutsideAgain, LogLevel.Debug, "{Path} leads out of its directory.", EventName = nameof(StaticFileOutsideAgain))]
    public static partial void StaticFileOutsideAgain(ILogger logger, string path);

    [LoggerMessage(EventIds.StaticFileUnreadable, LogLevel.Warning, "{Path} cannot be read: the application gets the request.", EventName = nameof(StaticFileUnreadable))]
    public static partial void StaticFileUnreadable(ILogger logger, string path, Exception error);

    [LoggerMessage(EventIds.StaticExpiresTimeout, LogLevel.Warning, "A regular expression of Uwsgi:StaticExpires took too long for {Path}; it counts as not matching.", EventName = nameof(StaticExpiresTimeout))]
    public static partial void StaticExpiresTimeout(ILogger logger, string path);
}
