using Microsoft.AspNetCore.StaticFiles;

namespace Uwsgi.AspNetCore.StaticFiles;

/// <summary>Content types by file name: those ASP.NET Core knows, then the mime.types file, then the options' own.</summary>
internal sealed class ContentTypes
{
    private static readonly char[] Blanks = [' ', '\t'];

    private readonly FileExtensionContentTypeProvider _provider = new();

    public ContentTypes(UwsgiOptions options, string contentRoot)
    {
        if (options.MimeFile is { } file)
        {
            ReadMimeFile(Path.GetFullPath(file, contentRoot));
        }

        foreach (var (extension, type) in options.MimeTypes)
        {
            _provider.Mappings[extension] = type;
        }
    }

    /// <summary>Gets the type of a file; null when it is unknown.</summary>
    public string? Of(string path) => _provider.TryGetContentType(path, out var type) ? type : null;

    // A line is a type and the extensions that have it, without dots; from # on it is a comment.
    private void ReadMimeFile(string file)
    {
        foreach (var line in File.ReadLines(file))
        {
            var comment = line.IndexOf('#', StringComparison.Ordinal);
            var words = (comment < 0 ? line : line[..comment]).Split(Blanks, StringSplitOptions.RemoveEmptyEntries);
            foreach (var extension in words.Skip(1))
            {
                _provider.Mappings["." + extension] = words[0];
            }
        }
    }
}
