using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.Tests.Shared;

public class CaptureTests
{
    [Fact]
    public void Uwsgi_HasEveryCapture() => Assert.Equal(200, Capture.AllUwsgi.Count());

    [Theory]
    [MemberData(nameof(Capture.Uwsgi), MemberType = typeof(Capture))]
    public void Packet_IsWhatTheBytesHold(Capture capture)
    {
        var head = capture.Head.Span;
        var packet = capture.Packet;

        Assert.Equal(packet.Modifier1, head[0]);
        Assert.Equal(packet.DataSize, BinaryPrimitives.ReadUInt16LittleEndian(head[1..]));
        Assert.Equal(packet.Modifier2, head[3]);
        Assert.Equal(packet.BodySha256, Convert.ToHexStringLower(SHA256.HashData(BodyWithoutTail(capture).Span)));
        var rest = head[4..];
        foreach (var variable in packet.Variables)
        {
            var name = Next(ref rest);
            Assert.True(variable.Matches(name, Next(ref rest)), variable.Name);
        }

        Assert.True(rest.IsEmpty);
    }

    [Theory]
    [MemberData(nameof(Capture.Uwsgi), MemberType = typeof(Capture))]
    public void Expected_IsThereForEveryCapture(Capture capture)
    {
        var expected = capture.Expected;

        switch (expected.Outcome)
        {
            case ExpectedOutcome.Dispatch:
                Assert.NotEmpty(expected.Method);
                Assert.Matches("^(/.*|)$", expected.Path.ReplaceLineEndings(""));
                break;
            case ExpectedOutcome.Refuse:
                Assert.InRange(expected.Status, 400, 499);
                Assert.NotNull(expected.Why);
                break;
            default:
                Assert.Equal(100, capture.Packet.Modifier1);
                break;
        }
    }

    [Fact]
    public void Get_UnknownName_Throws() => Assert.Throws<KeyNotFoundException>(() => Capture.Get("uwsgi/none"));

    [Fact]
    public void Source_TellsWhereTheBytesCameFrom()
    {
        var capture = Capture.Get("uwsgi/nginx-mount-app");

        Assert.Equal("nginx", capture.Client);
        Assert.StartsWith("1.22.1", capture.ClientVersion);
        Assert.Contains("SCRIPT_NAME /app", capture.Configuration);
        Assert.Equal("GET /app/sub%20x?y=1 HTTP/1.1", capture.HttpRequest[0]);
    }

    private static ReadOnlyMemory<byte> BodyWithoutTail(Capture capture)
    {
        if (capture.Packet.BytesAfterUpgrade is { } tail)
            Assert.Equal(tail.Latin1, Encoding.Latin1.GetString(capture.Body.Span[^tail.Length..]));
        Assert.Equal(capture.Packet.BodyLength + (capture.Packet.BytesAfterUpgrade?.Length ?? 0), capture.Body.Length);
        return capture.Body[..capture.Packet.BodyLength];
    }

    private static ReadOnlySpan<byte> Next(ref ReadOnlySpan<byte> rest)
    {
        var length = BinaryPrimitives.ReadUInt16LittleEndian(rest);
        var part = rest.Slice(2, length);
        rest = rest[(2 + length)..];
        return part;
    }
}
