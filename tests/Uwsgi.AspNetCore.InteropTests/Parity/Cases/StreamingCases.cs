using System.Text;
using Uwsgi.AspNetCore.InteropTests.Http;
using Uwsgi.AspNetCore.InteropTests.Parity.App;

namespace Uwsgi.AspNetCore.InteropTests.Parity.Cases;

/// <summary>Bodies whose parts must arrive before the whole is there, in both directions.</summary>
internal static class StreamingCases
{
    public static IEnumerable<ParityCase> All =>
    [
        ParityCase.Get("server-sent events", "/stream/events"),
        ParityCase.Get("JSON of an asynchronous sequence", "/stream/json"),
        new ParityCase("turns of response and client", visitor => TakeTurnsAsync(visitor, "/unbuffered/turns", i => $"turn {i}\n"))
            .Needing(Capabilities.Streaming),
        new ParityCase("turns of server-sent events", visitor => TakeTurnsAsync(visitor, "/unbuffered/events", i => $"data: turn {i}\n\n"))
            .Needing(Capabilities.Streaming),
        new ParityCase("conversation in both bodies", ConverseAsync).Needing(Capabilities.Streaming | Capabilities.StreamingUploads | Capabilities.Duplex),
        new ParityCase("slow body, buffered by the web server", visitor => UploadSlowlyAsync(visitor, "/body/stream")),
        new ParityCase("slow body, straight through", UploadInTurnsAsync).Needing(Capabilities.StreamingUploads),
        new ParityCase("slow header", SendHeadSlowlyAsync),
        new ParityCase("answer before the body has been sent", AnswerEarlyAsync).Needing(Capabilities.StreamingUploads | Capabilities.Duplex),
        new ParityCase("slow reader of a large response", ReadSlowlyAsync),
    ];

    private static async Task TakeTurnsAsync(Visitor visitor, string target, Func<int, string> expected)
    {
        await using var exchange = await visitor.OpenAsync(new RawRequest("GET", target));
        await exchange.SendHeadAsync();
        exchange.Note(await exchange.Connection.ReadHeadAsync());
        for (var i = 0; i < 3; i++)
        {
            var wanted = expected(i);
            var turn = string.Empty;
            while (turn.Length < wanted.Length)
            {
                turn += Encoding.UTF8.GetString(await exchange.Connection.ReadBodyAsync());
            }

            Assert.Equal(wanted, turn);
            exchange.Observation.Raise($"seen {i}");
        }

        Assert.Empty(await exchange.Connection.ReadBodyAsync());
        await exchange.CollectAsync();
    }

    private static async Task ConverseAsync(Visitor visitor)
    {
        string[] parts = ["first ", "second ", "third"];
        var request = new RawRequest("POST", "/unbuffered/conversation").With("Content-Length", $"{parts.Sum(part => part.Length)}");
        await using var exchange = await visitor.OpenAsync(request);
        await exchange.SendHeadAsync();
        var headRead = false;
        foreach (var part in parts)
        {
            await exchange.Connection.WriteAsync(part);
            if (!headRead)
            {
                exchange.Note(await exchange.Connection.ReadHeadAsync());
                headRead = true;
            }

            Assert.Equal(part, Encoding.UTF8.GetString(await exchange.Connection.ReadBodyAsync()));
        }

        Assert.Empty(await exchange.Connection.ReadBodyAsync());
        await exchange.CollectAsync();
    }

    private static async Task UploadSlowlyAsync(Visitor visitor, string target)
    {
        var body = StaticContent.Bytes(50);
        await using var exchange = await visitor.OpenAsync(new RawRequest("POST", target).With("Content-Length", $"{body.Length}"));
        await exchange.SendHeadAsync();
        foreach (var piece in body.Chunk(10))
        {
            await exchange.Connection.WriteAsync(piece);
            await Task.Yield();
        }

        Assert.Equal(200, (await exchange.CompleteAsync()).Status);
    }

    private static async Task UploadInTurnsAsync(Visitor visitor)
    {
        var body = StaticContent.Bytes(100_000);
        await using var exchange = await visitor.OpenAsync(new RawRequest("POST", "/unbuffered/upload").With("Content-Length", $"{body.Length}"));
        await exchange.SendHeadAsync();
        await exchange.Connection.WriteAsync(body.AsMemory(0, 1000));
        await exchange.Observation.WaitAsync("first piece");
        await exchange.Connection.WriteAsync(body.AsMemory(1000));
        Assert.Equal(200, (await exchange.CompleteAsync()).Status);
    }

    private static async Task SendHeadSlowlyAsync(Visitor visitor)
    {
        await using var exchange = await visitor.OpenAsync(new RawRequest("GET", "/slow/head"));
        foreach (var piece in exchange.Request.EncodeHead().Chunk(7))
        {
            await exchange.Connection.WriteAsync(piece);
            await Task.Yield();
        }

        Assert.Equal(200, (await exchange.CompleteAsync()).Status);
    }

    private static async Task AnswerEarlyAsync(Visitor visitor)
    {
        await using var exchange = await visitor.OpenAsync(new RawRequest("POST", "/unbuffered/early").With("Content-Length", "100000"));
        await exchange.SendHeadAsync();
        await exchange.Connection.WriteAsync(StaticContent.Bytes(1000));
        Assert.Equal(202, (await exchange.CompleteAsync()).Status);
    }

    private static async Task ReadSlowlyAsync(Visitor visitor)
    {
        await using var exchange = await visitor.OpenAsync(new RawRequest("GET", "/large/8388608"));
        await exchange.SendHeadAsync();
        exchange.Note(await exchange.Connection.ReadHeadAsync());
        await exchange.Observation.EnteredAsync();
        var length = 0;
        while (await exchange.Connection.ReadBodyAsync() is { Length: > 0 } piece)
        {
            length += piece.Length;
            await Task.Yield();
        }

        Assert.Equal(8_388_608, length);
        await exchange.CollectAsync();
    }
}
