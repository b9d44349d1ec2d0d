using FsCheck;
using FsCheck.Fluent;
using Uwsgi.AspNetCore.Hosting;
using Uwsgi.AspNetCore.Protocols;
using Uwsgi.AspNetCore.Testing;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Builder = Uwsgi.AspNetCore.Testing.UwsgiPacket;
using UwsgiPacket = Uwsgi.AspNetCore.Protocols.Uwsgi.UwsgiPacket;

namespace Uwsgi.AspNetCore.Tests.Protocols.Uwsgi;

/// <summary>What holds for any bytes whatever.</summary>
public class UwsgiPacketProperties
{
    private static readonly Config Many = Config.QuickThrowOnFailure.WithMaxTest(500);

    private static readonly GatewaySettings Settings = new(new UwsgiOptions(), new KestrelServerOptions());

    // Mostly short, since that is where the borders are; sometimes long enough for two length bytes.
    private static readonly Gen<byte[]> Bytes = Gen.Frequency(
        (8, ArbMap.Default.GeneratorFor<byte[]>()),
        (1, Gen.Choose(0, 3000).SelectMany(length => ArbMap.Default.GeneratorFor<byte>().ArrayOf(length))));

    private static readonly Gen<(byte[] Name, byte[] Value)[]> Variables =
        from pairs in (from name in Bytes
                       from value in Bytes
                       where name.Length > 0
                       select (name, value)).ArrayOf()
        where pairs.Sum(pair => 4 + pair.name.Length + pair.value.Length) <= ushort.MaxValue
        select pairs;

    // Random bytes are nearly always refused at the first length, so most inputs are packets with a few bytes changed.
    private static readonly Gen<byte[]> NearlyPackets =
        from variables in Variables
        from changes in (from at in Gen.Choose(0, 100_000)
                         from value in ArbMap.Default.GeneratorFor<byte>()
                         select (at, value)).ArrayOf()
        select Change(Encode(variables), changes);

    [Fact]
    public void EncodeThenDecode_AnyVariables_GivesThemBack() => Prop.ForAll(
        Arb.From(Variables),
        ArbMap.Default.ArbFor<PositiveInt>(),
        (variables, blockSize) =>
        {
            var head = Encode(variables);
            Assert.True(UwsgiPacket.TryReadHeader(Sequences.InBlocks(head, blockSize.Get), out var header));
            var decoded = new GatewayVariables();
            decoded.Load(Sequences.InBlocks(head, blockSize.Get).Slice(UwsgiPacket.HeaderSize, header.Size));
            UwsgiPacket.DecodeBlock(decoded);

            Assert.Equal(variables.Length, decoded.Count);
            for (var i = 0; i < variables.Length; i++)
            {
                Assert.True(decoded.Name(i).SequenceEqual(variables[i].Name));
                Assert.True(decoded.Value(i).SequenceEqual(variables[i].Value));
            }
        }).Check(Many);

    [Fact]
    public void Decode_AnyBlock_ThrowsNothingButTheOneExceptionAndStaysInside() => Prop.ForAll(
        Arb.From(Gen.OneOf(Bytes, NearlyPackets.Select(packet => packet[UwsgiPacket.HeaderSize..]))),
        block =>
        {
            // The same input between different neighbours, in the sequence and in the pooled array: what is read must not differ.
            var first = Outcome(block, guard: 0x00);
            var second = Outcome(block, guard: 0xFF);

            Assert.Equal(first, second);
        }).Check(Many);

    [Fact]
    public void Scan_AnyBytes_ThrowsNothingButTheOneExceptionAndNeverWantsLessThanItHas() => Prop.ForAll(
        Arb.From(Gen.OneOf(Bytes, NearlyPackets)),
        bytes =>
        {
            try
            {
                var scan = UwsgiHeadReader.Instance.Scan(Sequences.Guarded(bytes, 0xFF, blockSize: 5), Settings);

                if (scan.Status == HeadScanStatus.Complete)
                    Assert.InRange(scan.BlockStart + scan.BlockLength, UwsgiPacket.HeaderSize, bytes.Length);
                if (scan.Status == HeadScanStatus.NeedMore)
                    Assert.True(bytes.Length < UwsgiPacket.HeaderSize + ushort.MaxValue);
            }
            catch (GatewayProtocolException exception)
            {
                Assert.True(Enum.IsDefined(exception.Reason));
            }
        }).Check(Many);

    private static byte[] Encode((byte[] Name, byte[] Value)[] variables)
    {
        var packet = new Builder();
        foreach (var (name, value) in variables)
            packet.Add(name, value);
        return packet.ToHead();
    }

    private static byte[] Change(byte[] bytes, (int At, byte Value)[] changes)
    {
        foreach (var (at, value) in changes.Take(3))
            bytes[at % bytes.Length] = value;
        return bytes;
    }

    private static string Outcome(byte[] block, byte guard)
    {
        var variables = new GatewayVariables();
        var filling = new byte[8192];
        filling.AsSpan().Fill(guard);
        variables.Load(Sequences.Whole(filling));
        variables.Load(Sequences.Guarded(block, guard, blockSize: 3));
        try
        {
            UwsgiPacket.DecodeBlock(variables);
        }
        catch (GatewayProtocolException exception)
        {
            return exception.Reason.ToString();
        }

        return string.Join(
            '|',
            Enumerable.Range(0, variables.Count).Select(
                i => $"{Convert.ToHexString(variables.Name(i))}={Convert.ToHexString(variables.Value(i))}"));
    }
}
