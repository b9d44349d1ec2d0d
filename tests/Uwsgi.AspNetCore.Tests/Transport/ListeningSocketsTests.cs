using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using Uwsgi.AspNetCore.Testing;
using Uwsgi.AspNetCore.Transport;

namespace Uwsgi.AspNetCore.Tests.Transport;

public class ListeningSocketsTests
{
    private const int Backlog = 7;

    private readonly ListeningSockets _sockets = new(new AcceptQueueReader(NullLoggerFactory.Instance));

    [SkippableTheory]
    [InlineData("tcp")]
    [InlineData("tcp6")]
    [InlineData("file")]
    [InlineData("abstract")]
    public void ReadQueues_CountsTheConnectionsThatNobodyHasAccepted(string kind)
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "Only Linux tells the length of accept queues.");
        Skip.If(kind == "tcp6" && !Socket.OSSupportsIPv6, "This machine has no IPv6.");
        var file = Path.Combine(Path.GetTempPath(), $"queue-{Guid.NewGuid():N}.sock");
        using var listener = Listen(kind switch
        {
            "tcp" => new IPEndPoint(IPAddress.Loopback, 0),
            "tcp6" => new IPEndPoint(IPAddress.IPv6Any, 0),
            "file" => new UnixDomainSocketEndPoint(file),
            _ => new UnixDomainSocketEndPoint($"\0queue-{Guid.NewGuid():N}"),
        });
        _sockets.Add(listener.LocalEndPoint!, "uwsgi", listener);
        Assert.Equal((0, Backlog), ReadQueue());

        var clients = Enumerable.Range(0, 3).Select(_ => Connect(listener)).ToArray();
        Assert.Equal((3, Backlog), ReadQueue());
        listener.Accept().Dispose();
        Assert.Equal((2, Backlog), ReadQueue());

        foreach (var client in clients)
            client.Dispose();
    }

    [Fact]
    public void ReadQueues_ClosedSockets_AreNotListed()
    {
        var listener = Listen(new IPEndPoint(IPAddress.Loopback, 0));
        _sockets.Add(listener.LocalEndPoint!, listener);
        Assert.Equal("http", Assert.Single(_sockets.ReadQueues()).Socket.Protocol);

        listener.Dispose();

        Assert.Empty(_sockets.ReadQueues());
    }

    [Fact]
    public void ReadQueues_SystemDoesNotTell_ShowsZeroAndSaysSoOnce()
    {
        // Not a listening socket but a datagram one, which has no queue to ask for.
        using var logs = new LogSink();
        var sockets = new ListeningSockets(new AcceptQueueReader(logs.CreateFactory()));
        using var datagrams = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        datagrams.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        sockets.Add(datagrams.LocalEndPoint!, "uwsgi", datagrams);

        Assert.Equal(0, Assert.Single(sockets.ReadQueues()).Length);
        Assert.Equal(0, Assert.Single(sockets.ReadQueues()).Limit);

        Assert.InRange(logs.Find("BacklogUnknown").Count, OperatingSystem.IsLinux() ? 1 : 0, 1);
    }

    [Theory]
    [InlineData("127.0.0.1:80", "127.0.0.1:80", "uwsgi")]
    [InlineData("127.0.0.1:80", "[::1]:80", "uwsgi")]
    [InlineData("[::]:80", "0.0.0.0:80", "uwsgi")]
    [InlineData("127.0.0.1:80", "10.0.0.1:80", "http")]
    [InlineData("127.0.0.1:80", "127.0.0.1:81", "http")]
    public void Add_KestrelsEndpoint_HasTheProtocolThatItWasGiven(string given, string bound, string protocol)
    {
        using var listener = Listen(new IPEndPoint(IPAddress.Loopback, 0));
        _sockets.SetProtocol(IPEndPoint.Parse(given), "uwsgi");

        _sockets.Add(IPEndPoint.Parse(bound), listener);

        Assert.Equal(protocol, Assert.Single(_sockets.ReadQueues()).Socket.Protocol);
    }

    private static Socket Listen(EndPoint endPoint)
    {
        var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Unspecified);
        socket.Bind(endPoint);
        socket.Listen(Backlog);
        return socket;
    }

    private static Socket Connect(Socket listener)
    {
        var endPoint = listener.LocalEndPoint is IPEndPoint { Address.AddressFamily: AddressFamily.InterNetworkV6, Port: var port }
            ? new IPEndPoint(IPAddress.IPv6Loopback, port)
            : listener.LocalEndPoint!;
        var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Unspecified);
        socket.Connect(endPoint);
        return socket;
    }

    private (int Length, int Limit) ReadQueue()
    {
        var queue = Assert.Single(_sockets.ReadQueues());
        return (queue.Length, queue.Limit);
    }
}
