namespace Uwsgi.AspNetCore;

public sealed partial class UwsgiOptions
{
    /// <summary>Gets the mount points: which application serves which host and path.</summary>
    /// <value>
    /// Empty by default: the host's own pipeline serves everything. A key is a path (<c>/app1</c>), a host (<c>example.com</c>) or both
    /// (<c>example.com/admin</c>); the value names an application of <c>AddUwsgiApp</c>. A host's mounts come before those of any host; among
    /// them the longest path wins, compared by whole segments and by case. Hosts are compared without port and case.
    /// </value>
    /// <remarks>
    /// A web server can name a mount, too: with UWSGI_APPID, or with a SCRIPT_NAME that equals a key where no mount has the request's path. A key
    /// for that alone is any text without a dot and a slash, such as <c>the_app1</c>, which no client can choose; a host without a dot is
    /// written <c>intranet/</c>. Keys that mean the same and applications that nobody added are refused at start. uWSGI's option is <c>mount</c>.
    /// </remarks>
    public IDictionary<string, UwsgiMount> Mounts { get; } = new Dictionary<string, UwsgiMount>(StringComparer.Ordinal);

    /// <summary>Gets or sets whether the path of a mount moves from the request's path to its path base.</summary>
    /// <value>
    /// The default is <see langword="true"/>: behind the mount <c>/app1</c> the application sees <c>/x</c> below the base <c>/app1</c>, and its
    /// links are right. uWSGI's option is <c>manage-script-name</c>, which is off there.
    /// </value>
    public bool ManageScriptName { get; set; } = true;

    /// <summary>Gets or sets whether a request that no mount takes is answered with status 404.</summary>
    /// <value>The default is <see langword="false"/>: the host's own pipeline serves it. uWSGI's option is <c>no-default-app</c>.</value>
    public bool NoDefaultApp { get; set; }

    /// <summary>Gets or sets whether the web server may name the application with UWSGI_SCRIPT, UWSGI_MODULE, UWSGI_FILE or UWSGI_APPID.</summary>
    /// <value>
    /// The default is <see langword="false"/>. Only applications of <c>AddUwsgiApp</c> can be named, never a file or a type; any other name is
    /// answered with status 404. A mount that takes the request comes first. uWSGI 2.1 has the same option, <c>dynamic-apps</c>.
    /// </value>
    public bool DynamicApps { get; set; }
}
