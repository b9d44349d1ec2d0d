using System.Text;

namespace Uwsgi.AspNetCore.StaticFiles;

/// <summary>How a file is named to the web server: which header, and what stands for the file in it.</summary>
internal sealed class FileHandOff
{
    private readonly bool _isUri;
    private readonly (string Directory, string Target)[] _map;

    public FileHandOff(UwsgiOptions options, string contentRoot)
    {
        _isUri = options.FileServeMode == FileServeMode.XAccelRedirect;
        HeaderName = _isUri ? "X-Accel-Redirect" : "X-Sendfile";
        _map =
        [
            .. options.FileServeMap
                .Select(map => (Directory: RealPath.Normalize(map.Key, contentRoot), Target: map.Value.TrimEnd('/')))
                .OrderByDescending(static map => map.Directory.Length),
        ];
    }

    public string HeaderName { get; }

    /// <summary>Gets the header's value for a full path; null when the web server does not know the file.</summary>
    public string? Describe(string path)
    {
        if (_map.Length == 0)
        {
            return Encode(path);
        }

        foreach (var (directory, target) in _map)
        {
            // Static files come with their real path, the application's own as it names them.
            if (CutOff(path, directory) is { } rest
                || (RealPath.Resolve(directory) is { } real && (rest = CutOff(path, real)) is not null))
            {
                return Encode(target + rest);
            }
        }

        return null;
    }

    private static string? CutOff(string path, string directory) => RealPath.IsAtOrBelow(path, directory)
        ? "/" + path.AsSpan(directory.Length).TrimStart(Path.DirectorySeparatorChar).ToString()
        : null;

    private string Encode(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            path = path.Replace('\\', '/');
        }

        return _isUri ? EncodeUri(path) : EncodePath(path);
    }

    // nginx decodes the value and takes ? and what follows for arguments.
    private static string EncodeUri(string path) => Uri.EscapeDataString(path).Replace("%2F", "/", StringComparison.Ordinal);

    // lighttpd decodes; Apache's mod_xsendfile 0.12 and mod_proxy_scgi do not: as little as possible is encoded, which is what cannot
    // be in a header, or would be decoded or trimmed.
    private static string EncodePath(string path)
    {
        var encoded = new StringBuilder(path.Length);
        foreach (var rune in path.EnumerateRunes())
        {
            if (rune.Value is >= ' ' and <= '~' and not '%')
            {
                encoded.Append((char)rune.Value);
            }
            else
            {
                encoded.Append(Uri.EscapeDataString(rune.ToString()));
            }
        }

        if (encoded[^1] == ' ')
        {
            encoded.Length--;
            encoded.Append("%20");
        }

        return encoded.ToString();
    }
}
