namespace Uwsgi.AspNetCore.RequestLog;

/// <summary>Writes points in time the way C and Apache do.</summary>
internal static class LogTime
{
    /// <summary>Appends the form of <c>ctime</c>: <c>Sun Nov 22 08:08:51 2026</c>.</summary>
    public static void AppendCTime(ref LogLine line, DateTimeOffset time)
    {
        line.Append(time, "ddd MMM ");
        if (time.Day < 10)
        {
            line.Append(' ');
        }

        line.Append(time.Day);
        line.Append(time, " HH:mm:ss yyyy");
    }

    /// <summary>Appends the form of the common log format: <c>22/Nov/2026:08:08:51 +0000</c>.</summary>
    public static void AppendCommonTime(ref LogLine line, DateTimeOffset time)
    {
        line.Append(time, "dd'/'MMM'/'yyyy':'HH':'mm':'ss ");
        line.Append(time.Offset < TimeSpan.Zero ? '-' : '+');
        line.Append(time.Offset.Duration().Hours * 100 + time.Offset.Duration().Minutes, "D4");
    }
}
