using Uwsgi.AspNetCore.Hosting;

namespace Uwsgi.AspNetCore.Tests.Transport.Loop;

public class UnknownPeerTests
{
    [SkippableFact]
    public async Task A_peer_that_resets_before_it_is_looked_at_is_not_admitted()
    {
        const int Count = 2000;
        var peers = new AllowedPeers(["192.0.2.1"]);
        var admitted = 0;
        await using var harness = new LoopHarness(
            connection =>
            {
                Interlocked.Add(ref admitted, peers.Admits(connection) ? 1 : 0);
                return Task.CompletedTask;
            },
            isTcp: true);

        for (var i = 0; i < Count; i++)
        {
            using var client = await harness.ConnectAsync();
            client.Close(timeout: 0);
        }

        await harness.Listener.UnbindAsync();
        await harness.Listener.DisposeAsync();
        Assert.Equal(0, Volatile.Read(ref admitted));
    }
}
