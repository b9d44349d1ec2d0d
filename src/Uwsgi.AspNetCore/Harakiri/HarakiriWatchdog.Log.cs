using System.Net;
using Microsoft.Extensions.Logging;
using Uwsgi.AspNetCore.Diagnostics;

namespace Uwsgi.AspNetCore.Harakiri;

internal sealed partial class HarakiriWatchdog
{
    private static partial class Log
    {
        // The first words are uWSGI's, for the alarms that wait for them.
        [LoggerMessage(EventIds.Harakiri, LogLevel.Warning, "*** HARAKIRI ON WORKER 1 (pid: {Pid}, core: {Core}, stage: {Stage}) *** {RemoteAddress} - {Method} {Target} in mount \"{Mount}\" took {ElapsedMs} ms, its limit is {TimeoutMs} ms; request {TraceIdentifier}, {BytesReceived} bytes in, {BytesSent} bytes out, {Stuck} requests stuck.", EventName = nameof(Harakiri))]
        public static partial void Harakiri(
            ILogger logger, int pid, int core, HarakiriStage stage, IPAddress? remoteAddress, string method, string target, string mount, long elapsedMs, long timeoutMs, string traceIdentifier, long bytesReceived, long bytesSent, int stuck);

        [LoggerMessage(EventIds.HarakiriCancelled, LogLevel.Information, "{Method} {Target} takes longer than its {TimeoutMs} ms; request {TraceIdentifier} is cancelled.", EventName = nameof(HarakiriCancelled))]
        public static partial void HarakiriCancelled(ILogger logger, string method, string target, long timeoutMs, string traceIdentifier);

        [LoggerMessage(EventIds.TooManyStuck, LogLevel.Critical, "{Stuck} requests were taken from the application and still run in it, more than Uwsgi:HarakiriMaxStuck ({MaxStuck}). Action: {Action}.", EventName = nameof(TooManyStuck))]
        public static partial void TooManyStuck(ILogger logger, int stuck, int maxStuck, HarakiriAction action);

        [LoggerMessage(EventIds.HarakiriCallbackFailed, LogLevel.Error, "The callback OnHarakiri has failed.", EventName = nameof(HarakiriCallbackFailed))]
        public static partial void HarakiriCallbackFailed(ILogger logger, Exception error);

        [LoggerMessage(EventIds.CancellationCallbackFailed, LogLevel.Warning, "A callback registered on RequestAborted has failed.", EventName = nameof(CancellationCallbackFailed))]
        public static partial void CancellationCallbackFailed(ILogger logger, Exception error);

        [LoggerMessage(EventIds.SweepFailed, LogLevel.Critical, "An invariant of the harakiri watchdog broke; it goes on. Please report this.", EventName = nameof(SweepFailed))]
        public static partial void SweepFailed(ILogger logger, Exception error);

        [LoggerMessage(EventIds.ForcedExit, LogLevel.Critical, "The host did not stop within {Seconds} s; the process ends with exit code {ExitCode}.", EventName = nameof(ForcedExit))]
        public static partial void ForcedExit(ILogger logger, double seconds, int exitCode);
    }
}
