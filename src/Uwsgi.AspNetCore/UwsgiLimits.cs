using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Uwsgi.AspNetCore;

/// <summary>The bounds within which gateway connections are served.</summary>
/// <remarks>None of the time limits is enforced while a debugger is attached, as in Kestrel.</remarks>
public sealed class UwsgiLimits
{
    private long? _maxRequestBodySize = 30_000_000;

    /// <summary>Gets or sets the largest request body.</summary>
    /// <value>
    /// Bytes, zero or more; <see langword="null"/> for no limit. As long as it is not set, the value of
    /// <see cref="KestrelServerLimits.MaxRequestBodySize"/> counts, whose default is 30,000,000.
    /// </value>
    /// <remarks>
    /// A larger body fails the first read with status 413; an app that never reads is not disturbed. A request can change its own limit
    /// through <c>IHttpMaxRequestBodySizeFeature</c> or <c>[RequestSizeLimit]</c>. uWSGI's option is <c>limit-post</c>.
    /// </remarks>
    public long? MaxRequestBodySize
    {
        get => _maxRequestBodySize;
        set
        {
            _maxRequestBodySize = value;
            IsMaxRequestBodySizeSet = true;
        }
    }

    /// <summary>Gets or sets how long the head of a request may take, from the connection's start to the last variable.</summary>
    /// <value>More than zero. The default is 30 seconds, as in Kestrel. uWSGI's option is <c>socket-timeout</c> (4 seconds).</value>
    public TimeSpan RequestHeadersTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Gets or sets how long one read of the request body may wait for the web server.</summary>
    /// <value>More than zero. The default is 60 seconds, nginx's own limit between two writes. The read fails with status 408.</value>
    public TimeSpan RequestBodyTimeout { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>Gets or sets the slowest rate at which a request body may arrive.</summary>
    /// <value><see langword="null"/>, the default, sets no rate: web servers buffer uploads and send them at once.</value>
    /// <remarks>In configuration: <c>{ "BytesPerSecond": 240, "GracePeriod": 5 }</c>. A request can change it through Kestrel's own feature.</remarks>
    public MinDataRate? MinRequestBodyDataRate { get; set; }

    /// <summary>Gets or sets the slowest rate at which the web server may take a response.</summary>
    /// <value><see langword="null"/>, the default, sets no rate. The connection is aborted when the rate is not kept.</value>
    public MinDataRate? MinResponseDataRate { get; set; }

    /// <summary>Gets or sets how many bytes of an unread request body are read and discarded behind the response.</summary>
    /// <value>Bytes, zero or more; <see langword="null"/> for no limit. The default is 67,108,864 (64 MiB).</value>
    /// <remarks>Closing a connection with unread input can cost the response on its way: nginx and Apache then answer 502 or 503.</remarks>
    public long? MaxDrainBytes { get; set; } = 64 * 1024 * 1024;

    /// <summary>Gets or sets how long an unread request body is read and discarded behind the response.</summary>
    /// <value>Zero or more. The default is 5 seconds, as in Kestrel.</value>
    public TimeSpan DrainTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Gets or sets how many gateway connections are served at once.</summary>
    /// <value>More than zero; <see langword="null"/>, the default, for no limit.</value>
    /// <remarks>
    /// A connection beyond the limit is closed without an answer, which lets a web server with several upstreams try the next. On a port
    /// for all protocols (<see cref="UwsgiOptions.AutoSockets"/>) HTTP is counted only until it is told; then Kestrel's own limit holds.
    /// </remarks>
    public long? MaxConcurrentConnections { get; set; }

    /// <summary>Gets or sets how many gateway connections may be upgraded (WebSockets) at once.</summary>
    /// <value>Zero or more; <see langword="null"/>, the default, for no limit.</value>
    public long? MaxConcurrentUpgradedConnections { get; set; }

    /// <summary>Gets or sets how many headers a request may have; variables of the web server do not count.</summary>
    /// <value>More than zero. The default is 100, as in Kestrel. More are answered with status 431.</value>
    public int MaxRequestHeaderCount { get; set; } = 100;

    /// <summary>Gets or sets how long a kept FastCGI connection may be idle between requests.</summary>
    /// <value>
    /// More than zero. The default is 130 seconds, as in Kestrel: longer than web servers keep a connection themselves (nginx 60 seconds),
    /// so that a request never meets a connection that is just being closed.
    /// </value>
    public TimeSpan KeepAliveTimeout { get; set; } = TimeSpan.FromSeconds(130);

    /// <summary>Gets or sets how many requests one FastCGI connection may carry at once.</summary>
    /// <value>1 or more. The default is 100. More are answered OVERLOADED; web servers that ask (GET_VALUES) are told the number.</value>
    public int MaxRequestsPerConnection { get; set; } = 100;

    /// <summary>Gets or sets how many requests of one FastCGI connection may have begun without their parameters being complete.</summary>
    /// <value>1 or more. The default is 32. More are answered OVERLOADED.</value>
    public int MaxHalfOpenRequests { get; set; } = 32;

    /// <summary>
    /// Gets or sets how long a request on a FastCGI connection that it shares may leave its body unread, once 128 KiB of it are waiting.
    /// </summary>
    /// <value>
    /// More than zero. The default is 5 seconds. FastCGI cannot hold back one request alone, so meanwhile the others on the connection
    /// wait as well; after it the request is aborted and answered 503. On a connection that never had several requests at once it may take any time.
    /// </value>
    public TimeSpan StalledBodyTimeout { get; set; } = TimeSpan.FromSeconds(5);

    internal bool IsMaxRequestBodySizeSet { get; private set; }
}
