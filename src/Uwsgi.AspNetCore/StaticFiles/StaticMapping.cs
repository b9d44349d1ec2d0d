namespace Uwsgi.AspNetCore.StaticFiles;

/// <summary>A path of requests and what is served below it.</summary>
internal sealed record StaticMapping(string Prefix, StaticRoot Root)
{
    /// <summary>Gets a prefix as it is compared: <c>/assets/</c> is <c>/assets</c>, and <c>/</c> is empty.</summary>
    public static string Normalize(string prefix) => prefix.TrimEnd('/');

    /// <summary>Cuts the prefix off a path, at the end of a segment only.</summary>
    public bool TryMatch(string path, out ReadOnlySpan<char> rest)
    {
        rest = default;
        if (!path.StartsWith(Prefix, StringComparison.Ordinal) || (path.Length > Prefix.Length && path[Prefix.Length] != '/'))
        {
            return false;
        }

        rest = path.AsSpan(Prefix.Length);
        return true;
    }
}
