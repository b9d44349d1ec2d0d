using System.Text;

namespace Uwsgi.AspNetCore;

/// <summary>How the application is offered to web servers over gateway protocols.</summary>
/// <remarks>
/// The section <c>"Uwsgi"</c> of the configuration has the same names and is read before the delegate of
/// <c>UseUwsgi(o =&gt; …)</c> runs. A list may also be written as one string, its items separated by <c>;</c> or <c>,</c>; a duration
/// as seconds or as <c>hh:mm:ss</c>. Options are read once, when the server starts.
/// </remarks>
public sealed partial class UwsgiOptions
{
    /// <summary>Gets the addresses on which the uwsgi protocol is served.</summary>
    /// <value>
    /// Empty by default: nothing is opened. Forms: <c>127.0.0.1:3031</c>; <c>:3031</c> (all interfaces, IPv4 and IPv6);
    /// <c>[::1]:3031</c>; <c>localhost:3031</c> (both loopback addresses); <c>/run/app.sock</c> or <c>unix:/run/app.sock</c>;
    /// <c>@name</c> (abstract, Linux); <c>fd://3</c> (inherited descriptor, for instance from systemd). Port 0 lets the system choose.
    /// </value>
    /// <remarks>The same addresses can be given as <c>--urls "uwsgi://127.0.0.1:3031"</c>. uWSGI's option is <c>socket</c>.</remarks>
    public IList<string> Sockets { get; } = [];

    /// <summary>Gets the addresses on which FastCGI is served, in the forms of <see cref="Sockets"/>.</summary>
    /// <value>Empty by default. As <c>--urls "fastcgi://…"</c>; <c>fd://0</c> is the descriptor that spawn-fcgi and lighttpd hand over.</value>
    /// <remarks>uWSGI's option is <c>fastcgi-socket</c>.</remarks>
    public IList<string> FastCgiSockets { get; } = [];

    /// <summary>Gets the addresses on which SCGI is served, in the forms of <see cref="Sockets"/>.</summary>
    /// <value>Empty by default. As <c>--urls "scgi://…"</c>. uWSGI's option is <c>scgi-socket</c>.</value>
    public IList<string> ScgiSockets { get; } = [];

    /// <summary>Gets the addresses on which all protocols are served, in the forms of <see cref="Sockets"/>: uwsgi, FastCGI, SCGI and HTTP/1.1.</summary>
    /// <value>Empty by default. As <c>--urls "gateway://…"</c>.</value>
    /// <remarks>
    /// The first bytes of a connection tell what it speaks; HTTP is Kestrel's own, with Kestrel's limits. The uwsgi modifiers 1 (the
    /// version of FastCGI) and those that are letters, digits or other characters of an HTTP method, except the ping 100, cannot be told
    /// from these protocols and are not served here. <see cref="AllowFrom"/> holds for HTTP, too; other bytes are closed without an answer,
    /// and so is a connection that cannot be told within <see cref="UwsgiLimits.RequestHeadersTimeout"/>.
    /// </remarks>
    public IList<string> AutoSockets { get; } = [];

    /// <summary>Gets or sets the permissions of unix socket files.</summary>
    /// <value>Three or four octal digits such as <c>660</c>; <see langword="null"/>, the default, leaves what the umask gives.</value>
    /// <remarks>
    /// They are in force before the first connection can be made. Connecting needs write permission, so behind a web server that
    /// runs as another user the usual choice is 660 with a <see cref="SocketGroup"/>. uWSGI's option is <c>chmod-socket</c>.
    /// </remarks>
    public string? SocketMode { get; set; }

    /// <summary>Gets or sets the owner of unix socket files.</summary>
    /// <value>A user name or number; <see langword="null"/>, the default, leaves the process's user. uWSGI's option is <c>chown-socket</c>.</value>
    public string? SocketOwner { get; set; }

    /// <summary>Gets or sets the group of unix socket files.</summary>
    /// <value>A group name or number; <see langword="null"/>, the default, leaves the process's group. uWSGI's option is <c>chown-socket</c>.</value>
    public string? SocketGroup { get; set; }

    /// <summary>Gets or sets how many connections may wait to be accepted.</summary>
    /// <value>1 or more. The default is 512, as in Kestrel; the kernel caps it (<c>net.core.somaxconn</c>). uWSGI's option is <c>listen</c>.</value>
    public int Backlog { get; set; } = 512;

    /// <summary>Gets or sets what moves the bytes of the sockets above.</summary>
    /// <value>The default is <see cref="UwsgiTransport.EventLoop"/>, which needs Linux on x64 or arm64; elsewhere it is Kestrel's socket transport all the same.</value>
    /// <remarks>
    /// Endpoints with <c>ListenOptions.UseUwsgi()</c> and the like stay on the transport that Kestrel has. Code that blocks its thread does not stop the event
    /// loop: it gets more threads.
    /// </remarks>
    public UwsgiTransport Transport { get; set; }

    /// <summary>Gets or sets whether unix socket files are removed when the server stops.</summary>
    /// <value>The default is <see langword="true"/>. uWSGI's option is <c>vacuum</c>.</value>
    public bool Vacuum { get; set; } = true;

    /// <summary>Gets the addresses and networks that may connect over TCP.</summary>
    /// <value>
    /// Addresses (<c>10.0.0.5</c>, <c>fd00::5</c>) and CIDR ranges (<c>10.0.0.0/8</c>). Empty, the default, admits loopback only; an entry
    /// replaces that, so add <c>127.0.0.0/8</c> to keep it. Unix sockets are guarded by their file permissions instead.
    /// </value>
    /// <remarks>Whoever can connect can claim to be any client: address, scheme and certificate are taken on trust from the peer.</remarks>
    public IList<string> AllowFrom { get; } = [];

    /// <summary>Gets or sets the largest block of variables that is accepted.</summary>
    /// <value>
    /// Bytes, 256 to 16,777,216. The default is 65,535, the most the uwsgi protocol can carry. More is answered with status 431.
    /// uWSGI's option is <c>buffer-size</c> (4,096).
    /// </value>
    public int BufferSize { get; set; } = 65_535;

    /// <summary>Gets the bounds of sizes, times and numbers.</summary>
    public UwsgiLimits Limits { get; } = new();

    /// <summary>Gets or sets how SCRIPT_NAME becomes the path base.</summary>
    /// <value>The default is <see cref="ScriptNameMode.Auto"/>.</value>
    public ScriptNameMode ScriptName { get; set; }

    /// <summary>Gets or sets the path base of the whole application.</summary>
    /// <value>
    /// A path that starts with a slash and does not end with one, such as <c>/app1</c>. It is cut off the path of every request
    /// that lies below it, on HTTP endpoints, too. <see langword="null"/>, the default, sets none.
    /// </value>
    public string? PathBase { get; set; }

    /// <summary>Gets or sets whether <c>%2F</c> stays encoded in the path, as on Kestrel's HTTP endpoints.</summary>
    /// <value>The default is <see langword="false"/>: the path is what the web server decoded and applied its access rules to.</value>
    /// <remarks>When enabled, the path is taken from REQUEST_URI, provided that it decodes to the very path the web server sent.</remarks>
    public bool PreserveEncodedSlashes { get; set; }

    /// <summary>Gets the values of the uwsgi packet's first modifier that are served as requests.</summary>
    /// <value>0 to 255, without 100 (ping). Empty, the default, means 0, 5, 7, 9, 14, 15 and 30; others are refused with status 501.</value>
    /// <remarks>On a port for all protocols (<see cref="AutoSockets"/>) some values stand for other protocols.</remarks>
    public IList<int> Modifiers { get; } = [];

    /// <summary>Gets or sets whether requests may be upgraded to another protocol, as WebSockets need.</summary>
    /// <value>The default is <see langword="true"/>: nginx's <c>uwsgi_pass</c> tunnels upgrades. Disable it behind servers that do not, such as Apache.</value>
    public bool AllowUpgrade { get; set; } = true;

    /// <summary>Gets or sets whether FastCGI requests may be upgraded, too.</summary>
    /// <value>
    /// The default is <see langword="false"/>: only lighttpd from 1.4.74 on tunnels an upgrade over FastCGI, any other web server is left
    /// with a broken response.
    /// </value>
    public bool AllowFastCgiUpgrade { get; set; }

    /// <summary>Gets or sets whether a FastCGI connection may carry several requests at once.</summary>
    /// <value>The default is <see langword="true"/>; of the usual web servers only HAProxy makes use of it (<c>option mpxs-conns</c>).</value>
    public bool MultiplexFastCgi { get; set; } = true;

    /// <summary>Gets or sets whether request and response bodies may be read and written synchronously.</summary>
    /// <value>The default is <see langword="false"/>, or what Kestrel's <c>AllowSynchronousIO</c> says.</value>
    public bool AllowSynchronousIO { get; set; }

    /// <summary>Gets or sets whether responses carry a <c>Server</c> header.</summary>
    /// <value>The default is <see langword="false"/>: web servers add their own, and pass ours through in its place.</value>
    public bool AddServerHeader { get; set; }

    /// <summary>Gets or sets whether responses carry a <c>Date</c> header.</summary>
    /// <value>The default is <see langword="false"/>: web servers add their own.</value>
    public bool AddDateHeader { get; set; }

    /// <summary>Gets or sets whether a peer that closes its sending side is taken to be gone.</summary>
    /// <value>
    /// The default is <see langword="true"/>: that is how nginx and others tell that the client has left, and <c>RequestAborted</c> fires.
    /// Set it to <see langword="false"/> for simple clients that half-close behind their request and still want the answer.
    /// </value>
    public bool AbortOnHalfClose { get; set; } = true;

    /// <summary>Gets or sets whether SSL_CLIENT_CERT becomes the connection's client certificate.</summary>
    /// <value>The default is <see langword="false"/>. Enable it only where the web server sets that variable for every request.</value>
    public bool ForwardClientCertificate { get; set; }

    /// <summary>Gets or sets whether REMOTE_USER becomes the request's user.</summary>
    /// <value>
    /// The default is <see langword="false"/>. nginx and HAProxy can fill REMOTE_USER from an Authorization header that nobody has checked;
    /// enable it only where the web server authenticates.
    /// </value>
    public bool ForwardRemoteUser { get; set; }

    /// <summary>Gets or sets whether a response that disables buffering tells nginx so.</summary>
    /// <value>The default is <see langword="true"/>: <c>DisableBuffering()</c>, as server-sent events call it, adds <c>X-Accel-Buffering: no</c>.</value>
    public bool SendAccelBuffering { get; set; } = true;

    /// <summary>Gets or sets the choice of the encoding in which a request header's bytes are read.</summary>
    /// <value>Gets the header's name, returns the encoding or <see langword="null"/> for strict UTF-8, which is also the default.</value>
    public Func<string, Encoding?>? RequestHeaderEncodingSelector { get; set; }

    /// <summary>Gets or sets the choice of the encoding in which a response header's value is written.</summary>
    /// <value>Gets the header's name, returns the encoding or <see langword="null"/> for ASCII only, which is also the default.</value>
    public Func<string, Encoding?>? ResponseHeaderEncodingSelector { get; set; }

    /// <summary>Gets or sets whether the objects of a finished request serve later ones.</summary>
    /// <value>The default is <see langword="true"/>. Disable it to find code that uses an <c>HttpContext</c> after its request.</value>
    public bool PoolRequests { get; set; } = true;

    internal bool HasSockets => Sockets.Count + FastCgiSockets.Count + ScgiSockets.Count + AutoSockets.Count > 0;

    /// <summary>Gets what the configuration section held that could not be read, for the validator to report with everything else.</summary>
    internal List<string> ConfigurationErrors { get; } = [];
}
