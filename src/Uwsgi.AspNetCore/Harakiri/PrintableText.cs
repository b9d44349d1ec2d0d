using System.Globalization;
using System.Text;

namespace Uwsgi.AspNetCore.Harakiri;

/// <summary>Makes text that a client chose fit for one line of a log.</summary>
internal static class PrintableText
{
    private const int MaxLength = 2048;

    /// <summary>Replaces what is neither printable nor a blank, and cuts what is too long.</summary>
    public static string Of(string text)
    {
        if (text.Length <= MaxLength && !text.AsSpan().ContainsAnyExceptInRange(' ', '~'))
        {
            return text;
        }

        var result = new StringBuilder();
        foreach (var character in text.AsSpan(0, Math.Min(text.Length, MaxLength)))
        {
            if (character is >= ' ' and <= '~')
            {
                result.Append(character);
            }
            else
            {
                result.Append(CultureInfo.InvariantCulture, $"\\u{(int)character:x4}");
            }
        }

        return result.Append(text.Length > MaxLength ? "..." : "").ToString();
    }
}
