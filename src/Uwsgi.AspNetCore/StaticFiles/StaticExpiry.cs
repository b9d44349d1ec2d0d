using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Logging;

namespace Uwsgi.AspNetCore.StaticFiles;

/// <summary>Tells how long clients may keep a file: by its path first, then by its type.</summary>
internal sealed class StaticExpiry(UwsgiOptions options, ILogger logger)
{
    private static readonly TimeSpan MatchTimeout = TimeSpan.FromMilliseconds(250);

    private readonly (Regex Pattern, TimeSpan Age)[] _patterns = [.. options.StaticExpires.Select(Parse)];
    private readonly Dictionary<string, TimeSpan> _types = new(options.StaticExpiresType, StringComparer.OrdinalIgnoreCase);

    /// <summary>Reads a regular expression, a blank and seconds.</summary>
    /// <exception cref="FormatException">There are no seconds.</exception>
    /// <exception cref="RegexParseException">The regular expression is malformed.</exception>
    public static (Regex Pattern, TimeSpan Age) Parse(string entry)
    {
        var blank = entry.TrimEnd().LastIndexOf(' ');
        if (blank < 0 || !int.TryParse(entry.AsSpan(blank + 1), NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture, out var seconds))
        {
            throw new FormatException("no blank and whole number of seconds behind the regular expression");
        }

        return (Compile(entry[..blank].Trim()), TimeSpan.FromSeconds(seconds));
    }

    /// <summary>Gets how long the file may be kept; null when nothing is said about it.</summary>
    public TimeSpan? Of(string path, string? contentType)
    {
        foreach (var (pattern, age) in _patterns)
        {
            if (IsMatch(pattern, path))
            {
                return age;
            }
        }

        return contentType is not null && _types.Count > 0 && _types.TryGetValue(TrimParameters(contentType), out var ageOfType) ? ageOfType : null;
    }

    private bool IsMatch(Regex pattern, string path)
    {
        try
        {
            return pattern.IsMatch(path);
        }
        catch (RegexMatchTimeoutException)
        {
            Log.StaticExpiresTimeout(logger, path);
            return false;
        }
    }

    // Part of the path is the client's choice, so no pattern may take more than linear time, unless it cannot do without.
    private static Regex Compile(string pattern)
    {
        try
        {
            return new Regex(pattern, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant, MatchTimeout);
        }
        catch (NotSupportedException)
        {
            return new Regex(pattern, RegexOptions.CultureInvariant, MatchTimeout);
        }
    }

    private static string TrimParameters(string contentType) =>
        contentType.IndexOf(';', StringComparison.Ordinal) is var semicolon and >= 0 ? contentType[..semicolon].TrimEnd() : contentType;
}
