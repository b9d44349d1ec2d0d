using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.Tests.Shared;

public class UwsgiPacketTests
{
    [Fact]
    public void ToHead_OfTheMinimalRequest_IsTheBytesOfTheProtocolDescription()
    {
        const string Expected =
            "00 3e 00 00" +
            " 0e 00 52 45 51 55 45 53 54 5f 4d 45 54 48 4f 44 03 00 47 45 54" +
            " 09 00 50 41 54 48 5f 49 4e 46 4f 01 00 2f" +
            " 0f 00 53 45 52 56 45 52 5f 50 52 4f 54 4f 43 4f 4c 08 00 48 54 54 50 2f 31 2e 31";

        var head = UwsgiPacket.Minimal().ToHead();

        Assert.Equal(Convert.FromHexString(Expected.Replace(" ", "")), head);
    }

    [Fact]
    public void ToArray_WithBody_AnnouncesItsLength()
    {
        var packet = UwsgiPacket.Minimal("POST").WithBody("a=1", "text/plain");

        var bytes = packet.ToArray();

        Assert.Equal("a=1"u8.ToArray(), bytes[^3..]);
        Assert.Contains(KeyValuePair.Create("CONTENT_LENGTH", "3"), packet.Variables);
        Assert.Contains(KeyValuePair.Create("CONTENT_TYPE", "text/plain"), packet.Variables);
    }

    [Fact]
    public void ToHead_BlockLargerThanTheFormatAllows_Throws()
    {
        var packet = UwsgiPacket.Minimal().Add("HTTP_X", new string('x', 65500));

        Assert.Throws<OverflowException>(() => packet.ToHead());
    }

    [Fact]
    public void Nginx_EncodedTarget_PutsTheDecodedPathIntoPathInfo()
    {
        var variables = UwsgiPacket.Nginx(target: "/a%20b/%C3%A9?x=%2F").Variables.ToDictionary();

        Assert.Equal("/a b/\u00C3\u00A9", variables["PATH_INFO"]);
        Assert.Equal("x=%2F", variables["QUERY_STRING"]);
        Assert.Equal("/a%20b/%C3%A9?x=%2F", variables["REQUEST_URI"]);
    }

    [Fact]
    public void SetAndRemove_ChangeEveryVariableOfTheName()
    {
        var packet = new UwsgiPacket().Add("A", "1").Add("B", "2").Add("A", "3");

        packet.Set("A", "4").Remove("B");

        Assert.Equal([KeyValuePair.Create("A", "4")], packet.Variables);
    }
}
