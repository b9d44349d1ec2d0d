using System.Buffers;
using System.Text;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Uwsgi.AspNetCore.Hosting;
using Uwsgi.AspNetCore.Protocols;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.Tests.Hosting;

public class UwsgiHeadReaderTests
{
    [Theory]
    [MemberData(nameof(Capture.Uwsgi), MemberType = typeof(Capture))]
    public void Scan_Capture_IsCompleteExactlyAtItsHead(Capture capture)
    {
        var isPing = capture.Expected.Outcome == ExpectedOutcome.Ping;

        for (var length = 0; length < capture.HeadLength; length++)
            Assert.Equal(HeadScanStatus.NeedMore, Scan(Sequences.Whole(capture.Head[..length])).Status);

        foreach (var shape in new[] { Sequences.Whole(capture.Head), Sequences.OneBytePerSegment(capture.Head), Sequences.Whole(capture.Bytes) })
        {
            var scan = Scan(shape);
            Assert.Equal(isPing ? HeadScanStatus.Ping : HeadScanStatus.Complete, scan.Status);
            if (isPing)
                continue;

            Assert.Equal(4, scan.BlockStart);
            Assert.Equal(capture.Packet.DataSize, scan.BlockLength);
            Assert.Equal(capture.Packet.Modifier1, scan.Modifier1);
            Assert.Equal(capture.Packet.Modifier2, scan.Modifier2);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(5)]
    [InlineData(7)]
    [InlineData(9)]
    [InlineData(14)]
    [InlineData(15)]
    [InlineData(30)]
    public void Scan_ServedModifier_IsComplete(byte modifier1) =>
        Assert.Equal(HeadScanStatus.Complete, Scan(Packet(modifier1)).Status);

    [Theory]
    [InlineData(1)]
    [InlineData(17)]
    [InlineData(18)]
    [InlineData(22)]
    [InlineData(31)]
    [InlineData(98)]
    [InlineData(101)]
    [InlineData(110)]
    [InlineData(173)]
    [InlineData(224)]
    [InlineData(255)]
    public void Scan_OtherModifier_IsRefused(byte modifier1) =>
        Assert.Equal(GatewayRejection.UnsupportedModifier, Refusal(Packet(modifier1)).Reason);

    [Fact]
    public void Scan_ModifiersOption_ReplacesTheDefault()
    {
        var settings = Settings(options =>
        {
            options.Modifiers.Add(0);
            options.Modifiers.Add(17);
        });

        Assert.Equal(HeadScanStatus.Complete, Scan(Packet(17), settings).Status);
        Assert.Equal(GatewayRejection.UnsupportedModifier, Refusal(Packet(5), settings).Reason);
    }

    [Fact]
    public void Scan_PingWithABlock_IsNoPing() => Assert.Equal(GatewayRejection.UnsupportedModifier, Refusal(Packet(100)).Reason);

    [Theory]
    [InlineData(255, HeadScanStatus.NeedMore)]
    [InlineData(256, HeadScanStatus.NeedMore)]
    public void Scan_BlockUpToTheLimit_IsAccepted(ushort size, object status)
    {
        var settings = Settings(options => options.BufferSize = 256);

        Assert.Equal(status, Scan(Sequences.Whole(UwsgiPacket.Raw(0, size, 0, [])), settings).Status);
    }

    [Fact]
    public void Scan_BlockAboveTheLimit_IsRefusedByItsHeaderAlone()
    {
        var settings = Settings(options => options.BufferSize = 256);

        var refusal = Refusal(Sequences.Whole(UwsgiPacket.Raw(0, 257, 0, [])), settings);

        Assert.Equal(GatewayRejection.BlockTooLarge, refusal.Reason);
        Assert.Equal(431, refusal.StatusCode);
        Assert.Contains("257", refusal.Message);
        Assert.Contains("256", refusal.Message);
        Assert.Contains(nameof(UwsgiOptions.BufferSize), refusal.Message);
    }

    [Fact]
    public void Scan_HttpRequest_SaysSo()
    {
        var refusal = Refusal(Sequences.Whole(UwsgiPacket.HttpRequest()));

        Assert.Equal(GatewayRejection.HttpOnGatewayPort, refusal.Reason);
        Assert.Equal(400, refusal.StatusCode);
    }

    [Fact]
    public void Scan_TlsHandshake_SaysSo()
    {
        var refusal = Refusal(Sequences.Whole(Convert.FromHexString("160301020001")));

        Assert.Equal(GatewayRejection.TlsOnGatewayPort, refusal.Reason);
        Assert.Equal(0, refusal.StatusCode);
    }

    [Fact]
    public void Decode_Block_FillsTheVariables()
    {
        var variables = new GatewayVariables();
        variables.Load(Sequences.OneBytePerSegment(UwsgiPacket.Minimal("POST", "/a").ToBlock()));

        UwsgiHeadReader.Instance.Decode(variables);

        Assert.Equal("POST", Encoding.ASCII.GetString(variables[KnownVariable.RequestMethod]));
        Assert.Equal("/a", Encoding.ASCII.GetString(variables[KnownVariable.PathInfo]));
    }

    private static ReadOnlySequence<byte> Packet(byte modifier1)
    {
        var packet = UwsgiPacket.Minimal();
        packet.Modifier1 = modifier1;
        return Sequences.Whole(packet.ToHead());
    }

    private static HeadScan Scan(ReadOnlySequence<byte> buffer, GatewaySettings? settings = null) =>
        UwsgiHeadReader.Instance.Scan(buffer, settings ?? Settings());

    private static GatewayProtocolException Refusal(ReadOnlySequence<byte> buffer, GatewaySettings? settings = null) =>
        Assert.Throws<GatewayProtocolException>(() => Scan(buffer, settings));

    private static GatewaySettings Settings(Action<UwsgiOptions>? configure = null)
    {
        var options = new UwsgiOptions();
        configure?.Invoke(options);
        return new GatewaySettings(options, new KestrelServerOptions());
    }
}
