namespace Uwsgi.AspNetCore.Benchmarks.Figures;

/// <summary>The part of a page that <c>figures</c> writes.</summary>
internal static class ReadmeSection
{
    private const string Begin = "<!-- figures -->\n";
    private const string End = "<!-- /figures -->";

    public static async Task ReplaceAsync(string path, string section, CancellationToken cancellationToken)
    {
        var page = await File.ReadAllTextAsync(path, cancellationToken);
        await File.WriteAllTextAsync(path, Replace(page, section) ?? throw new CommandException($"{path} has no {Begin.Trim()} … {End}"), cancellationToken);
    }

    /// <summary>Returns null if the page has no such part.</summary>
    private static string? Replace(string page, string section)
    {
        var begin = page.IndexOf(Begin, StringComparison.Ordinal);
        var end = page.IndexOf(End, StringComparison.Ordinal);
        return begin >= 0 && end > begin ? $"{page[..(begin + Begin.Length)]}\n{section.Trim()}\n\n{page[end..]}" : null;
    }
}
