using Uwsgi.AspNetCore.InteropTests.Http;

namespace Uwsgi.AspNetCore.InteropTests.Parity.Cases;

/// <summary>Clients that go away, and an app that does.</summary>
internal static class AbortCases
{
    public static IEnumerable<ParityCase> All =>
    [
        new ParityCase("client resets while the app works", visitor => LeaveWhileWorkingAsync(visitor, exchange => exchange.Connection.Abort()))
            .Needing(Capabilities.ClientAborts),
        new ParityCase("client closes while the app works", visitor => LeaveWhileWorkingAsync(
            visitor, exchange => exchange.Connection.DisposeAsync().AsTask().Wait(TestTimeout.Duration)))
            .Needing(Capabilities.ClientAborts),
        new ParityCase("client goes in the middle of a download", LeaveDownloadAsync).Needing(Capabilities.Streaming),
        new ParityCase("client goes in the middle of an upload", LeaveUploadAsync).Needing(Capabilities.StreamingUploads),
        .. Failures.Select(how => new ParityCase($"app fails half way {how}", visitor => BeLeftAsync(visitor, how)).Needing(Capabilities.Streaming)),
    ];

    private static string[] Failures => ["by abort", "by exception", "by exception, with length", "by writer"];

    private static async Task LeaveWhileWorkingAsync(Visitor visitor, Action<Exchange> leave)
    {
        await using var exchange = await visitor.OpenAsync(new RawRequest("GET", "/wait"));
        await exchange.SendHeadAsync();
        await exchange.Observation.EnteredAsync();
        leave(exchange);
        await exchange.CollectAsync();
        Assert.Equal("yes", exchange.Fields["App.Aborted"]);
    }

    private static async Task LeaveDownloadAsync(Visitor visitor)
    {
        await using var exchange = await visitor.OpenAsync(new RawRequest("GET", "/unbuffered/endless"));
        await exchange.SendHeadAsync();
        await exchange.Connection.ReadHeadAsync();
        await exchange.Connection.ReadBodyAsync();
        exchange.Connection.Abort();
        await exchange.CollectAsync();
        Assert.Equal("aborted", exchange.Fields["App.Endless"]);
    }

    private static async Task LeaveUploadAsync(Visitor visitor)
    {
        await using var exchange = await visitor.OpenAsync(new RawRequest("POST", "/unbuffered/upload").With("Content-Length", "100000"));
        await exchange.SendHeadAsync();
        await exchange.Connection.WriteAsync(new byte[2000]);
        await exchange.Observation.WaitAsync("first piece");
        exchange.Connection.Abort();
        await exchange.CollectAsync();
    }

    private static async Task BeLeftAsync(Visitor visitor, string how)
    {
        await using var exchange = await visitor.OpenAsync(new RawRequest("GET", $"/unbuffered/failed/{Uri.EscapeDataString(how)}"));
        await exchange.SendHeadAsync();
        exchange.Note(await exchange.Connection.ReadHeadAsync());
        Assert.Equal("first half"u8.ToArray(), await exchange.Connection.ReadBodyAsync());
        exchange.Observation.Raise("seen");
        Assert.Empty(await exchange.Connection.ReadBodyAsync());
        exchange.Note("Response.IsComplete", exchange.Connection.IsBodyComplete.ToString());
        await exchange.CollectAsync();
    }
}
