using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Uwsgi.AspNetCore.Diagnostics;
using Uwsgi.AspNetCore.Workers;

namespace Uwsgi.AspNetCore.RequestLog;

/// <summary>Logs each request, or those the options choose, once its response is complete.</summary>
internal sealed partial class RequestLogger : IRequestObserver
{
    private readonly ILogger _logger;
    private readonly LogLineWriter _writer;
    private readonly bool _logsAll;
    private readonly bool _logs4xx;
    private readonly bool _logs5xx;
    private readonly TimeSpan? _slow;
    private long _requests;

    public RequestLogger(IOptions<UwsgiOptions> options, ILoggerFactory loggerFactory, TimeProvider? time = null)
    {
        var settings = options.Value;
        LogFormat? format = null;
        if (settings.LogFormat is { } text && LogFormat.TryParse(text, out format) is { } error)
        {
            throw new OptionsValidationException(nameof(UwsgiOptions), typeof(UwsgiOptions), [error]);
        }

        _logger = loggerFactory.CreateLogger("Uwsgi.AspNetCore.RequestLog");
        _writer = new LogLineWriter(format, settings.LogXForwardedFor, time ?? TimeProvider.System);
        _logsAll = !(settings.DisableLogging ?? format is null);
        _logs4xx = settings.Log4xx;
        _logs5xx = settings.Log5xx;
        _slow = settings.LogSlow is { } milliseconds ? TimeSpan.FromMilliseconds(milliseconds) : null;
    }

    public bool IsEnabled => _logsAll || _logs4xx || _logs5xx || _slow is not null;

    public void RequestEnded(Core core, TimeSpan elapsed)
    {
        var number = Interlocked.Increment(ref _requests);
        var status = LoggedRequest.GetStatus(core);
        if (IsChosen(status, elapsed) && _logger.IsEnabled(LogLevel.Information))
        {
            Log.RequestLogged(_logger, _writer.Write(core, elapsed, number), status, elapsed.TotalMilliseconds);
        }
    }

    private bool IsChosen(int status, TimeSpan elapsed) =>
        _logsAll || elapsed >= _slow || (_logs4xx && status is >= 400 and <= 499) || (_logs5xx && status is >= 500 and <= 599);

    private static partial class Log
    {
        // Status and time are not in the message but among its values, for those who collect them.
#pragma warning disable SYSLIB1015
        [LoggerMessage(EventIds.RequestLogged, LogLevel.Information, "{Line}", EventName = nameof(RequestLogged), SkipEnabledCheck = true)]
        public static partial void RequestLogged(ILogger logger, string line, int statusCode, double elapsedMilliseconds);
#pragma warning restore SYSLIB1015
    }
}
