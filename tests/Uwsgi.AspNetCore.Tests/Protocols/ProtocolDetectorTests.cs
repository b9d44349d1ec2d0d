using System.Collections.Frozen;
using System.Text;
using Uwsgi.AspNetCore.Protocols;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.Tests.Protocols;

public class ProtocolDetectorTests
{
    private static readonly FrozenSet<int> Served = new[] { 0, 5, 7, 9, 14, 15, 30 }.ToFrozenSet();
    private static readonly FrozenSet<int> Every = Enumerable.Range(0, 256).ToFrozenSet();

    [Theory]
    [MemberData(nameof(Capture.Uwsgi), MemberType = typeof(Capture))]
    public void Detect_UwsgiCapture(Capture capture) => AssertDetected(DetectedProtocol.Uwsgi, capture.Bytes);

    [Theory]
    [MemberData(nameof(Capture.FastCgi), MemberType = typeof(Capture))]
    public void Detect_FastCgiCapture(Capture capture) => AssertDetected(DetectedProtocol.FastCgi, capture.Bytes);

    [Theory]
    [MemberData(nameof(Capture.Scgi), MemberType = typeof(Capture))]
    public void Detect_ScgiCapture(Capture capture) => AssertDetected(DetectedProtocol.Scgi, capture.Bytes);

    [Theory]
    [InlineData("GET")]
    [InlineData("HEAD")]
    [InlineData("POST")]
    [InlineData("PUT")]
    [InlineData("PATCH")]
    [InlineData("DELETE")]
    [InlineData("OPTIONS")]
    [InlineData("TRACE")]
    [InlineData("CONNECT")]
    [InlineData("PROPFIND")]
    [InlineData("M-SEARCH")]
    [InlineData("get")]
    [InlineData("delete")]
    [InlineData("d")]
    [InlineData("X")]
    [InlineData("!#$%&'*+-.^_`|~")]
    [InlineData("1")]
    [InlineData("24")]
    [InlineData("2fast")]
    [InlineData("12345678901234567890")]
    public void Detect_RequestLine_IsHttp(string method) =>
        AssertDetected(DetectedProtocol.Http, Encoding.ASCII.GetBytes($"{method} / HTTP/1.1\r\nHost: example.test\r\n\r\n"));

    [Fact]
    public void Detect_PrefaceOfHttp2_IsHttp() => AssertDetected(DetectedProtocol.Http, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8.ToArray());

    [Fact]
    public void Detect_Ping_IsUwsgi() => AssertDetected(DetectedProtocol.Uwsgi, UwsgiPacket.Ping());

    [Theory]
    [InlineData("0:,")]
    [InlineData("05:hello,")]
    [InlineData("1234567:")]
    public void Detect_NetstringThatIsRefusedLater_IsScgi(string text) =>
        AssertDetected(DetectedProtocol.Scgi, Encoding.ASCII.GetBytes(text));

    [Theory]
    [InlineData("160301020001")]
    [InlineData("160303020001")]
    [InlineData("160304020001")]
    public void Detect_HandshakeRecord_IsTls(string hex)
    {
        AssertDetected(DetectedProtocol.Tls, Convert.FromHexString(hex));
        Assert.Equal(DetectedProtocol.Tls, Detect(Convert.FromHexString(hex), Every));
    }

    [Theory]
    [InlineData("02000000")]
    [InlineData("11000000")]
    [InlineData("FF000000")]
    [InlineData("16030500")]
    [InlineData("16FF0000")]
    [InlineData("64010000")]
    [InlineData("47000000")]
    [InlineData("47220000")]
    [InlineData("31000000")]
    [InlineData("31323300")]
    [InlineData("312C2020")]
    [InlineData("31323334353637FF")]
    [InlineData("20474554")]
    [InlineData("0D0A4745")]
    [InlineData("3A3A3A3A")]
    [InlineData("EFBBBF47")]
    [InlineData("7B22613A")]
    public void Detect_Garbage_IsUnknown(string hex) => AssertDetected(DetectedProtocol.Unknown, Convert.FromHexString(hex));

    [Theory]
    [InlineData("")]
    [InlineData("G")]
    [InlineData("d")]
    [InlineData("~")]
    [InlineData("2")]
    [InlineData("1234567")]
    [InlineData("\u0016")]
    [InlineData("\u0016\u0003")]
    public void Detect_WhatFitsMoreThanOneProtocol_NeedsMore(string text)
    {
        Assert.Equal(DetectedProtocol.NeedMore, Detect(Encoding.Latin1.GetBytes(text), Served));
        Assert.Equal(DetectedProtocol.NeedMore, Detect(Encoding.Latin1.GetBytes(text), Every));
    }

    [Fact]
    public void Detect_EveryModifierIfServed_IsUwsgiUnlessItStartsAnotherProtocol()
    {
        const string Taken = "\u0001!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

        for (var modifier = 0; modifier < 256; modifier++)
        {
            // Sizes whose low byte is anything, so that it may look like a character, too.
            for (var size = 0; size < 256; size++)
            {
                var detected = Detect(UwsgiPacket.Raw((byte)modifier, (ushort)(0x0400 + size), 0, []), Every);
                var isUwsgi = detected == DetectedProtocol.Uwsgi;
                var isTls = modifier == 22 && size == 3;
                var isPing = modifier == 100 && size == 0;
                Assert.Equal(isPing || (!isTls && !Taken.Contains((char)modifier, StringComparison.Ordinal)), isUwsgi);
                Assert.NotEqual(DetectedProtocol.NeedMore, detected);
            }
        }
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(5, true)]
    [InlineData(9, true)]
    [InlineData(30, true)]
    [InlineData(3, false)]
    [InlineData(22, false)]
    [InlineData(255, false)]
    public void Detect_Modifier_IsUwsgiOnlyIfServed(byte modifier, bool expected) =>
        Assert.Equal(expected, Detect(UwsgiPacket.Raw(modifier, 0x0150, 0, []), Served) == DetectedProtocol.Uwsgi);

    [Fact]
    public void Detect_AnyBytes_IsDecidedWithinTheBoundAndNeverAgain()
    {
        var random = new Random(20_261_123);
        var bytes = new byte[ProtocolDetector.MaxBytes + 4];
        for (var round = 0; round < 20_000; round++)
        {
            random.NextBytes(bytes);
            for (var i = random.Next(bytes.Length); i >= 0; i--)
                bytes[i] = (byte)"0123456789d:G \x16\x03\x01\x00"[random.Next(18)];

            var decided = Detect(bytes.AsMemory(0, ProtocolDetector.MaxBytes), Served);

            AssertDetected(decided, bytes);
            Assert.NotEqual(DetectedProtocol.NeedMore, decided);
        }
    }

    private static DetectedProtocol Detect(ReadOnlyMemory<byte> bytes, FrozenSet<int> modifiers) =>
        ProtocolDetector.Detect(Sequences.Whole(bytes), modifiers);

    // Whole, byte by byte, every split; and what has arrived so far is undecided or decided alike.
    private static void AssertDetected(DetectedProtocol expected, ReadOnlyMemory<byte> bytes)
    {
        Assert.Equal(expected, Detect(bytes, Served));

        var start = bytes[..Math.Min(bytes.Length, 32)];
        Assert.Equal(expected, ProtocolDetector.Detect(Sequences.OneBytePerSegment(start), Served));
        Assert.Equal(expected, ProtocolDetector.Detect(Sequences.Guarded(start, (byte)':', blockSize: 3), Served));
        foreach (var split in Sequences.EveryTwoPartSplit(start))
            Assert.Equal(expected, ProtocolDetector.Detect(split, Served));

        var isDecided = false;
        for (var length = 0; length <= start.Length; length++)
        {
            var detected = Detect(start[..length], Served);
            isDecided |= detected != DetectedProtocol.NeedMore;
            Assert.Equal(isDecided ? expected : DetectedProtocol.NeedMore, detected);
        }
    }
}
