using System.Buffers;
using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Uwsgi.AspNetCore.StaticFiles;

/// <summary>Decides whether a path is a static file, and which.</summary>
/// <remarks>
/// Looked for in uWSGI's order: <see cref="UwsgiOptions.CheckStatic"/>, then <see cref="UwsgiOptions.StaticMap"/>. A path that is no file
/// costs one call of the file system for each root (below a path with a slash at its end, for each index), two for a mapping that matches. A file counts only when
/// its real path, every link on the way resolved, lies below the real path of its root; uWSGI compares the texts and takes <c>/www-secret</c> for a part of <c>/www</c>.
/// </remarks>
internal sealed class StaticFileFinder
{
    private const int MaxLoggedPaths = 256;

    // The backslash separates on Windows, where the colon names drives and streams, too.
    private static readonly SearchValues<char> Forbidden = SearchValues.Create(OperatingSystem.IsWindows() ? "\0\\:*?\"<>|" : "\0\\");

    // Where the file system takes both cases for one name, a script must not be found by the other.
    private static readonly StringComparison FileNameComparison =
        OperatingSystem.IsWindows() || OperatingSystem.IsMacOS() ? StringComparison.OrdinalIgnoreCase : StringComparison.Ordinal;

    private readonly StaticRoot[] _roots;
    private readonly StaticMapping[] _mappings;
    private readonly string[] _indexes;
    private readonly string[] _skippedExtensions;
    private readonly string[] _safeDirectories;
    private readonly ILogger _logger;
    private readonly ConcurrentDictionary<string, bool> _loggedPaths = new(StringComparer.Ordinal);

    public StaticFileFinder(UwsgiOptions options, string contentRoot, ILogger logger)
    {
        _roots = [.. options.CheckStatic.Select(directory => new StaticRoot(RealPath.Normalize(directory, contentRoot)))];
        _mappings =
        [
            .. options.StaticMap
                .Select(map => new StaticMapping(StaticMapping.Normalize(map.Key), new StaticRoot(RealPath.Normalize(map.Value, contentRoot))))
                .OrderByDescending(static mapping => mapping.Prefix.Length),
        ];
        _indexes = [.. options.StaticIndex];
        _skippedExtensions = [.. options.StaticSkipExt];
        _safeDirectories = [.. options.StaticSafe.Select(directory => RealPath.Normalize(directory, contentRoot))];
        _logger = logger;
    }

    /// <summary>Gets the roots that do not exist; they are looked for again with each request.</summary>
    public IEnumerable<string> MissingRoots =>
        _roots.Concat(_mappings.Select(static mapping => mapping.Root)).Select(static root => root.Path).Where(static path => FileKinds.Of(path) == FileKind.None);

    /// <summary>Finds the file of a decoded path.</summary>
    public bool TryFind(string path, out StaticFile file)
    {
        file = default;
        if (!IsAllowed(path))
        {
            return false;
        }

        foreach (var root in _roots)
        {
            if (TryFindBelow(root, path, out file))
            {
                return true;
            }
        }

        foreach (var mapping in _mappings)
        {
            if (mapping.TryMatch(path, out var rest)
                && (TryFindBelow(mapping.Root, rest, out file) || (rest.Length > 0 && TryFindMappedFile(mapping.Root, out file))))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Finds a file beside another one, such as a compressed variant of it.</summary>
    public bool TryFindBeside(in StaticFile file, string suffix, out StaticFile found)
    {
        found = default;
        var path = file.Path + suffix;
        return FileKinds.Of(path) == FileKind.File && TryApprove(path, file.Root, out found);
    }

    private bool IsAllowed(string path)
    {
        if (!path.StartsWith('/') || path.AsSpan().ContainsAny(Forbidden))
        {
            return false;
        }

        // Dot segments and hidden files alike; certificates are renewed, and much else is found, through the one exception (RFC 8615).
        for (var dot = path.IndexOf("/.", StringComparison.Ordinal); dot >= 0; dot = path.IndexOf("/.", dot + 1, StringComparison.Ordinal))
        {
            var segment = path.AsSpan(dot + 1);
            var end = segment.IndexOf('/');
            if (!(end < 0 ? segment : segment[..end]).SequenceEqual(".well-known"))
            {
                return false;
            }
        }

        // Windows drops dots and blanks at the end of a name, so that it would have many spellings.
        if (OperatingSystem.IsWindows() && (path[^1] is '.' or ' ' || path.Contains("./", StringComparison.Ordinal) || path.Contains(" /", StringComparison.Ordinal)))
        {
            return false;
        }

        return !IsSkipped(path);
    }

    private bool IsSkipped(string path)
    {
        foreach (var extension in _skippedExtensions)
        {
            if (path.EndsWith(extension, FileNameComparison))
            {
                return true;
            }
        }

        return false;
    }

    private bool TryFindBelow(StaticRoot root, ReadOnlySpan<char> rest, out StaticFile file)
    {
        file = default;
        string? path;
        if (rest is [.., '/'])
        {
            // Only a directory has such a path, and an index stands for it.
            path = FindIndex(root, rest);
        }
        else
        {
            switch (root.KindOf(rest))
            {
                case FileKind.File when rest.IsEmpty:
                    return TryFindMappedFile(root, out file);
                case FileKind.File:
                    path = root.Append(rest);
                    break;
                case FileKind.Directory when _indexes.Length > 0:
                    path = FindIndex(root, string.Concat(rest, "/"));
                    break;
                default:
                    return false;
            }
        }

        if (path is null)
        {
            return false;
        }

        return RealPath.Resolve(root.Path) is { } realRoot && TryApprove(path, realRoot, out file);
    }

    // A mapping to a file serves it for everything below its path, as in uWSGI. Whoever named the file meant it, links and all.
    private static bool TryFindMappedFile(StaticRoot root, out StaticFile file)
    {
        file = default;
        if (FileKinds.Of(root.Path) != FileKind.File || RealPath.Resolve(root.Path) is not { } realPath)
        {
            return false;
        }

        file = new StaticFile(root.Path, realPath, Path.GetDirectoryName(realPath)!);
        return true;
    }

    private string? FindIndex(StaticRoot root, ReadOnlySpan<char> directory)
    {
        foreach (var index in _indexes)
        {
            if (root.KindOf(directory, index) == FileKind.File)
            {
                return root.Append(string.Concat(directory, index));
            }
        }

        return null;
    }

    private bool TryApprove(string path, string realRoot, out StaticFile file)
    {
        file = default;
        if (RealPath.Resolve(path) is not { } realPath || IsSkipped(path) || IsSkipped(realPath))
        {
            // Skipped by the name of an index, or of what a link leads to.
            return false;
        }

        if (!RealPath.IsAtOrBelow(realPath, realRoot) && !IsSafe(realPath))
        {
            LogRefusal(path, realPath, realRoot);
            return false;
        }

        file = new StaticFile(path, realPath, realRoot);
        return true;
    }

    private bool IsSafe(string realPath)
    {
        foreach (var directory in _safeDirectories)
        {
            if (RealPath.Resolve(directory) is { } safe && RealPath.IsAtOrBelow(realPath, safe))
            {
                return true;
            }
        }

        return false;
    }

    // Clients choose how often; a link in a directory may give endless paths.
    private void LogRefusal(string path, string realPath, string realRoot)
    {
        if (_loggedPaths.Count < MaxLoggedPaths && _loggedPaths.TryAdd(path, true))
        {
            Log.StaticFileOutside(_logger, path, realPath, realRoot);
        }
        else
        {
            Log.StaticFileOutsideAgain(_logger, path);
        }
    }
}
