using System.Globalization;

namespace Uwsgi.AspNetCore.Benchmarks.Figures;

/// <summary>What a figure has to be: no more, no less, or both.</summary>
internal sealed record Bound(double Low, double High, string Unit)
{
    public static Bound AtMost(double high, string unit) => new(double.NegativeInfinity, high, unit);

    public static Bound AtLeast(double low, string unit) => new(low, double.PositiveInfinity, unit);

    /// <summary>Equal, but for a share such as 0.15.</summary>
    public static Bound Same(double tolerance) => new(1 - tolerance, 1 + tolerance, "×");

    /// <summary>A figure that is reported and has no goal.</summary>
    public static Bound None { get; } = new(double.NegativeInfinity, double.PositiveInfinity, "×");

    public bool HasNoLimit => double.IsInfinity(Low) && double.IsInfinity(High);

    public bool IsMetBy(double value) => value >= Low && value <= High;

    public override string ToString() => (double.IsFinite(Low), double.IsFinite(High)) switch
    {
        (false, false) => "–",
        (false, true) => string.Create(CultureInfo.InvariantCulture, $"≤ {High:0.0#}{Unit}"),
        (true, false) => string.Create(CultureInfo.InvariantCulture, $"≥ {Low:0.0#}{Unit}"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{Low:0.0#}–{High:0.0#}{Unit}"),
    };
}
