namespace Uwsgi.AspNetCore.RequestLog;

/// <summary>What a segment of a log line stands for. Those from <see cref="Uri"/> on are uWSGI's variables, by their names there.</summary>
internal enum LogVariable
{
    /// <summary>Text of the format itself.</summary>
    Text,

    /// <summary>A variable of the request, <c>%(var.NAME)</c>.</summary>
    RequestVariable,

    /// <summary>A metric of uWSGI's, <c>%(metric.NAME)</c>; there are none here.</summary>
    Metric,

    /// <summary>A value of the application's, any other name.</summary>
    AppValue,

    Uri,
    Method,
    User,
    Addr,
    Host,
    Proto,
    UAgent,
    Referer,
    Status,
    Size,
    RSize,
    HSize,
    Cl,
    Headers,
    Micros,
    Msecs,
    Secs,
    Epoch,
    Time,
    TMsecs,
    TMicros,
    CTime,
    LTime,
    FTime,
    Pid,
    Wid,
    Core,
    Switches,
    Vars,
    PktSize,
    Modifier1,
    Modifier2,
    Rss,
    Vsz,
    RssM,
    VszM,
    RErr,
    WErr,
    IOErr,
}
