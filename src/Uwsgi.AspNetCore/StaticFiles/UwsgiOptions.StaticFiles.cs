namespace Uwsgi.AspNetCore;

public sealed partial class UwsgiOptions
{
    /// <summary>Gets the directories whose files are served before the application is asked.</summary>
    /// <value>
    /// Empty by default. Relative directories count from the content root; one that does not exist yet is looked for again with each
    /// request. The file is the directory followed by the path in front of all mounts; the first directory that has it wins.
    /// </value>
    /// <remarks>
    /// Only GET and HEAD, only regular files whose real path lies below the directory or below <see cref="StaticSafe"/>, never hidden ones (a
    /// name that starts with a dot, except <c>.well-known</c>). Everything else goes to the application. uWSGI's option is <c>check-static</c>.
    /// </remarks>
    public IList<string> CheckStatic { get; } = [];

    /// <summary>Gets the directories and files that are served below a path of their own.</summary>
    /// <value>
    /// Empty by default. The key is a path such as <c>/assets</c>, which matches whole segments; the value is a directory, to which the rest of
    /// the path is added, or one file, which is served for everything below the path. The longest path that has the file wins. uWSGI's option
    /// is <c>static-map</c>.
    /// </value>
    public IDictionary<string, string> StaticMap { get; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>Gets the names of the files that stand for their directory.</summary>
    /// <value>
    /// Empty by default: directories go to the application. The first that exists is served, with and without a slash behind the directory's
    /// path, as uWSGI does. uWSGI's option is <c>static-index</c>.
    /// </value>
    public IList<string> StaticIndex { get; } = [];

    /// <summary>Gets the endings of paths that are never looked for among the static files.</summary>
    /// <value>
    /// Empty by default. Compared by case where file names are, such as <c>.lua</c>, with the path, with the index of a directory, and with
    /// what a symbolic link leads to; uWSGI looks at the path alone. uWSGI's option is <c>static-skip-ext</c>.
    /// </value>
    public IList<string> StaticSkipExt { get; } = [];

    /// <summary>Gets the directories outside the roots to which symbolic links may lead.</summary>
    /// <value>Empty by default: links may not leave their root. uWSGI's option is <c>static-safe</c>.</value>
    public IList<string> StaticSafe { get; } = [];

    /// <summary>Gets how long clients may keep a file without asking again, by pattern.</summary>
    /// <value>
    /// Empty by default. Each entry is a regular expression for the file's path, a blank and seconds: <c>\.(css|js)$ 3600</c>. The first that
    /// matches counts, before <see cref="StaticExpiresType"/>. uWSGI's option is <c>static-expires</c>.
    /// </value>
    public IList<string> StaticExpires { get; } = [];

    /// <summary>Gets how long clients may keep a file without asking again, by content type.</summary>
    /// <value>Empty by default. The key is a type such as <c>text/css</c>. uWSGI's option is <c>static-expires-type</c>.</value>
    public IDictionary<string, TimeSpan> StaticExpiresType { get; } = new Dictionary<string, TimeSpan>(StringComparer.OrdinalIgnoreCase);

    /// <summary>Gets content types by file name extension, on top of <see cref="MimeFile"/> and those ASP.NET Core knows.</summary>
    /// <value>Empty by default. The key is an extension such as <c>.lua</c>. In configuration a text instead of an object is a <see cref="MimeFile"/>.</value>
    public IDictionary<string, string> MimeTypes { get; } = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);

    /// <summary>Gets or sets a file of content types in the format of <c>/etc/mime.types</c>.</summary>
    /// <value>A path; <see langword="null"/>, the default, reads none. A file of unknown type is served without one. uWSGI's option is <c>mimefile</c>.</value>
    public string? MimeFile { get; set; }

    /// <summary>Gets or sets whether a compressed variant beside a file is served in its place.</summary>
    /// <value>
    /// The default is <see langword="false"/>. Otherwise <c>name.br</c> or <c>name.gz</c>, whichever the client prefers, is sent with its
    /// Content-Encoding; nothing is compressed on the fly. uWSGI's option is <c>static-gzip-all</c>.
    /// </value>
    public bool StaticGzip { get; set; }

    /// <summary>Gets or sets who sends the bytes of files: static files, <c>SendFileAsync</c>, <c>Results.File</c> and the like.</summary>
    /// <value>The default is <see cref="FileServeMode.Send"/>. In configuration also <c>x-accel-redirect</c> and <c>x-sendfile</c>. uWSGI's option is <c>file-serve-mode</c>.</value>
    /// <remarks>The web server has to know about it, or clients receive empty files: see the README's recipes.</remarks>
    public FileServeMode FileServeMode { get; set; }

    /// <summary>Gets what stands for a directory in the headers of <see cref="FileServeMode"/>.</summary>
    /// <value>
    /// Empty by default: the file's own path is sent. The key is a directory such as <c>/srv/media</c>, the value the URI of nginx's
    /// <c>internal</c> location (as text, not percent-encoded), or the directory as the web server sees it. Files below none of the keys are
    /// sent by this process, and so are parts of files that no Range asked for, compressed ones, and those with a status other than 200.
    /// </value>
    public IDictionary<string, string> FileServeMap { get; } = new Dictionary<string, string>(StringComparer.Ordinal);
}
