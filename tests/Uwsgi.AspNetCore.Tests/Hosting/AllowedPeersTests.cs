using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Uwsgi.AspNetCore.Hosting;

namespace Uwsgi.AspNetCore.Tests.Hosting;

public class AllowedPeersTests
{
    [Theory]
    [InlineData("127.0.0.1", true)]
    [InlineData("127.8.8.8", true)]
    [InlineData("::1", true)]
    [InlineData("::ffff:127.0.0.1", true)]
    [InlineData("10.0.0.1", false)]
    [InlineData("::ffff:10.0.0.1", false)]
    [InlineData("fe80::1", false)]
    public void Contains_NoEntries_MeansLoopback(string peer, bool expected) => Assert.Equal(expected, Contains(peer));

    [Theory]
    [InlineData("10.1.2.3", true, "10.0.0.0/8")]
    [InlineData("11.1.2.3", false, "10.0.0.0/8")]
    [InlineData("10.1.2.3", true, "10.99.99.99/8")]
    [InlineData("::ffff:10.1.2.3", true, "10.0.0.0/8")]
    [InlineData("192.0.2.7", true, "192.0.2.7")]
    [InlineData("192.0.2.8", false, "192.0.2.7")]
    [InlineData("192.0.2.129", true, "192.0.2.128/25")]
    [InlineData("192.0.2.127", false, "192.0.2.128/25")]
    [InlineData("8.8.8.8", true, "0.0.0.0/0")]
    [InlineData("2001:db8::5", true, "2001:db8::/32")]
    [InlineData("2001:db9::5", false, "2001:db8::/32")]
    [InlineData("2001:db8::5", true, "2001:db8::5")]
    [InlineData("2001:db8::5", true, "::/0")]
    [InlineData("127.0.0.1", false, "10.0.0.0/8")]
    [InlineData("127.0.0.1", true, "10.0.0.0/8", "127.0.0.0/8")]
    public void Contains_Entries_ReplaceTheDefault(string peer, bool expected, params string[] entries) =>
        Assert.Equal(expected, Contains(peer, entries));

    [Fact]
    public void Contains_UnixSocketOrUnknown_IsAllowed()
    {
        var peers = new AllowedPeers(["10.0.0.0/8"]);

        Assert.True(peers.Contains(new UnixDomainSocketEndPoint("/run/app.sock")));
        Assert.True(peers.Contains(null));
    }

    [Theory]
    [InlineData("")]
    [InlineData("localhost")]
    [InlineData("10.0.0.0/33")]
    [InlineData("10.0.0.0/-1")]
    [InlineData("10.0.0.0/")]
    [InlineData("10.0.0.0/8/8")]
    [InlineData("::1/129")]
    [InlineData("10.0.0.0/ 8")]
    public void TryParse_NoAddress_IsFalse(string entry) => Assert.False(AllowedPeers.TryParse(entry, out _));

    private static bool Contains(string peer, params string[] entries) =>
        new AllowedPeers(entries).Contains(new IPEndPoint(IPAddress.Parse(peer), 12345));

    [Fact]
    public void Admits_PeerWithoutAddressOnTcp_IsFalse()
    {
        var connection = new DefaultConnectionContext { LocalEndPoint = new IPEndPoint(IPAddress.Loopback, 1) };

        Assert.False(new AllowedPeers([]).Admits(connection));
    }

    [Fact]
    public void Admits_UnixSocket_DoesNotAskForThePeersAddress()
    {
        var connection = new DefaultConnectionContext
        {
            LocalEndPoint = new UnixDomainSocketEndPoint("/run/app.sock"),
            RemoteEndPoint = new IPEndPoint(IPAddress.Parse("192.0.2.1"), 1),
        };

        Assert.True(new AllowedPeers([]).Admits(connection));

        connection.LocalEndPoint = new IPEndPoint(IPAddress.Any, 3031);
        Assert.False(new AllowedPeers([]).Admits(connection));
    }
}
