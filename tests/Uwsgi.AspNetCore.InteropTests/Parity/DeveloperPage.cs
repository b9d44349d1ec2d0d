using System.Text.RegularExpressions;

namespace Uwsgi.AspNetCore.InteropTests.Parity;

/// <summary>The developer exception page, which lists the request's headers as the server keeps them.</summary>
internal static class DeveloperPage
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Whether two pages are the same but for the order of their lines, which means nothing, the capitals in names, and the headers that
    /// come through one door only.
    /// </summary>
    public static bool IsSameBut(Difference difference, params string[] headers) =>
        difference.Case.StartsWith("developer page", StringComparison.Ordinal)
        && Lines(difference.Expected, headers).SequenceEqual(Lines(difference.Actual, headers), StringComparer.OrdinalIgnoreCase);

    private static IEnumerable<string> Lines(string? page, string[] headers) =>
        headers.Aggregate(page!, Remove).Split('\n').Order(StringComparer.OrdinalIgnoreCase);

    private static string Remove(string page, string header) =>
        Regex.Replace(page, $@"^{header}:[^\n]*\n?|<tr>\s*<td>{header}</td>\s*<td>[^<]*</td>\s*</tr>\s*", string.Empty, RegexOptions.Multiline | RegexOptions.IgnoreCase, Timeout);
}
