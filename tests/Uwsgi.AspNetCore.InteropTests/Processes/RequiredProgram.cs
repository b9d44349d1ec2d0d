namespace Uwsgi.AspNetCore.InteropTests.Processes;

/// <summary>Finds the programs these tests drive.</summary>
internal static class RequiredProgram
{
    // Debian keeps servers where a normal user's PATH does not lead.
    private static readonly string[] ServerDirectories = ["/usr/sbin", "/usr/local/sbin", "/sbin", "/opt/homebrew/bin"];

    /// <summary>Finds a program, or skips the test; where <c>CI</c> is <c>true</c> a missing program is a failure.</summary>
    public static string Find(string name, string package)
    {
        if (TryFind(name) is { } path)
        {
            return path;
        }

        var reason = $"{name} is not installed (Debian: apt-get install {package}).";
        if (Environment.GetEnvironmentVariable("CI") == "true")
        {
            throw new InvalidOperationException(reason);
        }

        Skip.If(true, reason);
        return string.Empty;
    }

    public static string? TryFind(string name)
    {
        var directories = (Environment.GetEnvironmentVariable("PATH") ?? string.Empty)
            .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries);
        return directories.Concat(ServerDirectories).Select(directory => Path.Combine(directory, name)).FirstOrDefault(File.Exists);
    }
}
