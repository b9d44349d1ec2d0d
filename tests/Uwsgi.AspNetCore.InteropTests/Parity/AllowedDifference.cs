namespace Uwsgi.AspNetCore.InteropTests.Parity;

/// <summary>A difference between two doors.</summary>
/// <param name="Case">The name of the case.</param>
/// <param name="Field">What differs.</param>
/// <param name="Expected">The value through the HTTP door; <see langword="null"/> when there is none.</param>
/// <param name="Actual">The value through the other door.</param>
/// <param name="Fields">Everything else that was seen through the other door.</param>
internal sealed record Difference(string Case, string Field, string? Expected, string? Actual, IReadOnlyDictionary<string, string> Fields)
{
    public override string ToString() => $"{Field}\n    expected: {Expected ?? "(absent)"}\n    actual:   {Actual ?? "(absent)"}";
}

/// <summary>A difference that is right, with the reason.</summary>
/// <param name="Name">What differs, in a few words.</param>
/// <param name="Fields">The fields it shows in; a name may end with an asterisk.</param>
/// <param name="Example">A case in which it must occur.</param>
/// <param name="Reason">Why the two doors cannot or should not agree.</param>
/// <param name="IsRight">Whether the two values differ in just the way they should.</param>
internal sealed record AllowedDifference(string Name, string[] Fields, string Example, string Reason, Func<Difference, bool> IsRight)
{
    /// <summary>Gets a value indicating whether the entry concerns only its example.</summary>
    public bool OnlyInExample { get; init; }

    /// <summary>Gets a value indicating whether it depends on which of two events is first, so that even the example need not show it.</summary>
    public bool IsRace { get; init; }

    public bool Covers(Difference difference) =>
        (!OnlyInExample || difference.Case == Example)
        && Fields.Any(field => field.EndsWith('*')
            ? difference.Field.StartsWith(field[..^1], StringComparison.Ordinal)
            : difference.Field.Equals(field, StringComparison.OrdinalIgnoreCase))
        && IsRight(difference);
}
