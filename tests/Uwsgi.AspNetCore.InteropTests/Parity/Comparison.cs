namespace Uwsgi.AspNetCore.InteropTests.Parity;

/// <summary>Compares what was seen through two doors.</summary>
internal static class Comparison
{
    // What the test knows of its own side; the doors have different ports by nature.
    private static readonly string[] OwnSide = ["Client.", "Door."];

    /// <summary>Visits both doors and returns every difference, allowed or not.</summary>
    public static async Task<IReadOnlyList<Difference>> RunAsync(ParityCase parityCase, Visitor expected, Visitor actual)
    {
        await VisitAsync(parityCase, expected);
        await VisitAsync(parityCase, actual);
        Assert.Equal(expected.Steps.Count, actual.Steps.Count);
        return [.. expected.Steps.Zip(actual.Steps).SelectMany(steps => Compare(parityCase, steps.First, steps.Second))];
    }

    private static async Task VisitAsync(ParityCase parityCase, Visitor visitor)
    {
        try
        {
            await parityCase.Visit(visitor);
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"Through {visitor.Door.Name}: {e.Message}", e);
        }
    }

    private static IEnumerable<Difference> Compare(
        ParityCase parityCase, IReadOnlyDictionary<string, string> expected, IReadOnlyDictionary<string, string> actual) =>
        from field in expected.Keys.Union(actual.Keys).Order(StringComparer.Ordinal)
        where !OwnSide.Any(prefix => field.StartsWith(prefix, StringComparison.Ordinal))
        let first = Masked(parityCase, field, expected.GetValueOrDefault(field))
        let second = Masked(parityCase, field, actual.GetValueOrDefault(field))
        where first != second
        select new Difference(parityCase.Name, field, first, second, actual);

    private static string? Masked(ParityCase parityCase, string field, string? value)
    {
        if (value is null)
        {
            return null;
        }

        return field.ToUpperInvariant() is "RESPONSE.HEADER[DATE]" or "RESPONSE.HEADER[AGE]"
            ? "(by the clock)"
            : parityCase.Masks.Aggregate(value, (text, mask) => mask.Pattern.Replace(text, mask.Replacement));
    }
}
