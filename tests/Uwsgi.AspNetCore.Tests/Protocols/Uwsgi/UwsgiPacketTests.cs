using System.Buffers;
using System.Text;
using Uwsgi.AspNetCore.Protocols;
using Uwsgi.AspNetCore.Testing;
using Builder = Uwsgi.AspNetCore.Testing.UwsgiPacket;
using UwsgiPacket = Uwsgi.AspNetCore.Protocols.Uwsgi.UwsgiPacket;

namespace Uwsgi.AspNetCore.Tests.Protocols.Uwsgi;

public class UwsgiPacketTests
{
    public static TheoryData<string> MalformedNames => [.. Builder.Malformed().Select(packet => packet.Name)];

    [Theory]
    [MemberData(nameof(Capture.Uwsgi), MemberType = typeof(Capture))]
    public void DecodeBlock_Whole_GivesTheRecordedVariables(Capture capture) =>
        AssertVariables(capture, Decode(Sequences.Whole(capture.Bytes)));

    [Theory]
    [MemberData(nameof(Capture.Uwsgi), MemberType = typeof(Capture))]
    public void DecodeBlock_OneBytePerSegment_GivesTheRecordedVariables(Capture capture) =>
        AssertVariables(capture, Decode(Sequences.OneBytePerSegment(capture.Head)));

    [Theory]
    [MemberData(nameof(Capture.Uwsgi), MemberType = typeof(Capture))]
    public void DecodeBlock_EveryTwoPartSplit_GivesTheRecordedVariables(Capture capture)
    {
        var variables = new GatewayVariables();
        foreach (var split in Sequences.EveryTwoPartSplit(capture.Head))
        {
            Decode(split, variables);
            Assert.Equal(capture.Packet.Variables.Count, variables.Count);
        }

        AssertVariables(capture, variables);
    }

    [Theory]
    [MemberData(nameof(Capture.Uwsgi), MemberType = typeof(Capture))]
    public void TryReadHeader_EverySplit_GivesTheSameFields(Capture capture)
    {
        foreach (var split in Sequences.EveryTwoPartSplit(capture.Head, limit: UwsgiPacket.HeaderSize + 1))
        {
            Assert.True(UwsgiPacket.TryReadHeader(split, out var header));
            Assert.Equal(capture.Packet.Modifier1, header.Modifier1);
            Assert.Equal(capture.Packet.DataSize, header.Size);
            Assert.Equal(capture.Packet.Modifier2, header.Modifier2);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(3)]
    public void TryReadHeader_FewerThanFourBytes_NeedsMore(int length)
    {
        var head = Builder.Minimal().ToHead();

        Assert.False(UwsgiPacket.TryReadHeader(Sequences.Whole(head.AsMemory(0, length)), out _));
        Assert.False(UwsgiPacket.TryReadHeader(Sequences.OneBytePerSegment(head.AsMemory(0, length)), out _));
        Assert.False(UwsgiPacket.TryReadHeader(Sequences.Guarded(head.AsMemory(0, length), 0xFF), out _));
        Assert.False(UwsgiPacket.TryReadHeader(Sequences.Guarded(head.AsMemory(0, length), 0xFF, blockSize: 3), out _));
    }

    [Theory]
    [MemberData(nameof(MalformedNames))]
    public void DecodeBlock_Malformed_IsTheOneExceptionWithAReason(string name)
    {
        var bytes = Builder.Malformed().Single(packet => packet.Name == name).Bytes;
        var variables = new GatewayVariables();
        Assert.True(UwsgiPacket.TryReadHeader(Sequences.Whole(bytes), out var header));

        // What lies behind the announced block, when anything does, is body and must not be looked at.
        var block = Sequences.Whole(bytes).Slice(UwsgiPacket.HeaderSize, header.Size);
        variables.Load(block);
        var exception = Assert.Throws<GatewayProtocolException>(() => UwsgiPacket.DecodeBlock(variables));

        Assert.Equal(name == "an empty key" ? GatewayRejection.EmptyName : GatewayRejection.MalformedBlock, exception.Reason);
    }

    [Fact]
    public void DecodeBlock_EveryTruncation_IsRefusedOrEndsAtAVariable()
    {
        var packet = Builder.Nginx("POST", "/a?b=c").Add("HTTP_X_EMPTY", "");
        var block = packet.ToBlock();
        var ends = new HashSet<int> { 0 };
        foreach (var (name, value) in packet.Variables)
            ends.Add(ends.Max() + 4 + name.Length + value.Length);

        for (var length = 0; length <= block.Length; length++)
        {
            var variables = new GatewayVariables();
            variables.Load(Sequences.Whole(block.AsMemory(0, length)));
            var exception = Record.Exception(() => UwsgiPacket.DecodeBlock(variables));

            if (ends.Contains(length))
                Assert.Null(exception);
            else
                Assert.IsType<GatewayProtocolException>(exception);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(4095)]
    [InlineData(4096)]
    [InlineData(4097)]
    [InlineData(65_535)]
    public void DecodeBlock_OfASize_KeepsEveryByte(int size)
    {
        var packet = new Builder();
        if (size > 0)
            packet.Add("HTTP_X_LONG", new string('x', size - 4 - "HTTP_X_LONG".Length));
        var head = packet.ToHead();
        Assert.Equal(UwsgiPacket.HeaderSize + size, head.Length);

        foreach (var shape in new[] { Sequences.Whole(head), Sequences.InBlocks(head, 7), Sequences.Split(head, head.Length / 2) })
        {
            var variables = Decode(shape);

            Assert.Equal(size == 0 ? 0 : 1, variables.Count);
            if (size > 0)
            {
                Assert.Equal(size - 4 - "HTTP_X_LONG".Length, variables.Value(0).Length);
                Assert.False(variables.Value(0).ContainsAnyExcept((byte)'x'));
            }
        }
    }

    [Fact]
    public void DecodeBlock_EmptyValues_AreKept()
    {
        var variables = Decode(Sequences.Whole(new Builder().Add("A", "").Add("B", "").ToHead()));

        Assert.Equal(2, variables.Count);
        Assert.True(variables.Value(1).IsEmpty);
    }

    [Fact]
    public void DecodeBlock_AfterALongerBlock_DoesNotSeeItsBytes()
    {
        var variables = new GatewayVariables();
        Decode(Sequences.Whole(new Builder().Add("A", new string('\u00FF', 60_000)).ToHead()), variables);

        variables.Load(Sequences.Whole(new byte[] { 1, 0, 65, 1, 0 }));

        Assert.Throws<GatewayProtocolException>(() => UwsgiPacket.DecodeBlock(variables));
    }

    [Theory]
    [InlineData("GET / HTTP/1.1", true)]
    [InlineData("POST /", true)]
    [InlineData("PUT /", true)]
    [InlineData("PATCH /", true)]
    [InlineData("HEAD /", true)]
    [InlineData("DELETE /", true)]
    [InlineData("OPTIONS *", true)]
    [InlineData("PRI * HTTP/2.0", true)]
    [InlineData("\0\u003E\0\0", false)]
    [InlineData("GETS", false)]
    public void LooksLikeHttp_FirstBytes_TellsAWebServerFromAProxy(string text, bool expected)
    {
        Assert.True(UwsgiPacket.TryReadHeader(Sequences.Whole(Encoding.Latin1.GetBytes(text)), out var header));

        Assert.Equal(expected, header.LooksLikeHttp);
    }

    [Theory]
    [InlineData("16030101", true)]
    [InlineData("16030301", true)]
    [InlineData("16000000", false)]
    [InlineData("003E0000", false)]
    public void LooksLikeTls_FirstBytes_TellsAHandshake(string hex, bool expected)
    {
        Assert.True(UwsgiPacket.TryReadHeader(Sequences.Whole(Convert.FromHexString(hex)), out var header));

        Assert.Equal(expected, header.LooksLikeTls);
    }

    private static GatewayVariables Decode(ReadOnlySequence<byte> packet, GatewayVariables? variables = null)
    {
        variables ??= new GatewayVariables();
        Assert.True(UwsgiPacket.TryReadHeader(packet, out var header));
        variables.Load(packet.Slice(UwsgiPacket.HeaderSize, header.Size));
        UwsgiPacket.DecodeBlock(variables);
        return variables;
    }

    private static void AssertVariables(Capture capture, GatewayVariables variables)
    {
        var expected = capture.Packet.Variables;
        Assert.Equal(expected.Count, variables.Count);
        for (var i = 0; i < expected.Count; i++)
            Assert.True(expected[i].Matches(variables.Name(i), variables.Value(i)), expected[i].Name);
    }
}
