using Microsoft.AspNetCore.Connections;

namespace Uwsgi.AspNetCore.Benchmarks.InMemory;

/// <summary>The least a door can do: read what is there, write the same answer, return. What it costs is the connection's price.</summary>
internal static class FixedAnswer
{
    private static readonly byte[] Answer =
        "HTTP/1.1 200 OK\r\nContent-Length: 13\r\nContent-Type: text/plain\r\n\r\nHello, World!"u8.ToArray();

    public static ConnectionDelegate Create(ConnectionDelegate next) => AnswerAsync;

    private static async Task AnswerAsync(ConnectionContext connection)
    {
        var result = await connection.Transport.Input.ReadAsync();
        connection.Transport.Input.AdvanceTo(result.Buffer.End);
        await connection.Transport.Output.WriteAsync(Answer);
    }
}
