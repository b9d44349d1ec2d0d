namespace Uwsgi.AspNetCore;

/// <summary>The wire protocol over which a web server handed a request to this process.</summary>
public enum GatewayProtocol
{
    /// <summary>The binary uwsgi protocol, as nginx <c>uwsgi_pass</c> speaks it.</summary>
    Uwsgi,

    /// <summary>FastCGI 1.0, as nginx <c>fastcgi_pass</c> speaks it.</summary>
    FastCgi,

    /// <summary>SCGI, as nginx <c>scgi_pass</c> speaks it.</summary>
    Scgi,
}
