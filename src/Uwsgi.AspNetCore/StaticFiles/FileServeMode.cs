namespace Uwsgi.AspNetCore;

/// <summary>Who sends the bytes of a file to the client.</summary>
public enum FileServeMode
{
    /// <summary>This process does.</summary>
    Send,

    /// <summary>nginx does: the response carries <c>X-Accel-Redirect</c> with the URI of an <c>internal</c> location.</summary>
    XAccelRedirect,

    /// <summary>Apache or lighttpd does: the response carries <c>X-Sendfile</c> with the file's path.</summary>
    XSendfile,
}
