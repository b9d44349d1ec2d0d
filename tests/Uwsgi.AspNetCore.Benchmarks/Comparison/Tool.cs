using System.Diagnostics;
using System.Text.RegularExpressions;

namespace Uwsgi.AspNetCore.Benchmarks.Comparison;

/// <summary>A program the comparison needs, named as its Debian package.</summary>
internal sealed partial class Tool(string name)
{
    private readonly string _name = name;
    private readonly string? _path = Locate(name);

    public static Tool Nginx { get; } = new("nginx");

    public static Tool Wrk { get; } = new("wrk");

    public bool IsInstalled => _path is not null;

    public string Path => _path ?? throw new InvalidOperationException($"{_name} is missing.");

    public static void ThrowIfMissing(params Tool[] tools)
    {
        var missing = tools.Where(tool => tool._path is null).Select(tool => tool._name).ToArray();
        if (missing.Length > 0)
        {
            var names = string.Join(' ', missing);
            throw new CommandException($"not found: {names}; install with: apt-get install {names}");
        }
    }

    public string ReadVersion()
    {
        var start = new ProcessStartInfo(Path, ["-v"])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        // Standard error first: nginx writes there, wrk to standard output, and neither fills a pipe.
        var text = process.StandardError.ReadToEnd() + process.StandardOutput.ReadToEnd();
        return VersionPattern().Match(text).Value;
    }

    private static string? Locate(string name) =>
        // Debian keeps nginx in /usr/sbin, which is not on every user's path.
        $"{Environment.GetEnvironmentVariable("PATH")}:/usr/sbin:/usr/local/sbin"
            .Split(':', StringSplitOptions.RemoveEmptyEntries)
            .Select(directory => System.IO.Path.Combine(directory, name))
            .FirstOrDefault(File.Exists);

    [GeneratedRegex(@"\d+(\.\d+)+", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex VersionPattern();
}
