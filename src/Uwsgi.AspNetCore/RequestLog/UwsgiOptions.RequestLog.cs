namespace Uwsgi.AspNetCore;

public sealed partial class UwsgiOptions
{
    /// <summary>Gets or sets the form of a request's log line.</summary>
    /// <value>
    /// Text with uWSGI's variables, such as <c>%(addr) %(method) %(uri) %(status) %(msecs)</c>. <see langword="null"/>, the default, is uWSGI's own
    /// line. Setting it turns the log on. uWSGI's option is <c>log-format</c>.
    /// </value>
    /// <remarks>
    /// The lines go to the logger category <c>Uwsgi.AspNetCore.RequestLog</c> at the level Information. What clients send is escaped, so that none
    /// can forge a line.
    /// </remarks>
    public string? LogFormat { get; set; }

    /// <summary>Gets or sets whether requests are logged.</summary>
    /// <value>
    /// <see langword="false"/> logs every request; <see langword="true"/> only those that <see cref="LogSlow"/>, <see cref="Log4xx"/> or
    /// <see cref="Log5xx"/> choose. <see langword="null"/>, the default, is <see langword="false"/> when there is a <see cref="LogFormat"/>, otherwise
    /// <see langword="true"/>. uWSGI's option is <c>disable-logging</c>, where the default is to log.
    /// </value>
    public bool? DisableLogging { get; set; }

    /// <summary>Gets or sets from what time on a request is logged even when logging is disabled.</summary>
    /// <value>Milliseconds, zero or more, as in uWSGI; <see langword="null"/>, the default, chooses none. uWSGI's option is <c>log-slow</c>.</value>
    public int? LogSlow { get; set; }

    /// <summary>Gets or sets whether requests answered with status 400 to 499 are logged even when logging is disabled.</summary>
    /// <value>The default is <see langword="false"/>. uWSGI's option is <c>log-4xx</c>.</value>
    public bool Log4xx { get; set; }

    /// <summary>Gets or sets whether requests answered with status 500 to 599 are logged even when logging is disabled.</summary>
    /// <value>The default is <see langword="false"/>. uWSGI's option is <c>log-5xx</c>.</value>
    public bool Log5xx { get; set; }

    /// <summary>Gets or sets whether the log line's address is the whole X-Forwarded-For header.</summary>
    /// <value>The default is <see langword="false"/>. Clients can send anything in it. uWSGI's option is <c>log-x-forwarded-for</c>.</value>
    public bool LogXForwardedFor { get; set; }
}
