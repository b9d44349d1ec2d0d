using System.Diagnostics;
using System.Text.RegularExpressions;

namespace Uwsgi.AspNetCore.Benchmarks.Comparison;

/// <summary>A program the comparison needs or can use, named as its Debian package.</summary>
internal sealed partial class Tool(string name, string versionArgument)
{
    private readonly string _name = name;
    private readonly string? _path = Locate(name);

    public static Tool Nginx { get; } = new("nginx", "-v");

    public static Tool Wrk { get; } = new("wrk", "-v");

    public static Tool Uwsgi { get; } = new("uwsgi", "--version");

    public static Tool Gcc { get; } = new("gcc", "-dumpfullversion");

    public bool IsMissing => _path is null;

    public bool IsInstalled => _path is not null;

    public string Path => _path ?? throw new InvalidOperationException($"{_name} is missing.");

    public static void ThrowIfMissing(params Tool[] tools)
    {
        var missing = tools.Where(tool => tool.IsMissing).Select(tool => tool._name).ToArray();
        if (missing.Length > 0)
        {
            var names = string.Join(' ', missing);
            throw new CommandException($"not found: {names}; install with: apt-get install {names}");
        }
    }

    public string ReadVersion()
    {
        var start = new ProcessStartInfo(Path, [versionArgument])
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
