using System.Net.WebSockets;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Uwsgi.AspNetCore.InteropTests.Parity.App;

/// <summary>WebSockets, and upgrades to something that is none.</summary>
internal static class WebSocketEndpoints
{
    public static void MapWebSocketEndpoints(this WebApplication app)
    {
        app.Map("/socket/echo", EchoAsync);
        app.Map("/socket/greeting", GreetAsync);
        app.Map("/socket/close/{code:int}", CloseAsync);
        app.Map("/socket/abort", AbortAsync);
        app.Map("/socket/refused", () => Results.StatusCode(403));
        app.Map("/upgrade/raw", UpgradeAsync);
    }

    private static async Task<WebSocket?> AcceptAsync(HttpContext context)
    {
        context.Observed().Note("App.IsWebSocketRequest", context.WebSockets.IsWebSocketRequest.ToString());
        context.Observed().Note("App.WebSocketProtocols", string.Join(',', context.WebSockets.WebSocketRequestedProtocols));
        if (context.WebSockets.IsWebSocketRequest)
        {
            return await context.WebSockets.AcceptWebSocketAsync(context.WebSockets.WebSocketRequestedProtocols.FirstOrDefault());
        }

        context.Response.StatusCode = 400;
        return null;
    }

    private static async Task EchoAsync(HttpContext context)
    {
        using var socket = await AcceptAsync(context);
        var buffer = new byte[8192];
        while (socket?.State is WebSocketState.Open or WebSocketState.CloseSent)
        {
            var result = await socket.ReceiveAsync(buffer, CancellationToken.None);
            if (result.MessageType == WebSocketMessageType.Close)
            {
                context.Observed().Note("App.Closed", $"{result.CloseStatus} {result.CloseStatusDescription}");
                await socket.CloseOutputAsync(result.CloseStatus ?? WebSocketCloseStatus.NormalClosure, result.CloseStatusDescription, default);
                return;
            }

            await socket.SendAsync(buffer.AsMemory(0, result.Count), result.MessageType, result.EndOfMessage, CancellationToken.None);
        }
    }

    private static async Task GreetAsync(HttpContext context)
    {
        using var socket = await AcceptAsync(context);
        if (socket is not null)
        {
            await socket.SendAsync("welcome"u8.ToArray(), WebSocketMessageType.Text, endOfMessage: true, CancellationToken.None);
            await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, "bye", CancellationToken.None);
        }
    }

    private static async Task CloseAsync(HttpContext context, int code)
    {
        using var socket = await AcceptAsync(context);
        if (socket is not null)
        {
            await socket.CloseAsync((WebSocketCloseStatus)code, $"code {code}", CancellationToken.None);
            context.Observed().Note("App.Closed", $"{socket.CloseStatus} {socket.State}");
        }
    }

    private static async Task AbortAsync(HttpContext context)
    {
        using var socket = await AcceptAsync(context);
        await (socket?.ReceiveAsync(new byte[10], CancellationToken.None) ?? Task.CompletedTask);
        context.Abort();
    }

    /// <summary>A protocol of our own: every line comes back in capitals until the peer ends its side.</summary>
    private static async Task UpgradeAsync(HttpContext context)
    {
        var upgrade = context.Features.Get<IHttpUpgradeFeature>();
        if (upgrade?.IsUpgradableRequest != true)
        {
            var error = upgrade is null ? null : await Record.ExceptionAsync(upgrade.UpgradeAsync);
            context.Observed().Note("App.Upgrade", error?.GetType().Name);
            context.Response.StatusCode = 426;
            return;
        }

        context.Response.Headers.Upgrade = "capitals";
        await using var stream = await upgrade.UpgradeAsync();
        context.Observed().Note("App.Upgrade.Again", (await Record.ExceptionAsync(upgrade.UpgradeAsync))?.GetType().Name);
        context.Observed().Note("App.Upgrade.Body", (await context.Request.Body.ReadAsync(new byte[1])).ToString());
        context.Observed().Note("App.Upgrade.Write", (await Record.ExceptionAsync(() => context.Response.WriteAsync("x")))?.GetType().Name);
        var buffer = new byte[100];
        while (await stream.ReadAsync(buffer) is var count and > 0)
        {
            var line = Encoding.ASCII.GetString(buffer, 0, count);
            await stream.WriteAsync(Encoding.ASCII.GetBytes(line.ToUpperInvariant()));
            if (line.Contains('!'))
            {
                return;
            }
        }
    }
}
