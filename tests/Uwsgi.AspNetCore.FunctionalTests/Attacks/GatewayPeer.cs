using System.Globalization;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.FunctionalTests.Attacks;

/// <summary>The web server's end of a connection in memory, whatever protocol it speaks.</summary>
internal sealed class GatewayPeer(GatewayProtocol protocol, InMemoryConnection connection)
{
    private readonly FastCgiClient _records = new(connection);

    public InMemoryConnection Connection => connection;

    public InMemoryClient Client => connection.Client;

    public Task SendAsync(params byte[][] parts) => Client.SendAsync(parts.SelectMany(part => part).ToArray());

    /// <summary>Reads one response to where the protocol, or its length, ends it; the connection may stay open.</summary>
    public async Task<RawResponse> ReadResponseAsync(bool hasBody = true)
    {
        if (protocol == GatewayProtocol.FastCgi)
        {
            var answer = await _records.ReadAnswerAsync(GatewayWire.Id);
            Assert.Equal(FastCgiBytes.Complete, answer.ProtocolStatus);
            return answer.Response;
        }

        var head = await Client.ReadHeadAsync();
        var length = hasBody ? head["Content-Length"] : "0";
        var body = length switch
        {
            "0" => [],
            null => await Client.ReadToEndAsync(),
            _ => await Client.ReadExactlyAsync(int.Parse(length, CultureInfo.InvariantCulture)),
        };
        return RawResponse.Parse([.. head.Head, .. body]);
    }

    /// <summary>Closes this side, and checks that the server closes the other without another byte.</summary>
    public async Task CloseAsync()
    {
        Client.CompleteSending();
        await AssertEndAsync();
    }

    /// <summary>Checks that the server closes the connection without another byte, and on its own.</summary>
    public async Task AssertEndAsync()
    {
        Assert.Empty(await Client.ReadToEndAsync());
        await connection.Disposed.WithTimeoutAsync();
    }

    /// <summary>Checks that the server cuts the connection, so that an incomplete response can be told from a complete one.</summary>
    public async Task AssertCutAsync()
    {
        await connection.Disposed.WithTimeoutAsync();
        Assert.NotNull(connection.AbortReason);
    }
}
