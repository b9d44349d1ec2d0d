using Uwsgi.AspNetCore.InteropTests.Processes;

namespace Uwsgi.AspNetCore.InteropTests.FirstSteps;

/// <summary>The repository these tests were built from: its files, and its tools at work.</summary>
internal static class Repository
{
    // Building on a busy machine takes longer than anything else these tests wait for.
    private static readonly TimeSpan BuildTimeout = TimeSpan.FromMinutes(5);

    /// <summary>Gets the top directory.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>Gets the configuration the tests were built in, Debug or Release; everything they start was built in the same.</summary>
    public static string Configuration { get; } = Directory.GetParent(AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar))!.Name;

    public static string PathOf(string file) => Path.Combine(Root, file);

    /// <summary>Runs a dotnet command to its end and fails with its output if it fails.</summary>
    public static async Task<string> DotNetAsync(IEnumerable<string> arguments, params (string Name, string Value)[] environment)
    {
        await using var dotnet = ForegroundProcess.Start("dotnet", arguments, environment);
        return await dotnet.Exited.WaitAsync(BuildTimeout) == 0 ? dotnet.Output : throw new InvalidOperationException(dotnet.Output);
    }

    /// <summary>Runs a documented curl command and returns what it prints.</summary>
    public static async Task<string> CurlAsync(string command)
    {
        var curl = RequiredProgram.Find("curl", "curl");
        Assert.StartsWith("curl ", command);
        await using var shell = ForegroundProcess.Start("/bin/sh", ["-c", $"{curl} -sS {command[5..]}"]);
        var code = await shell.Exited.OrTimeout();
        return code == 0 ? shell.Output : $"curl ended with {code}: {shell.Output}";
    }

    private static string FindRoot()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(directory.FullName, "Uwsgi.AspNetCore.sln")))
        {
            directory = directory.Parent ?? throw new InvalidOperationException("The tests do not run inside the repository.");
        }

        return directory.FullName;
    }
}
