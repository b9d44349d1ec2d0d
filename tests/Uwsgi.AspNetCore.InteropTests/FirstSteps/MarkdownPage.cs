using System.Text.RegularExpressions;

namespace Uwsgi.AspNetCore.InteropTests.FirstSteps;

/// <summary>A documentation page: its code blocks, the commands in them and what they promise.</summary>
internal sealed partial class MarkdownPage
{
    private MarkdownPage(string file)
    {
        File = file;
        Text = System.IO.File.ReadAllText(Repository.PathOf(file));
        Blocks = [.. Fence().Matches(Text).Select(match => (match.Groups["language"].Value, match.Groups["code"].Value))];
        Commands = [.. Blocks.Where(block => block.Language == "console").SelectMany(block => ReadSession(block.Code))];
    }

    /// <summary>Gets the page's file, relative to the repository.</summary>
    public string File { get; }

    public string Text { get; }

    /// <summary>Gets all fenced blocks in order.</summary>
    public IReadOnlyList<(string Language, string Code)> Blocks { get; }

    /// <summary>Gets the lines behind a <c>$</c> in console blocks, each with the output shown below it.</summary>
    public IReadOnlyList<(string Command, string Output)> Commands { get; }

    /// <summary>Gets the targets of links to files of the repository, relative to the page.</summary>
    public IEnumerable<string> LocalLinks =>
        from match in Link().Matches(Text)
        let target = match.Groups["target"].Value
        where !target.Contains("://", StringComparison.Ordinal) && !target.StartsWith('#')
        select target.Split('#')[0];

    public static MarkdownPage Read(string file) => new(file);

    /// <summary>Gets the first block in a language.</summary>
    public string FirstBlock(string language) => Blocks.First(block => block.Language == language).Code;

    private static IEnumerable<(string Command, string Output)> ReadSession(string session) =>
        from part in ("\n" + session).Split("\n$ ", StringSplitOptions.None).Skip(1)
        let lines = part.Split('\n', 2)
        select (lines[0], lines.ElementAtOrDefault(1)?.TrimEnd('\n') ?? string.Empty);

    [GeneratedRegex(@"^```(?<language>\w+)\n(?<code>.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Fence();

    [GeneratedRegex(@"\]\((?<target>[^)\s]+)\)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Link();
}
