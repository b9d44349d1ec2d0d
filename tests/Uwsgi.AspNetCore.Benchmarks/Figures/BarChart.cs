using System.Globalization;
using System.Xml.Linq;

namespace Uwsgi.AspNetCore.Benchmarks.Figures;

/// <summary>Horizontal bars in SVG, in panels one below the other, readable on a light and on a dark page.</summary>
/// <param name="Title">What a reader who does not see it is told first.</param>
/// <param name="Description">What it shows, in a sentence with figures.</param>
/// <param name="Panels">Each with a scale of its own, from zero.</param>
/// <param name="Caption">Lines below the bars.</param>
internal sealed record BarChart(string Title, string Description, IReadOnlyList<BarPanel> Panels, IReadOnlyList<string> Caption)
{
    // The width of a page's text on GitHub, which scales wider pictures down.
    private const int Width = 830;
    private const int Margin = 10;
    private const int LabelWidth = 330;
    private const int ValueWidth = 90;
    private const int RowHeight = 24;
    private const int BarHeight = 16;
    private const int HeadingHeight = 40;
    private const int CaptionHeight = 18;

    /// <summary>Mid-tones that stand out from white and black alike; only the text follows the reader's scheme.</summary>
    private const string Style =
        """
        text { font: 13px system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; fill: #1f2328; }
        .heading { font-weight: 600; font-size: 15px; }
        .caption { font-size: 11.5px; fill: #59636e; }
        .ours { fill: #2f81f7; } .baseline { fill: #8b949e; } .other { fill: #b08800; }
        @media (prefers-color-scheme: dark) { text { fill: #e6edf3; } .caption { fill: #9198a1; } }
        """;

    private static readonly XNamespace Svg = "http://www.w3.org/2000/svg";

    public string Write()
    {
        var picture = new XElement(
            Svg + "svg",
            new XAttribute("role", "img"),
            new XAttribute("aria-labelledby", "title description"),
            new XElement(Svg + "title", new XAttribute("id", "title"), Title),
            new XElement(Svg + "desc", new XAttribute("id", "description"), Description),
            new XElement(Svg + "style", Style));
        var y = 0;
        foreach (var panel in Panels)
        {
            y = Draw(picture, panel, y);
        }

        y += Margin;
        foreach (var line in Caption)
        {
            y += CaptionHeight;
            picture.Add(Text(Margin, y, line, "caption"));
        }

        y += Margin;
        picture.Add(new XAttribute("width", Width), new XAttribute("height", y), new XAttribute("viewBox", $"0 0 {Width} {y}"));
        return picture + "\n";
    }

    private static int Draw(XElement picture, BarPanel panel, int y)
    {
        y += HeadingHeight;
        picture.Add(Text(Margin, y - 14, panel.Title, "heading"));
        var longest = panel.Bars.Select(bar => bar.Value).DefaultIfEmpty(0).Max();
        foreach (var bar in panel.Bars)
        {
            var length = longest > 0 ? bar.Value / longest * (Width - LabelWidth - ValueWidth - Margin) : 0;
            var baseline = y + BarHeight - 3;
            picture.Add(
                Text(LabelWidth - 8, baseline, bar.Label, "label", new XAttribute("text-anchor", "end")),
                new XElement(
                    Svg + "rect",
                    new XAttribute("class", ClassOf(bar.Kind)),
                    new XAttribute("x", LabelWidth),
                    new XAttribute("y", y),
                    new XAttribute("width", Number(length)),
                    new XAttribute("height", BarHeight)),
                Text(LabelWidth + length + 6, baseline, bar.Value.ToString(panel.Format, CultureInfo.InvariantCulture) + panel.Unit, "value"));
            y += RowHeight;
        }

        return y;
    }

    private static string ClassOf(BarKind kind) => kind switch
    {
        BarKind.Ours => "ours",
        BarKind.Baseline => "baseline",
        _ => "other",
    };

    private static XElement Text(double x, double y, string text, string kind, params XAttribute[] more) => new(
        Svg + "text", new XAttribute("class", kind), new XAttribute("x", Number(x)), new XAttribute("y", Number(y)), more, text);

    private static string Number(double value) => value.ToString("0.#", CultureInfo.InvariantCulture);
}

/// <summary>Bars that share a scale.</summary>
/// <param name="Title">What they show, and which way is better.</param>
/// <param name="Unit">Written behind each value.</param>
/// <param name="Format">How values are written.</param>
/// <param name="Bars">From top to bottom.</param>
internal sealed record BarPanel(string Title, string Unit, string Format, IReadOnlyList<Bar> Bars);

internal sealed record Bar(string Label, double Value, BarKind Kind);

/// <summary>What a bar's colour says.</summary>
internal enum BarKind
{
    /// <summary>This library.</summary>
    Ours,

    /// <summary>What it is compared with.</summary>
    Baseline,

    /// <summary>Another program, for scale.</summary>
    Other,
}
