namespace Uwsgi.AspNetCore;

public sealed partial class UwsgiOptions
{
    /// <summary>Gets the addresses on which statistics are served, in the forms of <see cref="Sockets"/>.</summary>
    /// <value>Empty by default. <see cref="AllowFrom"/> holds for them, too. uWSGI's option is <c>stats</c>.</value>
    /// <remarks>
    /// Whoever connects receives one JSON document of uWSGI's schema, and the connection is closed; uwsgitop and uwsgi_exporter work with it.
    /// Cookies, credentials and the data of client certificates of running requests are masked.
    /// </remarks>
    public IList<string> Stats { get; } = [];

    /// <summary>Gets or sets whether the statistics' sockets wait for a request and answer it in HTTP.</summary>
    /// <value>The default is <see langword="false"/>. uWSGI's option is <c>stats-http</c>.</value>
    public bool StatsHttp { get; set; }

    /// <summary>Gets or sets whether the statistics come without white space.</summary>
    /// <value>The default is <see langword="false"/>. uWSGI's option is <c>stats-minified</c>.</value>
    public bool StatsMinified { get; set; }
}
