namespace Uwsgi.AspNetCore.InteropTests.Servers;

/// <summary>The user and group a web server's workers run as when the tests run as root.</summary>
internal sealed record UnprivilegedAccount(string User, string Group)
{
    private static readonly string[] Candidates = ["www-data", "nginx", "http", "nobody"];

    /// <summary>Gets the first of the customary accounts this machine has; <see langword="null"/> when not root.</summary>
    public static UnprivilegedAccount? Current { get; } = Environment.IsPrivilegedProcess && !OperatingSystem.IsWindows() ? Find() : null;

    private static UnprivilegedAccount? Find()
    {
        var users = Read("/etc/passwd");
        var groups = Read("/etc/group");
        return (from name in Candidates
                from user in users
                where user[0] == name
                from @group in groups
                where @group[2] == user[3]
                select new UnprivilegedAccount(name, @group[0])).FirstOrDefault();
    }

    private static string[][] Read(string file) =>
        [.. File.ReadLines(file).Select(line => line.Split(':')).Where(fields => fields.Length > 3)];
}
