using System.Buffers;
using Uwsgi.AspNetCore.Hosting;
using Uwsgi.AspNetCore.Protocols.FastCgi;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.Tests.Hosting;

public class FastCgiRecordReaderTests
{
    // Above this length not every split is tried, but one of so many.
    private const int LongCapture = 3000;
    private const int Stride = 97;

    public static TheoryData<Capture> WellFormed => [.. Capture.AllFastCgi.Where(capture => !capture.Records.Malformed)];

    [Theory]
    [MemberData(nameof(WellFormed))]
    public void TryRead_Whole_GivesTheBytesOfTheRecords(Capture capture)
    {
        var at = 0;
        foreach (var record in Read(capture.Bytes))
        {
            Assert.Equal(capture.Bytes.Slice(at + FastCgiRecord.HeaderSize, record.Header.ContentLength), record.Content);
            at += FastCgiRecord.HeaderSize + record.Header.ContentLength + record.Header.PaddingLength;
        }

        Assert.Equal(capture.Bytes.Length, at);
    }

    [Theory]
    [MemberData(nameof(WellFormed))]
    public void TryRead_OneByteAfterTheOther_GivesTheSameRecords(Capture capture) =>
        Assert.Equal(Read(capture.Bytes), Read([.. Enumerable.Range(0, Math.Min(capture.Bytes.Length, LongCapture)).Select(at => capture.Bytes.Slice(at, 1)),
            capture.Bytes[Math.Min(capture.Bytes.Length, LongCapture)..]]));

    [Theory]
    [MemberData(nameof(WellFormed))]
    public void TryRead_InTwoArrivalsSplitAnywhere_GivesTheSameRecords(Capture capture)
    {
        var expected = Read(capture.Bytes);
        for (var split = 1; split < capture.Bytes.Length; split += capture.Bytes.Length > LongCapture ? Stride : 1)
            Assert.Equal(expected, Read(capture.Bytes[..split], capture.Bytes[split..]));
    }

    [Fact]
    public void TryRead_StreamInParts_MarksTheFirstOne()
    {
        var reader = new FastCgiRecordReader();
        var bytes = FastCgiBytes.Record(FastCgiBytes.StdinType, 1, "abcdef"u8, padding: 3);
        var first = new ReadOnlySequence<byte>(bytes, 0, FastCgiRecord.HeaderSize + 2);
        var second = new ReadOnlySequence<byte>(bytes, FastCgiRecord.HeaderSize + 2, bytes.Length - FastCgiRecord.HeaderSize - 2);

        Assert.True(reader.TryRead(ref first, out var part));
        Assert.Equal((true, "ab"u8.ToArray()), (part.IsFirst, part.Content.ToArray()), TupleComparer);
        Assert.False(reader.TryRead(ref first, out _));
        Assert.True(reader.TryRead(ref second, out part));
        Assert.Equal((false, "cdef"u8.ToArray()), (part.IsFirst, part.Content.ToArray()), TupleComparer);
        Assert.False(reader.TryRead(ref second, out _));
        Assert.True(second.IsEmpty);
    }

    [Theory]
    [InlineData(FastCgiBytes.BeginType)]
    [InlineData(FastCgiBytes.GetValuesType)]
    public void TryRead_DiscreteRecordInParts_WaitsForAllOfIt(byte type)
    {
        var record = FastCgiBytes.Record(type, type == FastCgiBytes.BeginType ? (ushort)1 : (ushort)0, new byte[8]);
        var reader = new FastCgiRecordReader();
        for (var length = 0; length < record.Length; length++)
        {
            var buffer = new ReadOnlySequence<byte>(record, 0, length);
            Assert.False(new FastCgiRecordReader().TryRead(ref buffer, out _));
        }

        var whole = new ReadOnlySequence<byte>(record);
        Assert.True(reader.TryRead(ref whole, out var part));
        Assert.Equal(8, part.Content.Length);
    }

    private static IEqualityComparer<(bool IsFirst, byte[] Content)> TupleComparer { get; } =
        EqualityComparer<(bool IsFirst, byte[] Content)>.Create(
            (left, right) => left.IsFirst == right.IsFirst && left.Content.AsSpan().SequenceEqual(right.Content), value => value.Content.Length);

    // What a connection does: keeps what was not taken, and adds what arrives.
    private static List<ReadRecord> Read(params ReadOnlyMemory<byte>[] arrivals)
    {
        var reader = new FastCgiRecordReader();
        var records = new List<ReadRecord>();
        var kept = Array.Empty<byte>();
        foreach (var arrival in arrivals)
        {
            byte[] bytes = [.. kept, .. arrival.Span];
            var buffer = new ReadOnlySequence<byte>(bytes);
            while (reader.TryRead(ref buffer, out var part))
            {
                if (part.IsFirst)
                    records.Add(new ReadRecord(part.Record, part.Content.ToArray()));
                else
                    records[^1] = new ReadRecord(part.Record, [.. records[^1].Content, .. part.Content.ToArray()]);
            }

            kept = buffer.ToArray();
        }

        Assert.Empty(kept);
        return records;
    }

    private sealed record ReadRecord(FastCgiRecord Header, byte[] Content)
    {
        public bool Equals(ReadRecord? other) => other is not null && Header == other.Header && Content.AsSpan().SequenceEqual(other.Content);

        public override int GetHashCode() => Header.GetHashCode();
    }
}
