using System.Buffers;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.Tests.Shared;

public class SequencesTests
{
    private static readonly byte[] Bytes = "abcdef"u8.ToArray();

    [Theory]
    [InlineData(1, 6)]
    [InlineData(4, 2)]
    [InlineData(6, 1)]
    [InlineData(100, 1)]
    public void InBlocks_AnySize_KeepsTheBytes(int blockSize, int segments)
    {
        var sequence = Sequences.InBlocks(Bytes, blockSize);

        Assert.Equal(Bytes, sequence.ToArray());
        Assert.Equal(segments, Count(sequence));
    }

    [Fact]
    public void EveryTwoPartSplit_OfSixBytes_IsSevenSequences()
    {
        var splits = Sequences.EveryTwoPartSplit(Bytes).ToList();

        Assert.Equal(7, splits.Count);
        Assert.All(splits, split => Assert.Equal(Bytes, split.ToArray()));
        Assert.Equal("abc"u8.ToArray(), splits[3].FirstSpan.ToArray());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(5)]
    [InlineData(int.MaxValue)]
    public void Guarded_AnySize_ShowsOnlyTheBytes(int blockSize)
    {
        var sequence = Sequences.Guarded(Bytes, 0xEE, blockSize);

        Assert.Equal(Bytes, sequence.ToArray());
        Assert.Equal(6, sequence.Length);
    }

    [Fact]
    public void Of_Nothing_IsEmpty() => Assert.True(Sequences.OneBytePerSegment(ReadOnlyMemory<byte>.Empty).IsEmpty);

    private static int Count(ReadOnlySequence<byte> sequence)
    {
        var count = 0;
        foreach (var _ in sequence)
            count++;
        return count;
    }
}
