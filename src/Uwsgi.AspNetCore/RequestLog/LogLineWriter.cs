using Uwsgi.AspNetCore.Workers;

namespace Uwsgi.AspNetCore.RequestLog;

/// <summary>Writes a request's line, in uWSGI's own form or in a format.</summary>
internal sealed class LogLineWriter(LogFormat? format, bool isAddressForwarded, TimeProvider time)
{
    private const long Megabyte = 1024 * 1024;

    // One worker, as in uWSGI without a master; and a request never changes its core.
    private const int WorkerId = 1;
    private const int Switches = 1;

    private readonly ProcessFigures _process = new(time);

    /// <param name="core">The request.</param>
    /// <param name="elapsed">How long it took.</param>
    /// <param name="number">Its number among all requests.</param>
    /// <returns>The line.</returns>
    public string Write(Core core, TimeSpan elapsed, long number)
    {
        var request = new LoggedRequest(core, elapsed, TimeZoneInfo.ConvertTime(time.GetUtcNow() - elapsed, time.LocalTimeZone));
        var line = new LogLine();
        try
        {
            if (format is null)
            {
                WriteDefault(ref line, request, number);
            }
            else
            {
                foreach (var segment in format.Segments)
                {
                    Write(ref line, segment, request);
                }
            }

            return line.ToString();
        }
        finally
        {
            line.Dispose();
        }
    }

    // [pid: 18479|app: 0|req: 1/1] 127.0.0.9 (bob) {26 vars in 292 bytes} [Sun Nov 22 08:08:51 2026] GET /ok => generated 439 bytes in 0 msecs
    // (HTTP/1.1 200) 2 headers in 72 bytes (1 switches on core 0), where what is missing leaves an empty place.
    private void WriteDefault(ref LogLine line, in LoggedRequest request, long number)
    {
        var core = request.Core;
        line.Append("[pid: ");
        line.Append(Environment.ProcessId);
        line.Append("|app: ");
        line.Append(core.App?.Id ?? -1);
        line.Append("|req: ");
        line.Append(core.App is null ? -1 : core.AppRequest);
        line.Append('/');
        line.Append(number);
        line.Append("] ");
        request.TryAppendAddress(ref line, isAddressForwarded);
        line.Append(" (");
        request.TryAppendUser(ref line);
        var (variables, bytes) = request.MeasureVariables();
        line.Append(") {");
        line.Append(variables * 2);
        line.Append(" vars in ");
        line.Append(bytes);
        line.Append(" bytes} [");
        LogTime.AppendCTime(ref line, request.Start);
        line.Append("] ");
        request.TryAppend(ref line, "REQUEST_METHOD", keepBlanks: false);
        line.Append(' ');
        request.TryAppend(ref line, "REQUEST_URI", keepBlanks: false);
        line.Append(" => generated ");
        line.Append(core.Counters?.BodyBytesSent ?? 0);
        line.Append(" bytes in ");
        line.Append((long)request.Elapsed.TotalMilliseconds);
        line.Append(" msecs");
        line.Append(core.IsOffloaded ? " via offload()" : core is { IsStatic: true, Counters.BodyBytesSent: > 0 } ? " via sendfile()" : string.Empty);
        line.Append(" (");
        request.TryAppend(ref line, "SERVER_PROTOCOL", keepBlanks: false);
        line.Append(' ');
        line.Append(request.Status);
        line.Append(") ");
        line.Append(core.Counters?.HeadFieldsSent ?? 0);
        line.Append(" headers in ");
        line.Append(core.Counters?.HeadBytesSent ?? 0);
        line.Append(" bytes (");
        line.Append(Switches);
        line.Append(" switches on core ");
        line.Append(core.Id);
        line.Append(')');
    }

    private void Write(ref LogLine line, LogFormat.Segment segment, in LoggedRequest request)
    {
        if (segment.Variable == LogVariable.Text)
        {
            line.Append(segment.Text);
        }
        else if (!TryWriteText(ref line, segment, request, out var isKnown) && isKnown)
        {
            line.Append('-');
        }
        else if (!isKnown)
        {
            WriteNumber(ref line, segment.Variable, request);
        }
    }

    // Values that may be missing.
    private bool TryWriteText(ref LogLine line, LogFormat.Segment segment, in LoggedRequest request, out bool isKnown)
    {
        isKnown = true;
        switch (segment.Variable)
        {
            case LogVariable.RequestVariable:
                return request.TryAppend(ref line, segment.Text, keepBlanks: true);
            case LogVariable.AppValue:
                return request.TryAppendAppValue(ref line, segment.Text);
            case LogVariable.Metric:
                return false;
            case LogVariable.Uri:
                return request.TryAppend(ref line, "REQUEST_URI", keepBlanks: false);
            case LogVariable.Method:
                return request.TryAppend(ref line, "REQUEST_METHOD", keepBlanks: false);
            case LogVariable.User:
                return request.TryAppendUser(ref line);
            case LogVariable.Addr:
                return request.TryAppendAddress(ref line, isAddressForwarded);
            case LogVariable.Host:
                return request.TryAppendHost(ref line);
            case LogVariable.Proto:
                return request.TryAppend(ref line, "SERVER_PROTOCOL", keepBlanks: false);
            case LogVariable.UAgent:
                return request.TryAppend(ref line, "HTTP_USER_AGENT", keepBlanks: true);
            case LogVariable.Referer:
                return request.TryAppend(ref line, "HTTP_REFERER", keepBlanks: true);
            case LogVariable.CTime:
                LogTime.AppendCTime(ref line, request.Start);
                return true;

            // uWSGI's %(ftime) is %(ltime) unless there is a format of strftime for it.
            case LogVariable.LTime or LogVariable.FTime:
                LogTime.AppendCommonTime(ref line, request.Start);
                return true;
            case LogVariable.Secs:
                line.Append(request.Elapsed.TotalSeconds, "F6");
                return true;
            default:
                isKnown = false;
                return false;
        }
    }

    private void WriteNumber(ref LogLine line, LogVariable variable, in LoggedRequest request)
    {
        var counters = request.Core.Counters;
        line.Append(variable switch
        {
            LogVariable.Status => request.Status,
            LogVariable.Size => (counters?.HeadBytesSent ?? 0) + (counters?.BodyBytesSent ?? 0),
            LogVariable.RSize => counters?.BodyBytesSent ?? 0,
            LogVariable.HSize => counters?.HeadBytesSent ?? 0,
            LogVariable.Headers => counters?.HeadFieldsSent ?? 0,
            LogVariable.Cl => request.GetContentLength(),
            LogVariable.Micros => (long)request.Elapsed.TotalMicroseconds,
            LogVariable.Msecs => (long)request.Elapsed.TotalMilliseconds,
            LogVariable.Epoch => time.GetUtcNow().ToUnixTimeSeconds(),
            LogVariable.Time => request.Start.ToUnixTimeSeconds(),
            LogVariable.TMsecs => request.Start.ToUnixTimeMilliseconds(),
            LogVariable.TMicros => (request.Start - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond,
            LogVariable.Pid => Environment.ProcessId,
            LogVariable.Wid => WorkerId,
            LogVariable.Core => request.Core.Id,
            LogVariable.Switches => Switches,
            LogVariable.Vars => request.MeasureVariables().Count * 2,
            LogVariable.PktSize => request.MeasureVariables().Bytes,
            LogVariable.Modifier1 => request.Gateway?.Modifier1 ?? 0,
            LogVariable.Modifier2 => request.Gateway?.Modifier2 ?? 0,
            LogVariable.Rss => _process.ReadMemory().Resident,
            LogVariable.RssM => _process.ReadMemory().Resident / Megabyte,
            LogVariable.Vsz => _process.ReadMemory().Virtual,
            LogVariable.VszM => _process.ReadMemory().Virtual / Megabyte,
            LogVariable.RErr => Count(counters?.HasReadFailed),
            LogVariable.WErr => Count(counters?.HasWriteFailed),
            _ => Count(counters?.HasReadFailed) + Count(counters?.HasWriteFailed),
        });
    }

    private static long Count(bool? hasFailed) => hasFailed == true ? 1 : 0;
}
