using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Uwsgi.AspNetCore.Transport;

namespace Uwsgi.AspNetCore.Tests.Transport;

public class GatewayAddressTests
{
    [Theory]
    [InlineData("127.0.0.1:3031", "127.0.0.1:3031")]
    [InlineData(" 127.0.0.1:3031 ", "127.0.0.1:3031")]
    [InlineData("127.0.0.1:0", "127.0.0.1:0")]
    [InlineData("0.0.0.0:3031", "0.0.0.0:3031")]
    [InlineData("[::1]:3031", "[::1]:3031")]
    [InlineData("[::]:3031", "[::]:3031")]
    [InlineData("192.0.2.7:65535", "192.0.2.7:65535")]
    public void TryParse_Tcp(string text, string expected) => Assert.Equal(expected, Single<IPEndPoint>(text).ToString());

    [Theory]
    [InlineData(":3031")]
    [InlineData("*:3031")]
    public void TryParse_AllInterfaces_IsTheWidestThereIs(string text)
    {
        var endPoint = Single<IPEndPoint>(text);

        Assert.Equal(Socket.OSSupportsIPv6 ? IPAddress.IPv6Any : IPAddress.Any, endPoint.Address);
        Assert.Equal(3031, endPoint.Port);
    }

    [Fact]
    public void TryParse_Localhost_IsEveryLoopbackAddress()
    {
        Assert.Null(GatewayAddress.TryParse("localhost:3031", out var endPoints));

        Assert.Contains(new IPEndPoint(IPAddress.Loopback, 3031), endPoints);
        Assert.All(endPoints, endPoint => Assert.True(IPAddress.IsLoopback(((IPEndPoint)endPoint).Address)));
    }

    [Theory]
    [InlineData("/run/app.sock", "/run/app.sock")]
    [InlineData("unix:/run/app.sock", "/run/app.sock")]
    [InlineData("unix:///run/app.sock", "/run/app.sock")]
    [InlineData("/run/a:b", "/run/a:b")]
    [InlineData("/run/../tmp/app.sock", "/tmp/app.sock")]
    public void TryParse_UnixSocket(string text, string expected) =>
        Assert.Equal(expected, Single<UnixDomainSocketEndPoint>(text).ToString());

    [Theory]
    [InlineData("unix:app.sock")]
    [InlineData("./app.sock")]
    [InlineData("app.sock")]
    public void TryParse_RelativeUnixSocket_LiesInTheWorkingDirectory(string text) =>
        Assert.Equal(Path.GetFullPath("app.sock"), Single<UnixDomainSocketEndPoint>(text).ToString());

    [SkippableTheory]
    [InlineData("@name")]
    [InlineData("unix:@name")]
    public void TryParse_AbstractSocket(string text)
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "Abstract sockets exist on Linux only.");

        Assert.Equal("@name", Single<UnixDomainSocketEndPoint>(text).ToString());
    }

    [Theory]
    [InlineData("fd://3", 3)]
    [InlineData("fd://0", 0)]
    [InlineData("fd://17", 17)]
    public void TryParse_InheritedDescriptor(string text, ulong expected) =>
        Assert.Equal(expected, Single<FileHandleEndPoint>(text).FileHandle);

    [Theory]
    [InlineData("")]
    [InlineData("  ")]
    [InlineData("3031")]
    [InlineData("127.0.0.1")]
    [InlineData("127.0.0.1:")]
    [InlineData("127.0.0.1:65536")]
    [InlineData("127.0.0.1:-1")]
    [InlineData("127.0.0.1:+1")]
    [InlineData("127.0.0.1: 1")]
    [InlineData("127.0.0.1:uwsgi")]
    [InlineData("::1:3031")]
    [InlineData("[::1]")]
    [InlineData("[::1:3031")]
    [InlineData("[127.0.0.1]:3031")]
    [InlineData("[]:3031")]
    [InlineData("example.test:3031")]
    [InlineData("localhost:0")]
    [InlineData("unix:")]
    [InlineData("unix:/")]
    [InlineData("/")]
    [InlineData("@")]
    [InlineData("fd://")]
    [InlineData("fd://x")]
    [InlineData("fd://-1")]
    [InlineData("fd:3")]
    [InlineData("http://127.0.0.1:3031")]
    public void TryParse_OtherText_SaysWhatIsWrong(string text)
    {
        Assert.NotNull(GatewayAddress.TryParse(text, out var endPoints));
        Assert.Empty(endPoints);
    }

    [Fact]
    public void TryParse_UnixPath_IsBoundedByTheKernel()
    {
        var longest = "/" + new string('x', 106);

        Assert.Equal(longest, Single<UnixDomainSocketEndPoint>(longest).ToString());
        Assert.Contains("107", GatewayAddress.TryParse(longest + "x", out _));
        Assert.Contains("107", GatewayAddress.TryParse("/" + new string('\u00E9', 54), out _));
    }

    [Theory]
    [InlineData("127.0.0.1:3031", "uwsgi://127.0.0.1:3031", false)]
    [InlineData("[::1]:3031", "uwsgi://[::1]:3031", false)]
    [InlineData("0.0.0.0:3031", "uwsgi://0.0.0.0:3031", true)]
    [InlineData("192.0.2.7:3031", "uwsgi://192.0.2.7:3031", true)]
    [InlineData("/run/app.sock", "uwsgi://unix:/run/app.sock", false)]
    public void Url_IsTheAddressAsUsersWriteIt(string text, string expected, bool isReachableFromOutside)
    {
        var endPoint = new GatewayEndPoint(Single<EndPoint>(text), GatewayProtocol.Uwsgi);

        Assert.Equal(expected, endPoint.Url);
        Assert.Equal(isReachableFromOutside, endPoint.IsReachableFromOutside);
    }

    [Theory]
    [InlineData(GatewayProtocol.Uwsgi, "uwsgi://127.0.0.1:3031")]
    [InlineData(GatewayProtocol.FastCgi, "fastcgi://127.0.0.1:3031")]
    [InlineData(GatewayProtocol.Scgi, "scgi://127.0.0.1:3031")]
    [InlineData(null, "gateway://127.0.0.1:3031")]
    public void Url_StartsWithTheProtocol(GatewayProtocol? protocol, string expected) =>
        Assert.Equal(expected, new GatewayEndPoint(Single<EndPoint>("127.0.0.1:3031"), protocol).Url);

    [Theory]
    [InlineData("127.0.0.1:3031")]
    [InlineData("[::1]:3031")]
    [InlineData("/run/app.sock")]
    [InlineData("fd://3")]
    public void Url_ReadBack_IsTheSameEndPoint(string text) => AssertReadsBack(text);

    [SkippableFact]
    public void Url_OfAnAbstractSocket_ReadBack_IsTheSameEndPoint()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "Abstract sockets exist on Linux only.");

        AssertReadsBack("@name");
    }

    private static void AssertReadsBack(string text)
    {
        var endPoint = Single<EndPoint>(text);
        var url = new GatewayEndPoint(endPoint, GatewayProtocol.Uwsgi).Url;

        // A descriptor's end point has no equality of its own; the address it is written as tells as much.
        var readBack = Single<EndPoint>(url["uwsgi://".Length..]);
        Assert.IsType(endPoint.GetType(), readBack);
        Assert.Equal(url, new GatewayEndPoint(readBack, GatewayProtocol.Uwsgi).Url);
    }

    private static T Single<T>(string text)
        where T : EndPoint
    {
        Assert.Null(GatewayAddress.TryParse(text, out var endPoints));
        return Assert.IsAssignableFrom<T>(Assert.Single(endPoints));
    }
}
