using System.Buffers;
using System.Net.Sockets;

namespace Uwsgi.AspNetCore.Stats;

/// <summary>One client of the statistics: gets the document, and over HTTP a head in front of it, then the connection is closed.</summary>
/// <remarks>
/// uWSGI's master waits for a silent client and does nothing else meanwhile; here each client has its own few seconds. The document is
/// followed by the end of the stream, and the socket stays open until the client has closed its side or time is up, since closing with
/// unread bytes resets the connection and can take the answer with it.
/// </remarks>
internal sealed class StatsConnection(Socket client, StatsDocument document, UwsgiOptions options, TimeProvider time)
{
    /// <summary>The time for each step: uWSGI's default for its sockets.</summary>
    public static readonly TimeSpan Timeout = TimeSpan.FromSeconds(4);

    private const int ChunkLength = 64 * 1024;

    private static ReadOnlySpan<byte> HttpHead =>
        "HTTP/1.0 200 OK\r\nConnection: close\r\nAccess-Control-Allow-Origin: *\r\nContent-Type: application/json\r\n\r\n"u8;

    public async Task RunAsync(CancellationToken stop)
    {
        if (options.StatsHttp && !await HasRequestAsync(stop))
        {
            return;
        }

        await SendAsync(CreateAnswer(), stop);
        client.Shutdown(SocketShutdown.Send);
        await DrainAsync(stop);
    }

    // Any bytes are a request: path and method mean nothing here.
    private async Task<bool> HasRequestAsync(CancellationToken stop)
    {
        using var limit = new Limit(time, stop);
        try
        {
            return await client.ReceiveAsync(new byte[1], SocketFlags.None, limit.Token) > 0;
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            return false;
        }
    }

    private ReadOnlyMemory<byte> CreateAnswer()
    {
        var answer = new ArrayBufferWriter<byte>(ChunkLength);
        if (options.StatsHttp)
        {
            answer.Write(HttpHead);
        }

        document.Write(answer, options.StatsMinified);
        return answer.WrittenMemory;
    }

    private async Task SendAsync(ReadOnlyMemory<byte> answer, CancellationToken stop)
    {
        while (!answer.IsEmpty)
        {
            using var limit = new Limit(time, stop);
            var chunk = answer[..Math.Min(answer.Length, ChunkLength)];
            answer = answer[await client.SendAsync(chunk, SocketFlags.None, limit.Token)..];
        }
    }

    private async Task DrainAsync(CancellationToken stop)
    {
        var buffer = new byte[1024];
        using var limit = new Limit(time, stop);
        while (await client.ReceiveAsync(buffer, SocketFlags.None, limit.Token) > 0)
        {
        }
    }

    private sealed class Limit : IDisposable
    {
        private readonly CancellationTokenSource _timeout;
        private readonly CancellationTokenSource _either;

        public Limit(TimeProvider time, CancellationToken stop)
        {
            _timeout = new CancellationTokenSource(Timeout, time);
            _either = CancellationTokenSource.CreateLinkedTokenSource(_timeout.Token, stop);
        }

        public CancellationToken Token => _either.Token;

        public void Dispose()
        {
            _either.Dispose();
            _timeout.Dispose();
        }
    }
}
