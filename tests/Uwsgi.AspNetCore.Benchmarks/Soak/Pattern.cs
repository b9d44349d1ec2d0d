using System.Buffers.Binary;

namespace Uwsgi.AspNetCore.Benchmarks.Soak;

/// <summary>The bytes that belong to one nonce and to no other: each position is known, so that nobody has to keep them.</summary>
internal static class Pattern
{
    private const int Word = sizeof(ulong);

    public static byte[] Create(ulong nonce, int length)
    {
        var bytes = new byte[length];
        Fill(nonce, 0, bytes);
        return bytes;
    }

    public static void Fill(ulong nonce, long position, Span<byte> bytes)
    {
        Span<byte> word = stackalloc byte[Word];
        while (!bytes.IsEmpty)
        {
            var skipped = (int)(position % Word);
            if (skipped == 0 && bytes.Length >= Word)
            {
                BinaryPrimitives.WriteUInt64LittleEndian(bytes, At(nonce, position / Word));
                position += Word;
                bytes = bytes[Word..];
                continue;
            }

            BinaryPrimitives.WriteUInt64LittleEndian(word, At(nonce, position / Word));
            var count = Math.Min(Word - skipped, bytes.Length);
            word.Slice(skipped, count).CopyTo(bytes);
            position += count;
            bytes = bytes[count..];
        }
    }

    /// <summary>Gets the first of the bytes that is wrong, counted from the start of the pattern, or -1.</summary>
    public static long FindDifference(ulong nonce, long position, ReadOnlySpan<byte> bytes)
    {
        Span<byte> expected = stackalloc byte[1024];
        while (!bytes.IsEmpty)
        {
            var count = Math.Min(expected.Length, bytes.Length);
            Fill(nonce, position, expected[..count]);
            var same = expected[..count].CommonPrefixLength(bytes);
            if (same < count)
            {
                return position + same;
            }

            position += count;
            bytes = bytes[count..];
        }

        return -1;
    }

    // SplitMix64: neighbouring nonces and positions have nothing in common.
    private static ulong At(ulong nonce, long index)
    {
        var z = nonce + ((ulong)(index + 1) * 0x9E3779B97F4A7C15);
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
