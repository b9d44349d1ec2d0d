using System.Buffers;

namespace Uwsgi.AspNetCore.Testing;

/// <summary>Cuts bytes into read-only sequences of every shape a transport may deliver.</summary>
public static class Sequences
{
    /// <summary>One segment.</summary>
    public static ReadOnlySequence<byte> Whole(ReadOnlyMemory<byte> bytes) => new(bytes);

    /// <summary>As many segments as bytes.</summary>
    public static ReadOnlySequence<byte> OneBytePerSegment(ReadOnlyMemory<byte> bytes) => InBlocks(bytes, 1);

    /// <summary>Segments of <paramref name="blockSize"/> bytes; the last may be shorter.</summary>
    public static ReadOnlySequence<byte> InBlocks(ReadOnlyMemory<byte> bytes, int blockSize)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(blockSize, 1);

        var parts = new List<ReadOnlyMemory<byte>>(bytes.Length / blockSize + 1);
        for (var at = 0; at < bytes.Length; at += blockSize)
            parts.Add(bytes.Slice(at, Math.Min(blockSize, bytes.Length - at)));
        return Of(parts);
    }

    /// <summary>Two segments, the first <paramref name="at"/> bytes long. Either may be empty.</summary>
    public static ReadOnlySequence<byte> Split(ReadOnlyMemory<byte> bytes, int at) => Of([bytes[..at], bytes[at..]]);

    /// <summary>Every split into two segments at or before <paramref name="limit"/> (default: everywhere), both ends included.</summary>
    public static IEnumerable<ReadOnlySequence<byte>> EveryTwoPartSplit(ReadOnlyMemory<byte> bytes, int limit = int.MaxValue)
    {
        for (var at = 0; at <= bytes.Length && at <= limit; at++)
            yield return Split(bytes, at);
    }

    /// <summary>
    /// The bytes as a slice from the middle of a longer sequence: what lies before and behind is <paramref name="guard"/>,
    /// in the same segments and in segments of their own. A reader that depends on the guard has left its slice.
    /// </summary>
    public static ReadOnlySequence<byte> Guarded(ReadOnlyMemory<byte> bytes, byte guard, int blockSize = int.MaxValue)
    {
        const int Margin = 16;

        var padded = new byte[Margin + bytes.Length + Margin];
        padded.AsSpan().Fill(guard);
        bytes.CopyTo(padded.AsMemory(Margin));

        var parts = new List<ReadOnlyMemory<byte>>();
        for (var at = 0; at < padded.Length;)
        {
            var length = Math.Min(blockSize, padded.Length - at);
            parts.Add(padded.AsMemory(at, length));
            at += length;
        }

        var other = new byte[Margin];
        other.AsSpan().Fill(guard);
        parts.Add(other);

        return Of(parts).Slice(Margin, bytes.Length);
    }

    /// <summary>A sequence of the given parts; empty parts stay empty segments.</summary>
    public static ReadOnlySequence<byte> Of(IReadOnlyList<ReadOnlyMemory<byte>> parts)
    {
        if (parts.Count == 0)
            return ReadOnlySequence<byte>.Empty;

        var first = new Segment(parts[0], 0);
        var last = first;
        for (var i = 1; i < parts.Count; i++)
            last = last.Append(parts[i]);
        return new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length);
    }

    private sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        public Segment(ReadOnlyMemory<byte> memory, long runningIndex)
        {
            Memory = memory;
            RunningIndex = runningIndex;
        }

        public Segment Append(ReadOnlyMemory<byte> memory)
        {
            var next = new Segment(memory, RunningIndex + Memory.Length);
            Next = next;
            return next;
        }
    }
}
