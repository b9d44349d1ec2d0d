using System.Net.Sockets;
using Uwsgi.AspNetCore.Testing;
using Uwsgi.AspNetCore.Transport.Loop;

namespace Uwsgi.AspNetCore.Tests.Transport.Loop;

public class SharedListenerTests
{
    [SkippableFact]
    public async Task A_stop_under_load_leaves_the_socket_to_others_who_listen_on_it()
    {
        Skip.IfNot(LoopTransport.IsSupported, "The event loop needs Linux.");
        for (var round = 0; round < 100; round++)
        {
            await using var harness = new LoopHarness(_ => Task.CompletedTask);
            // Another process that has inherited the socket would hold it like this.
            var shared = Libc.Duplicate(harness.ListeningDescriptor);
            using var other = new Socket(new SafeSocketHandle(shared, ownsHandle: true));
            using var over = new CancellationTokenSource();
            var load = Task.WhenAll(Enumerable.Range(0, 2).Select(_ => Task.Run(() =>
            {
                while (!over.IsCancellationRequested)
                {
                    using var client = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                    try
                    {
                        client.Blocking = false;
                        client.Connect(harness.Listener.EndPoint);
                    }
                    catch (SocketException full) when (full.SocketErrorCode is SocketError.WouldBlock)
                    {
                        // Nobody takes them any more.
                    }
                }
            })));

            await harness.Listener.UnbindAsync();
            await over.CancelAsync();
            await load.WithTimeoutAsync();

            Assert.Equal(1, other.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.AcceptConnection));
            using var late = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            other.Blocking = false;
            while (other.Poll(TimeSpan.Zero, SelectMode.SelectRead))
            {
                other.Accept().Dispose();
            }

            await late.ConnectAsync(harness.Listener.EndPoint).WithTimeoutAsync();
        }
    }
}
