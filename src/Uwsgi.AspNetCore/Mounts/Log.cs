using Microsoft.Extensions.Logging;
using Uwsgi.AspNetCore.Diagnostics;

namespace Uwsgi.AspNetCore.Mounts;

/// <summary>The log catalogue of mounts, category <c>Uwsgi.AspNetCore</c>.</summary>
internal static partial class Log
{
    [LoggerMessage(EventIds.UnknownApp, LogLevel.Warning, "The web server named the app \"{App}\", which nobody has added; the answer is 404. AddUwsgiApp has added: {Apps}. Further requests for it are logged at Debug.", EventName = nameof(UnknownApp))]
    public static partial void UnknownApp(ILogger logger, string app, string apps);

    [LoggerMessage(EventIds.UnknownAppAgain, LogLevel.Debug, "The web server named the unknown app \"{App}\" again.", EventName = nameof(UnknownAppAgain))]
    public static partial void UnknownAppAgain(ILogger logger, string app);

    [LoggerMessage(EventIds.AppsNotMounted, LogLevel.Warning, "No mount names these apps of AddUwsgiApp, and nothing can reach them: {Apps}. Add them to Uwsgi:Mounts.", EventName = nameof(AppsNotMounted))]
    public static partial void AppsNotMounted(ILogger logger, string apps);
}
