using System.Buffers;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Uwsgi.AspNetCore.Protocols;
using Uwsgi.AspNetCore.Protocols.FastCgi;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.Tests.Protocols.FastCgi;

public class FastCgiPairsTests
{
    public static TheoryData<Capture> WellFormed => FastCgiRecordTests.WellFormed;

    [Theory]
    [MemberData(nameof(WellFormed))]
    public void DecodeBlock_Captures_GivesTheRecordedVariables(Capture capture)
    {
        // By request: the parts of PARAMS, loaded whole and again a byte at a time.
        var streams = new Dictionary<ushort, List<(GatewayVariables Whole, GatewayVariables Bytes)>>();
        var rest = Sequences.Whole(capture.Bytes);
        while (FastCgiRecord.TryRead(ref rest, out var record))
        {
            var content = rest.Slice(0, Math.Min(record.ContentLength, rest.Length));
            rest = rest.Slice(Math.Min(record.ContentLength + record.PaddingLength, rest.Length));
            if (record.Type == FastCgiRecordType.BeginRequest)
            {
                if (!streams.TryGetValue(record.RequestId, out var requests))
                    streams.Add(record.RequestId, requests = []);
                requests.Add((new GatewayVariables(), new GatewayVariables()));
            }
            else if (record.Type == FastCgiRecordType.Params)
            {
                var (whole, bytes) = streams[record.RequestId][^1];
                whole.Append(content);
                foreach (var one in content.ToArray())
                    bytes.Append(Sequences.Whole(new[] { one }));
            }
        }

        foreach (var group in capture.Records.Requests!.GroupBy(request => request.Id))
        {
            foreach (var (request, (whole, bytes)) in group.Zip(streams[group.Key]))
            {
                AssertVariables(request, whole);
                AssertVariables(request, bytes);
            }
        }
    }

    [Theory]
    [InlineData("01")]
    [InlineData("0100")]
    [InlineData("0101414200")]
    [InlineData("010141")]
    [InlineData("0103414200")]
    [InlineData("80")]
    [InlineData("800000")]
    [InlineData("80000001")]
    [InlineData("8000000100")]
    [InlineData("80000001800000")]
    [InlineData("FFFFFFFF00")]
    [InlineData("FFFFFFFFFFFFFFFF")]
    [InlineData("01FFFFFFFF41")]
    [InlineData("7F7F41")]
    public void DecodeBlock_LengthLeavesTheStream_IsRefused(string hex) =>
        Assert.Equal(GatewayRejection.MalformedBlock, Assert.Throws<GatewayProtocolException>(() => Decode(Convert.FromHexString(hex))).Reason);

    [Theory]
    [InlineData("0000")]
    [InlineData("000141")]
    [InlineData("8000000000")]
    public void DecodeBlock_EmptyName_IsRefused(string hex) =>
        Assert.Equal(GatewayRejection.EmptyName, Assert.Throws<GatewayProtocolException>(() => Decode(Convert.FromHexString(hex))).Reason);

    [Theory]
    [InlineData("01014142")]
    [InlineData("80000001014142")]
    [InlineData("01800000014142")]
    [InlineData("80000001800000014142")]
    public void DecodeBlock_EitherLengthForm_IsAccepted(string hex)
    {
        var variables = Decode(Convert.FromHexString(hex));

        Assert.Equal(1, variables.Count);
        Assert.Equal("A"u8.ToArray(), variables.Name(0));
        Assert.Equal("B"u8.ToArray(), variables.Value(0));
    }

    [Fact]
    public void DecodeBlock_AnyBytes_DecodesOrIsRefused() => Prop.ForAll(ArbMap.Default.ArbFor<byte[]>(), bytes =>
    {
        try
        {
            var variables = Decode(bytes);
            for (var i = 0; i < variables.Count; i++)
                Assert.False(variables.Name(i).IsEmpty);
        }
        catch (GatewayProtocolException)
        {
            // The only exception there is.
        }
    }).Check(Config.QuickThrowOnFailure.WithMaxTest(2000));

    [Theory]
    [InlineData("FCGI_MAX_CONNS", "0E02FCGI_MAX_CONNS64")]
    [InlineData("FCGI_MAX_REQS,FCGI_MPXS_CONNS", "0D02FCGI_MAX_REQS640F01FCGI_MPXS_CONNS1")]
    [InlineData("OTHER", "")]
    [InlineData("", "")]
    [InlineData("OTHER,FCGI_MPXS_CONNS", "0F01FCGI_MPXS_CONNS1")]
    public void WriteValues_KnownNames_AreAnswered(string names, string expected)
    {
        var output = new ArrayBufferWriter<byte>();
        FastCgiPairs.WriteValues(output, Question(names.Split(',', StringSplitOptions.RemoveEmptyEntries)), 64, multiplexes: true);

        var answer = Sequences.Whole(output.WrittenMemory);
        Assert.True(FastCgiRecord.TryRead(ref answer, out var record));
        Assert.Equal((FastCgiRecordType.GetValuesResult, 0, answer.Length), (record.Type, record.RequestId, record.ContentLength));
        Assert.Equal(expected, Readable(answer.ToArray()));
    }

    [Fact]
    public void WriteValues_NamesRepeatedWithoutEnd_FitOneRecord()
    {
        var output = new ArrayBufferWriter<byte>();
        FastCgiPairs.WriteValues(output, Question([.. Enumerable.Repeat("FCGI_MPXS_CONNS", 3855)]), 64, multiplexes: false);

        var answer = Sequences.Whole(output.WrittenMemory);
        Assert.True(FastCgiRecord.TryRead(ref answer, out var record));
        Assert.Equal(record.ContentLength, answer.Length);
        Assert.Equal("0F01FCGI_MPXS_CONNS0", Readable(answer.ToArray()));
    }

    private static byte[] Question(params string[] names) =>
        [.. names.SelectMany(name => new[] { (byte)name.Length, (byte)0 }.Concat(Encoding.ASCII.GetBytes(name)))];

    // Text as it is, lengths in hex.
    private static string Readable(byte[] bytes) => string.Concat(bytes.Select(value => value < 0x20 ? value.ToString("X2", null) : ((char)value).ToString()));

    private static GatewayVariables Decode(byte[] bytes)
    {
        var variables = new GatewayVariables();
        variables.Load(Sequences.Whole(bytes));
        FastCgiPairs.DecodeBlock(variables);
        return variables;
    }

    private static void AssertVariables(CapturedRequest request, GatewayVariables variables)
    {
        if (request.ParamsEnded)
            FastCgiPairs.DecodeBlock(variables);
        Assert.Equal(request.ParamsEnded ? request.Variables.Count : 0, variables.Count);
        for (var i = 0; i < variables.Count; i++)
            Assert.True(request.Variables[i].Matches(variables.Name(i), variables.Value(i)), request.Variables[i].Name);
    }
}
