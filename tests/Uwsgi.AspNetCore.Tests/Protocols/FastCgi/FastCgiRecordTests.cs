using System.Buffers;
using Uwsgi.AspNetCore.Protocols;
using Uwsgi.AspNetCore.Protocols.FastCgi;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.Tests.Protocols.FastCgi;

public class FastCgiRecordTests
{
    public static TheoryData<Capture> WellFormed => [.. Capture.AllFastCgi.Where(capture => !capture.Records.Malformed)];

    [Fact]
    public void Captures_AreAllThere() => Assert.Equal(274, Capture.AllFastCgi.Count());

    [Theory]
    [MemberData(nameof(WellFormed))]
    public void TryRead_Whole_GivesTheRecordedRecords(Capture capture) => AssertRecords(capture, Sequences.Whole(capture.Bytes));

    [Theory]
    [MemberData(nameof(WellFormed))]
    public void TryRead_OneBytePerSegment_GivesTheRecordedRecords(Capture capture)
    {
        if (capture.Bytes.Length < 30_000)
            AssertRecords(capture, Sequences.OneBytePerSegment(capture.Bytes));
        else
            AssertRecords(capture, Sequences.InBlocks(capture.Bytes, 7));
    }

    [Theory]
    [MemberData(nameof(WellFormed))]
    public void TryRead_EveryTwoPartSplit_GivesTheRecordedRecords(Capture capture)
    {
        foreach (var split in Sequences.EveryTwoPartSplit(capture.Bytes, limit: 1000))
            AssertRecords(capture, split);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(7)]
    public void TryRead_LessThanAHeader_NeedsMoreAndConsumesNothing(int length)
    {
        var bytes = Sequences.Guarded(new byte[] { 1, 1, 0, 1, 0, 8, 0, 0 }.AsMemory(0, length), 0xFF);

        Assert.False(FastCgiRecord.TryRead(ref bytes, out _));

        Assert.Equal(length, bytes.Length);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    [InlineData(255)]
    [InlineData('G')]
    public void TryRead_AnotherVersion_IsRefused(byte version)
    {
        var refused = Assert.Throws<GatewayProtocolException>(() =>
        {
            var bytes = Sequences.Whole(new byte[] { version, 1, 0, 1, 0, 8, 0, 0 });
            FastCgiRecord.TryRead(ref bytes, out _);
        });

        Assert.Equal(GatewayRejection.MalformedRecord, refused.Reason);
    }

    [Fact]
    public void TryRead_EveryField_IsBigEndianAndTheReservedByteIsIgnored()
    {
        var bytes = Sequences.Whole(new byte[] { 1, 5, 0x12, 0x34, 0xFE, 0xDC, 0xFF, 0x99 });

        Assert.True(FastCgiRecord.TryRead(ref bytes, out var record));

        Assert.Equal(new FastCgiRecord(FastCgiRecordType.Stdin, 0x1234, 0xFEDC, 0xFF), record);
        Assert.True(bytes.IsEmpty);
    }

    [Theory]
    [InlineData(0, "")]
    [InlineData(1, "1")]
    [InlineData(65_535, "65535")]
    [InlineData(65_536, "65535 1")]
    [InlineData(200_000, "65535 65535 65535 3395")]
    public void WriteStream_AnyLength_FitsItsRecords(int length, string expected)
    {
        var output = new ArrayBufferWriter<byte>();
        FastCgiRecord.WriteStream(output, FastCgiRecordType.Stdout, 7, new byte[length]);

        var bytes = Sequences.Whole(output.WrittenMemory);
        var lengths = new List<int>();
        while (FastCgiRecord.TryRead(ref bytes, out var record))
        {
            Assert.Equal((FastCgiRecordType.Stdout, 7), (record.Type, record.RequestId));
            lengths.Add(record.ContentLength);
            bytes = bytes.Slice(record.ContentLength + record.PaddingLength);
        }

        Assert.Equal(expected, string.Join(' ', lengths));
    }

    [Fact]
    public void WriteEndRequest_IsTheSpecifiedBytes()
    {
        var output = new ArrayBufferWriter<byte>();
        FastCgiRecord.WriteEndRequest(output, 0x0102, 0x01020304, FastCgiProtocolStatus.Overloaded);

        Assert.Equal("01030102000800000102030402000000", Convert.ToHexString(output.WrittenSpan));
    }

    [Fact]
    public void WriteUnknownType_IsTheSpecifiedBytes()
    {
        var output = new ArrayBufferWriter<byte>();
        FastCgiRecord.WriteUnknownType(output, (FastCgiRecordType)99);

        Assert.Equal("010B0000000800006300000000000000", Convert.ToHexString(output.WrittenSpan));
    }

    private static void AssertRecords(Capture capture, ReadOnlySequence<byte> bytes)
    {
        foreach (var expected in capture.Records.Records!)
        {
            Assert.True(FastCgiRecord.TryRead(ref bytes, out var record));
            Assert.Equal(
                (expected[0].GetString()!.Replace("_", "", StringComparison.Ordinal), expected[1].GetInt32(), expected[2].GetInt32(), expected[3].GetInt32()),
                (record.Type.ToString().ToUpperInvariant(), record.RequestId, record.ContentLength, record.PaddingLength));

            // An upload that was cut off ends within a record.
            var size = record.ContentLength + record.PaddingLength;
            bytes = bytes.Slice(Math.Min(size, bytes.Length));
        }

        Assert.True(bytes.IsEmpty);
    }
}
