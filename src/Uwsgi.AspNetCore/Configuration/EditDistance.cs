namespace Uwsgi.AspNetCore.Configuration;

/// <summary>How far two names are apart, to guess what a mistyped one was meant to be.</summary>
internal static class EditDistance
{
    /// <summary>Counts the insertions, deletions and replacements that turn one name into the other; case does not count.</summary>
    public static int Between(string first, string second)
    {
        var previous = Enumerable.Range(0, second.Length + 1).ToArray();
        var current = new int[second.Length + 1];
        for (var i = 0; i < first.Length; i++)
        {
            current[0] = i + 1;
            for (var j = 0; j < second.Length; j++)
            {
                var replaced = char.ToUpperInvariant(first[i]) == char.ToUpperInvariant(second[j]) ? previous[j] : previous[j] + 1;
                current[j + 1] = Math.Min(replaced, Math.Min(previous[j + 1], current[j]) + 1);
            }

            (previous, current) = (current, previous);
        }

        return previous[second.Length];
    }
}
