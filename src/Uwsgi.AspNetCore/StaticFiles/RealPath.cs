namespace Uwsgi.AspNetCore.StaticFiles;

/// <summary>Paths without links: what the file system makes of a path, link by link as the kernel does it.</summary>
internal static class RealPath
{
    /// <summary>As many links as Linux follows on one path.</summary>
    private const int MaxLinks = 40;

    /// <summary>Resolves every link on a full path; null when they lead in a circle.</summary>
    public static string? Resolve(string path)
    {
        var root = Path.GetPathRoot(path) ?? string.Empty;
        return Resolve(root, path[root.Length..]);
    }

    /// <summary>Resolves every link on the way from a path that has none; null when they lead in a circle.</summary>
    public static string? Resolve(string resolved, string rest)
    {
        for (var links = 0; rest.Length > 0;)
        {
            var end = IndexOfSeparator(rest);
            var segment = rest[..end];
            rest = end < rest.Length ? rest[(end + 1)..] : string.Empty;
            if (segment is "" or ".")
            {
                continue;
            }

            if (segment is "..")
            {
                // Of what the links before it have led to, which is why the text cannot be shortened beforehand.
                resolved = Path.GetDirectoryName(resolved) ?? resolved;
                continue;
            }

            var next = Path.Join(resolved, segment);
            if (ReadLink(next) is not { } target)
            {
                resolved = next;
                continue;
            }

            if (++links > MaxLinks)
            {
                return null;
            }

            if (Path.IsPathRooted(target))
            {
                resolved = Path.GetPathRoot(target)!;
                target = target[resolved.Length..];
            }

            rest = target + Path.DirectorySeparatorChar + rest;
        }

        return resolved;
    }

    /// <summary>Gets whether a path is a directory or lies below it; <c>/www-secret</c> does not lie below <c>/www</c>.</summary>
    public static bool IsAtOrBelow(string path, string directory) =>
        path.StartsWith(directory, StringComparison.Ordinal)
        && (path.Length == directory.Length || IsSeparator(path[directory.Length]) || (directory.Length > 0 && IsSeparator(directory[^1])));

    /// <summary>Makes a configured directory a full path without a separator at its end.</summary>
    public static string Normalize(string directory, string baseDirectory) =>
        Path.TrimEndingDirectorySeparator(Path.GetFullPath(directory, baseDirectory));

    private static string? ReadLink(string path)
    {
        try
        {
            return new FileInfo(path).LinkTarget;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // Windows does not say what a directory is that may not be read; nothing below it can be opened, either.
            return null;
        }
    }

    private static int IndexOfSeparator(string text)
    {
        var index = text.AsSpan().IndexOfAny(Path.DirectorySeparatorChar, Path.AltDirectorySeparatorChar);
        return index < 0 ? text.Length : index;
    }

    private static bool IsSeparator(char c) => c == Path.DirectorySeparatorChar || c == Path.AltDirectorySeparatorChar;
}
