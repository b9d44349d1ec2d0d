using System.Globalization;
using System.Runtime.InteropServices;

namespace Uwsgi.AspNetCore.Benchmarks.Comparison;

/// <summary>One figure over the rounds of a run.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct Spread(double Median, double Min, double Max)
{
    public static Spread Of(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        var middle = sorted.Length / 2;
        var median = sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
        return new Spread(median, sorted[0], sorted[^1]);
    }

    /// <summary>Median and range, such as <c>13.0 µs (12.1–14.9)</c>.</summary>
    public string ToString(string format, string unit) =>
        string.Create(CultureInfo.InvariantCulture, $"{Number(Median, format)}{unit} ({Number(Min, format)}–{Number(Max, format)})");

    private static string Number(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
}
