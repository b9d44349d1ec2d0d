namespace Uwsgi.AspNetCore.StaticFiles;

/// <summary>A directory to look for files in, or one file.</summary>
internal sealed class StaticRoot
{
    // What file names are put behind: the root directory of the file system ends in a separator, no other does.
    private readonly string _stem;

    /// <param name="path">A full path, without a separator at its end.</param>
    public StaticRoot(string path)
    {
        Path = path;
        _stem = path.TrimEnd(System.IO.Path.DirectorySeparatorChar);
    }

    public string Path { get; }

    /// <summary>Gets what the path of a request leads to.</summary>
    public FileKind KindOf(ReadOnlySpan<char> rest) => FileKinds.Of(rest.IsEmpty ? Path : _stem, rest);

    /// <summary>Gets what a name in a directory below leads to; the path of the directory ends with a slash.</summary>
    public FileKind KindOf(ReadOnlySpan<char> directory, string name) => FileKinds.Of(_stem, directory, name);

    /// <summary>Puts the path of a request behind the directory; it starts with a slash or is empty.</summary>
    public string Append(ReadOnlySpan<char> rest) => rest.IsEmpty ? Path : string.Concat(_stem, rest);
}
