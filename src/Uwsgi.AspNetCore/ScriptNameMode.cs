namespace Uwsgi.AspNetCore;

/// <summary>How the SCRIPT_NAME of a request becomes the application's path base.</summary>
/// <remarks>
/// SCRIPT_NAME means different things behind different web servers: a mount point, the whole path (nginx <c>fastcgi_pass</c>, HAProxy)
/// or just the first segment (lighttpd). PATH_INFO sometimes repeats it. See the README's section on paths.
/// </remarks>
public enum ScriptNameMode
{
    /// <summary>
    /// The default: SCRIPT_NAME becomes the path base only where it is known to be a mount point, that is, where PATH_INFO repeats it;
    /// everywhere else the path is SCRIPT_NAME followed by PATH_INFO, so that routing always sees all of it.
    /// </summary>
    Auto,

    /// <summary>SCRIPT_NAME is always the path base and PATH_INFO the path; a SCRIPT_NAME repeated in PATH_INFO is cut off once.</summary>
    Trust,

    /// <summary>SCRIPT_NAME is not looked at; the path is PATH_INFO, else DOCUMENT_URI, else the path of REQUEST_URI.</summary>
    Ignore,
}
