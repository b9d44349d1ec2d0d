using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Uwsgi.AspNetCore.InteropTests.Http;

namespace Uwsgi.AspNetCore.InteropTests.Lighttpd;

/// <summary>Clients that go away.</summary>
public sealed class DisconnectTests
{
    public static TheoryData<GatewayProtocol> Protocols => LighttpdSite.Protocols;

    [SkippableTheory]
    [MemberData(nameof(Protocols))]
    public async Task Download_WhoseClientLeaves_IsAbortedAndTheNextRequestServed(GatewayProtocol protocol)
    {
        var aborted = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var site = await LighttpdSite.StartAsync(protocol, app =>
        {
            app.MapGet("/unbuffered/endless", context => WriteUntilAbortedAsync(context, aborted));
            app.MapGet("/next", () => "served");
        });
        await using var connection = await RawHttpConnection.ConnectAsync(site.EndPoint);
        await connection.WriteAsync(new RawRequest("GET", "/unbuffered/endless").EncodeHead());
        Assert.Equal(200, (await connection.ReadHeadAsync()).Status);
        Assert.NotEmpty(await connection.ReadBodyAsync());

        connection.Abort();

        await aborted.Task.OrTimeout();
        Assert.Equal("served", (await site.GetAsync("/next")).Text);
    }

    private static async Task WriteUntilAbortedAsync(HttpContext context, TaskCompletionSource aborted)
    {
        await using var registration = context.RequestAborted.Register(aborted.SetResult);
        while (!context.RequestAborted.IsCancellationRequested)
        {
            await context.Response.Body.WriteAsync(new byte[10_000]);
        }
    }
}
