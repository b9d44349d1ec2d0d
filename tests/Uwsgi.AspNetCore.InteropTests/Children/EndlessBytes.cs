namespace Uwsgi.AspNetCore.InteropTests.Children;

/// <summary>A sequence of bytes without end in which every position is known, so that nobody has to keep it.</summary>
internal static class EndlessBytes
{
    // A prime length: the pattern never lines up with the size of a buffer.
    private const int Period = 999_983;

    private static readonly byte[] Twice = Make();

    /// <summary>Gets a piece of the sequence, at most <see cref="Period"/> bytes long.</summary>
    public static ReadOnlyMemory<byte> At(long position, int length) => Twice.AsMemory((int)(position % Period), length);

    /// <summary>Throws when bytes are not those of the sequence at that position.</summary>
    public static void Check(long position, ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            var length = Math.Min(bytes.Length, Period);
            if (!bytes[..length].SequenceEqual(At(position, length).Span))
            {
                throw new InvalidDataException($"Some of the {length} bytes from position {position} on are wrong.");
            }

            position += length;
            bytes = bytes[length..];
        }
    }

    private static byte[] Make()
    {
        var bytes = new byte[2 * Period];
        new Random(1).NextBytes(bytes.AsSpan(0, Period));
        bytes.AsSpan(0, Period).CopyTo(bytes.AsSpan(Period));
        return bytes;
    }
}
