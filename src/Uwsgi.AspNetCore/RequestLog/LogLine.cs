using System.Buffers;
using System.Globalization;
using System.Text;

namespace Uwsgi.AspNetCore.RequestLog;

/// <summary>Builds one line in a pooled buffer. What comes from outside goes through <c>AppendValue</c>, which lets nobody forge anything.</summary>
/// <remarks>
/// Escaped as <c>\xNN</c>, byte by byte as nginx does: control and format characters, separators, quotes, backslashes, everything that has
/// no glyph, and bytes that are no UTF-8. A value that takes too much of the line is cut and ends with three dots.
/// </remarks>
internal ref struct LogLine()
{
    private const int MaxValueLength = 2048;
    private const string Cut = "...";

    // What a code point takes at most: four escaped bytes.
    private const int MaxEscaped = 16;

    private char[] _buffer = ArrayPool<char>.Shared.Rent(512);
    private int _length;

    // Together with the format's own text and its numbers this stays within the 4096 of uWSGI's line.
    private int _valueBudget = 3584;

    public readonly void Dispose() => ArrayPool<char>.Shared.Return(_buffer);

    public override readonly string ToString() => new(_buffer, 0, _length);

    /// <summary>Appends text of our own.</summary>
    public void Append(ReadOnlySpan<char> text)
    {
        Reserve(text.Length);
        text.CopyTo(_buffer.AsSpan(_length));
        _length += text.Length;
    }

    public void Append(char character)
    {
        Reserve(1);
        _buffer[_length++] = character;
    }

    public void Append<T>(T value, ReadOnlySpan<char> format = default)
        where T : ISpanFormattable
    {
        int written;
        while (!value.TryFormat(_buffer.AsSpan(_length), out written, format, CultureInfo.InvariantCulture))
        {
            Reserve(_buffer.Length - _length + 1);
        }

        _length += written;
    }

    /// <summary>Appends bytes of a web server or its client.</summary>
    /// <param name="value">The bytes; text if they are UTF-8.</param>
    /// <param name="keepBlanks">Whether blanks may stay, since nobody takes the value for several fields.</param>
    public void AppendValue(ReadOnlySpan<byte> value, bool keepBlanks)
    {
        var start = _length;
        var end = GetEnd();
        while (!value.IsEmpty)
        {
            if (_length > end)
            {
                Append(Cut);
                break;
            }

            var status = Rune.DecodeFromUtf8(value, out var rune, out var consumed);
            if (status == OperationStatus.Done && IsSafe(rune, keepBlanks))
            {
                Append(rune);
            }
            else
            {
                AppendEscaped(value[..consumed]);
            }

            value = value[consumed..];
        }

        _valueBudget -= _length - start;
    }

    /// <inheritdoc cref="AppendValue(ReadOnlySpan{byte}, bool)"/>
    public void AppendValue(ReadOnlySpan<char> value, bool keepBlanks)
    {
        var start = _length;
        var end = GetEnd();
        Span<byte> bytes = stackalloc byte[4];
        while (!value.IsEmpty)
        {
            if (_length > end)
            {
                Append(Cut);
                break;
            }

            // Half a surrogate pair becomes the replacement character.
            _ = Rune.DecodeFromUtf16(value, out var rune, out var consumed);
            if (rune != Rune.ReplacementChar && IsSafe(rune, keepBlanks))
            {
                Append(rune);
            }
            else
            {
                AppendEscaped(bytes[..rune.EncodeToUtf8(bytes)]);
            }

            value = value[consumed..];
        }

        _valueBudget -= _length - start;
    }

    // The last place at which another code point may begin.
    private readonly int GetEnd() => _length + Math.Min(MaxValueLength, _valueBudget) - MaxEscaped;

    private void Append(Rune rune)
    {
        Reserve(rune.Utf16SequenceLength);
        _length += rune.EncodeToUtf16(_buffer.AsSpan(_length));
    }

    private void AppendEscaped(scoped ReadOnlySpan<byte> bytes)
    {
        foreach (var value in bytes)
        {
            Append("\\x");
            Append(value, "X2");
        }
    }

    private void Reserve(int count)
    {
        if (_buffer.Length - _length >= count)
        {
            return;
        }

        var larger = ArrayPool<char>.Shared.Rent(Math.Max(_buffer.Length * 2, _length + count));
        _buffer.AsSpan(0, _length).CopyTo(larger);
        ArrayPool<char>.Shared.Return(_buffer);
        _buffer = larger;
    }

    private static bool IsSafe(Rune rune, bool keepBlanks) => rune.IsAscii
        ? rune.Value is > ' ' and < 0x7F and not ('"' or '\\') || (keepBlanks && rune.Value == ' ')
        : Rune.GetUnicodeCategory(rune) is not (UnicodeCategory.Control or UnicodeCategory.Format
            or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.SpaceSeparator
            or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned);
}
