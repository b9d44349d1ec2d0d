using System.Diagnostics.CodeAnalysis;

namespace Uwsgi.AspNetCore.RequestLog;

/// <summary>A log format, taken apart once at start.</summary>
internal sealed class LogFormat
{
    private const string RequestVariablePrefix = "var.";
    private const string MetricPrefix = "metric.";

    // uWSGI's names are those of the enumeration in lower case, except for the sizes in megabytes.
    private static readonly Dictionary<string, LogVariable> Variables = Enum.GetValues<LogVariable>()
        .Where(static variable => variable >= LogVariable.Uri)
        .ToDictionary(
            static variable => variable switch
            {
                LogVariable.RssM => "rssM",
                LogVariable.VszM => "vszM",
                _ => variable.ToString().ToLowerInvariant(),
            },
            StringComparer.Ordinal);

    private readonly Segment[] _segments;

    private LogFormat(Segment[] segments) => _segments = segments;

    /// <summary>Gets the names that uWSGI gives a meaning to.</summary>
    public static IEnumerable<string> Names => Variables.Keys;

    public ReadOnlySpan<Segment> Segments => _segments;

    /// <summary>Takes a format apart; only <c>%(</c> begins a variable, any other percent sign stands for itself.</summary>
    /// <returns>What is wrong with it, or <see langword="null"/>.</returns>
    public static string? TryParse(string text, [NotNullIfNotNull(nameof(text))] out LogFormat? format)
    {
        format = new LogFormat([]);
        var segments = new List<Segment>();
        var position = 0;
        while (text.IndexOf("%(", position, StringComparison.Ordinal) is var start and >= 0)
        {
            if (start > position)
            {
                segments.Add(new Segment(LogVariable.Text, text[position..start]));
            }

            var end = text.IndexOf(')', start);
            if (end < 0)
            {
                return $"has no closing parenthesis behind '{text[start..]}'; write a variable as %(uri)";
            }

            if (end == start + 2)
            {
                return "holds %(), which names no variable; write a variable as %(uri)";
            }

            segments.Add(ParseVariable(text[(start + 2)..end]));
            position = end + 1;
        }

        if (position < text.Length)
        {
            segments.Add(new Segment(LogVariable.Text, text[position..]));
        }

        format = new LogFormat([.. segments]);
        return null;
    }

    private static Segment ParseVariable(string name) =>
        Variables.TryGetValue(name, out var variable) ? new Segment(variable, name)
        : name.StartsWith(RequestVariablePrefix, StringComparison.Ordinal) ? new Segment(LogVariable.RequestVariable, name[RequestVariablePrefix.Length..])
        : name.StartsWith(MetricPrefix, StringComparison.Ordinal) ? new Segment(LogVariable.Metric, name)
        : new Segment(LogVariable.AppValue, name);

    /// <summary>A part of the line.</summary>
    /// <param name="Variable">What it stands for.</param>
    /// <param name="Text">The text itself, or the variable's name.</param>
    public readonly record struct Segment(LogVariable Variable, string Text);
}
