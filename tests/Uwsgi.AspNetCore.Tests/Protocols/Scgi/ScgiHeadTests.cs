using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using Uwsgi.AspNetCore.Protocols;
using Uwsgi.AspNetCore.Protocols.Scgi;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.Tests.Protocols.Scgi;

public class ScgiHeadTests
{
    private const int Limit = 100_000;

    [Fact]
    public void Captures_AreAllThere() => Assert.Equal(136, Capture.AllScgi.Count());

    [Theory]
    [MemberData(nameof(Capture.Scgi), MemberType = typeof(Capture))]
    public void Decode_Whole_GivesTheRecordedVariables(Capture capture) => AssertHead(capture, Sequences.Whole(capture.Bytes));

    [Theory]
    [MemberData(nameof(Capture.Scgi), MemberType = typeof(Capture))]
    public void Decode_OneBytePerSegment_GivesTheRecordedVariables(Capture capture) =>
        AssertHead(capture, Sequences.OneBytePerSegment(Start(capture)));

    [Theory]
    [MemberData(nameof(Capture.Scgi), MemberType = typeof(Capture))]
    public void Decode_EveryTwoPartSplit_GivesTheRecordedVariables(Capture capture)
    {
        foreach (var split in Sequences.EveryTwoPartSplit(Start(capture), limit: 1000))
            Decode(split, out _);

        AssertHead(capture, Sequences.Split(capture.Bytes, Start(capture).Length - 1));
    }

    [Theory]
    [MemberData(nameof(Capture.Scgi), MemberType = typeof(Capture))]
    public void TryFind_Truncated_NeedsMore(Capture capture)
    {
        var head = Start(capture);
        for (var length = 0; length < head.Length; length += length < 16 ? 1 : 97)
            Assert.False(ScgiHead.TryFind(Sequences.Guarded(head[..length], (byte)',', blockSize: 5), Limit, out _, out _));
        Assert.False(ScgiHead.TryFind(Sequences.Guarded(head[..^1], (byte)','), Limit, out _, out _));
    }

    [Theory]
    [InlineData(":")]
    [InlineData(",")]
    [InlineData("a")]
    [InlineData("-1:")]
    [InlineData("+5:")]
    [InlineData(" 5:")]
    [InlineData("5 :")]
    [InlineData("05:")]
    [InlineData("00:")]
    [InlineData("5x")]
    [InlineData("5;")]
    [InlineData("12345678")]
    [InlineData("99999999999999999999")]
    [InlineData("GET / HTTP/1.1\r\n\r\n")]
    [InlineData("2:abc")]
    [InlineData("0:x")]
    public void TryFind_NoNetstring_IsRefused(string text)
    {
        foreach (var shape in Shapes(text))
        {
            var refused = Assert.Throws<GatewayProtocolException>(() => ScgiHead.TryFind(shape, Limit, out _, out _));
            Assert.Equal(GatewayRejection.MalformedBlock, refused.Reason);
        }
    }

    [Theory]
    [InlineData("100001:")]
    [InlineData("9999999:")]
    public void TryFind_LargerThanTheLimit_IsRefusedBeforeItArrives(string text)
    {
        foreach (var shape in Shapes(text))
            Assert.Equal(GatewayRejection.BlockTooLarge, Assert.Throws<GatewayProtocolException>(() => ScgiHead.TryFind(shape, Limit, out _, out _)).Reason);
    }

    [Theory]
    [InlineData("")]
    [InlineData("0")]
    [InlineData("7")]
    [InlineData("1234567")]
    [InlineData("100000:")]
    public void TryFind_StartOfALength_NeedsMore(string text)
    {
        foreach (var shape in Shapes(text))
            Assert.False(ScgiHead.TryFind(shape, Limit, out _, out _));
    }

    [Theory]
    [InlineData("", GatewayRejection.MalformedBlock)]
    [InlineData("CONTENT_LENGTH|0|", GatewayRejection.MalformedBlock)]
    [InlineData("CONTENT_LENGTH|0|SCGI|", GatewayRejection.MalformedBlock)]
    [InlineData("CONTENT_LENGTH|0|SCGI|1", GatewayRejection.MalformedBlock)]
    [InlineData("CONTENT_LENGTH|0|SCGI|2|", GatewayRejection.MalformedBlock)]
    [InlineData("CONTENT_LENGTH|0|SCGI|1|A", GatewayRejection.MalformedBlock)]
    [InlineData("CONTENT_LENGTH|0|SCGI|1|A|", GatewayRejection.MalformedBlock)]
    [InlineData("CONTENT_LENGTH|0|SCGI|1||", GatewayRejection.MalformedBlock)]
    [InlineData("CONTENT_LENGTH|0|SCGI|1||x|", GatewayRejection.EmptyName)]
    [InlineData("||SCGI|1|", GatewayRejection.EmptyName)]
    [InlineData("SCGI|1|CONTENT_LENGTH|0|", GatewayRejection.MalformedBlock)]
    [InlineData("content_length|0|SCGI|1|", GatewayRejection.MalformedBlock)]
    [InlineData("CONTENT_LENGTH|0|scgi|1|", GatewayRejection.MalformedBlock)]
    public void DecodeBlock_Malformed_IsRefused(string block, object reason)
    {
        var variables = new GatewayVariables();
        variables.Load(Sequences.Whole(Encoding.Latin1.GetBytes(block.Replace('|', '\0'))));

        Assert.Equal(reason, Assert.Throws<GatewayProtocolException>(() => ScgiHead.DecodeBlock(variables)).Reason);
    }

    [Fact]
    public void DecodeBlock_Duplicates_AreKeptInOrder()
    {
        var variables = new GatewayVariables();
        variables.Load(Sequences.Whole("CONTENT_LENGTH\00\0SCGI\01\0HTTP_X\0a\0HTTP_X\0b\0"u8.ToArray()));
        ScgiHead.DecodeBlock(variables);

        Assert.Equal(4, variables.Count);
        Assert.Equal("a"u8.ToArray(), variables.Value(2));
        Assert.Equal("b"u8.ToArray(), variables.Value(3));
    }

    private static ReadOnlyMemory<byte> Start(Capture capture)
    {
        var length = capture.Netstring.NetstringLength;
        return capture.Bytes[..(length.ToString(System.Globalization.CultureInfo.InvariantCulture).Length + 1 + length + 1)];
    }

    private static IEnumerable<ReadOnlySequence<byte>> Shapes(string text)
    {
        var bytes = Encoding.Latin1.GetBytes(text);
        return [Sequences.Whole(bytes), Sequences.OneBytePerSegment(bytes), .. Sequences.EveryTwoPartSplit(bytes)];
    }

    private static GatewayVariables Decode(in ReadOnlySequence<byte> bytes, out ReadOnlySequence<byte> body)
    {
        Assert.True(ScgiHead.TryFind(bytes, Limit, out var start, out var length));
        var variables = new GatewayVariables();
        variables.Load(bytes.Slice(start, length));
        ScgiHead.DecodeBlock(variables);
        body = bytes.Slice(start + length + 1);
        return variables;
    }

    private static void AssertHead(Capture capture, in ReadOnlySequence<byte> bytes)
    {
        var variables = Decode(bytes, out var body);
        var expected = capture.Netstring.Variables;
        Assert.Equal(expected.Count, variables.Count);
        for (var i = 0; i < expected.Count; i++)
            Assert.True(expected[i].Matches(variables.Name(i), variables.Value(i)), expected[i].Name);
        if (body.Length >= capture.Netstring.BodyLength)
            Assert.Equal(capture.Netstring.BodySha256, Convert.ToHexStringLower(SHA256.HashData(body.Slice(0, capture.Netstring.BodyLength).ToArray())));
    }
}
