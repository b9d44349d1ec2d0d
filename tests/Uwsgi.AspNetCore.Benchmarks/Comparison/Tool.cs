using System.Diagnostics;
using System.Text.RegularExpressions;

namespace Uwsgi.AspNetCore.Benchmarks.Comparison;

/// <summary>A program the comparison needs, and what it calls itself.</summary>
internal sealed partial record Tool(string Path, string Version)
{
    /// <summary>Finds all the named Debian packages' programs or says which to install.</summary>
    public static Tool[] Find(params string[] names)
    {
        var paths = names.Select(Locate).ToArray();
        var missing = names.Where((_, index) => paths[index] is null).ToArray();
        if (missing.Length > 0)
            throw new CommandException($"{string.Join(" and ", missing)} not found; install with: apt-get install {string.Join(' ', missing)}");

        return [.. paths.Select(path => new Tool(path!, ReadVersion(path!)))];
    }

    private static string? Locate(string name) =>
        // Debian keeps nginx in /usr/sbin, which is not on every user's path.
        $"{Environment.GetEnvironmentVariable("PATH")}:/usr/sbin:/usr/local/sbin"
            .Split(':', StringSplitOptions.RemoveEmptyEntries)
            .Select(directory => System.IO.Path.Combine(directory, name))
            .FirstOrDefault(File.Exists);

    private static string ReadVersion(string path)
    {
        var start = new ProcessStartInfo(path, ["-v"]) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        // Standard error first: nginx writes there, wrk to standard output, and neither fills a pipe.
        var text = process.StandardError.ReadToEnd() + process.StandardOutput.ReadToEnd();
        return VersionPattern().Match(text).Value;
    }

    [GeneratedRegex(@"\d+(\.\d+)+", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex VersionPattern();
}
