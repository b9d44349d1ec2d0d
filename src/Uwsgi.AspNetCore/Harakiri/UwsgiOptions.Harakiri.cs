namespace Uwsgi.AspNetCore;

public sealed partial class UwsgiOptions
{
    /// <summary>Gets or sets how long a request may take.</summary>
    /// <value>
    /// More than zero, checked a few times a second; <see langword="null"/>, the default, sets no limit. A mount, an endpoint (<c>[Harakiri(5)]</c>,
    /// <c>WithHarakiri</c>, <c>DisableHarakiri</c>) or the request itself (<see cref="IHarakiriFeature"/>) can have a time of its own.
    /// </value>
    /// <remarks>
    /// At the deadline <c>RequestAborted</c> fires. After <see cref="HarakiriGrace"/> the request is taken from the application: the client gets
    /// status 504, or a visibly cut response when that has begun. WebSockets and server-sent events are exempt unless their endpoint has a
    /// time of its own. Not enforced while a debugger is attached. uWSGI's option is <c>harakiri</c>.
    /// </remarks>
    public TimeSpan? Harakiri { get; set; }

    /// <summary>Gets or sets how long an application may take to react to its cancelled request.</summary>
    /// <value>Zero or more. The default is 5 seconds. uWSGI's option is <c>harakiri-graceful-timeout</c>.</value>
    public TimeSpan HarakiriGrace { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Gets or sets how many requests that were taken from the application may go on running in it.</summary>
    /// <value>Zero or more. The default is 8. With one more <see cref="HarakiriAction"/> is taken.</value>
    public int HarakiriMaxStuck { get; set; } = 8;

    /// <summary>Gets or sets what happens when more than <see cref="HarakiriMaxStuck"/> requests hang.</summary>
    /// <value>The default is <see cref="HarakiriAction.Log"/>.</value>
    public HarakiriAction HarakiriAction { get; set; }

    /// <summary>Gets or sets what is called at each stage of a request that takes too long.</summary>
    /// <value>
    /// <see langword="null"/>, the default, calls nothing. It runs on a thread of the watchdog's own and should return soon; what it throws is
    /// logged.
    /// </value>
    public Action<HarakiriContext>? OnHarakiri { get; set; }

    /// <summary>Gets or sets after how many requests the host stops, for a supervisor to start it again.</summary>
    /// <value>
    /// 1 or more; up to a tenth is added by chance, so that siblings do not stop together. <see langword="null"/>, the default, sets no limit.
    /// The exit code is <see cref="UwsgiExitCodes.Recycle"/>. uWSGI's option is <c>max-requests</c>.
    /// </value>
    public long? MaxRequests { get; set; }

    /// <summary>Gets or sets after what time the host stops, for a supervisor to start it again.</summary>
    /// <value>More than zero, plus up to a tenth by chance; <see langword="null"/>, the default, sets no limit. uWSGI's option is <c>max-worker-lifetime</c>.</value>
    public TimeSpan? MaxWorkerLifetime { get; set; }

    /// <summary>Gets or sets the resident memory at which the host stops, for a supervisor to start it again.</summary>
    /// <value>
    /// Megabytes (1,048,576 bytes), 1 or more, plus up to a tenth by chance; <see langword="null"/>, the default, sets no limit. uWSGI's option is
    /// <c>reload-on-rss</c>.
    /// </value>
    public long? ReloadOnRss { get; set; }
}
