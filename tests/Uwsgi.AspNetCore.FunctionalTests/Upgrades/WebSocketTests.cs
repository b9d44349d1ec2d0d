using System.Net.WebSockets;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Uwsgi.AspNetCore.FunctionalTests.Infrastructure;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.FunctionalTests.Upgrades;

/// <summary>The framework's WebSockets over a uwsgi socket, without a web server in between.</summary>
[Trait("Rule", "102")]
public class WebSocketTests
{
    [Theory]
    [InlineData("127.0.0.1:0")]
    [InlineData("unix")]
    public async Task Messages_are_echoed_until_the_client_closes(string socket)
    {
        var directory = Directory.CreateTempSubdirectory("uwsgi-ws-");
        try
        {
            await using var server = await StartAsync(EchoAsync, socket == "unix" ? Path.Combine(directory.FullName, "app.sock") : socket);
            using var client = await ConnectAsync(server);

            foreach (var size in new[] { 0, 1, 125, 126, 70_000 })
            {
                var message = new string('x', size);
                await client.SendAsync(Encoding.UTF8.GetBytes(message), WebSocketMessageType.Text, endOfMessage: true, default).WithTimeoutAsync();
                Assert.Equal(message, await ReceiveAsync(client));
            }

            await client.CloseAsync(WebSocketCloseStatus.NormalClosure, "bye", default).WithTimeoutAsync();

            Assert.Equal(WebSocketCloseStatus.NormalClosure, client.CloseStatus);
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    [Fact]
    [Trait("Rule", "106")]
    [Trait("Item", "135")]
    public async Task An_app_that_watches_ApplicationStopping_says_goodbye_when_the_server_stops()
    {
        await using var server = await StartAsync(
            async (context, webSocket) =>
            {
                var stopping = context.RequestServices.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;
                await stopping.WaitForCancellationAsync();
                await webSocket.CloseAsync(WebSocketCloseStatus.EndpointUnavailable, "stopping", default);
            },
            "127.0.0.1:0");
        using var client = await ConnectAsync(server);

        var stop = server.App.StopAsync();
        var result = await client.ReceiveAsync(new byte[10], default).WithTimeoutAsync();
        await client.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, default).WithTimeoutAsync();
        await stop.WithTimeoutAsync();

        Assert.Equal(WebSocketMessageType.Close, result.MessageType);
        Assert.Equal(WebSocketCloseStatus.EndpointUnavailable, client.CloseStatus);
    }

    [Fact]
    [Trait("Rule", "106")]
    [Trait("Item", "135")]
    public async Task An_app_that_watches_nothing_is_cut_off_when_the_time_is_over()
    {
        var ended = Responses.Events.New<Exception?>();
        await using var server = await StartAsync(
            async (_, webSocket) => ended.SetResult(await Record.ExceptionAsync(() => webSocket.ReceiveAsync(new byte[10], default))),
            "127.0.0.1:0");
        using var client = await ConnectAsync(server);

        await Record.ExceptionAsync(() => server.App.StopAsync(new CancellationToken(canceled: true)).WithTimeoutAsync());

        Assert.NotNull(await ended.Task.WithTimeoutAsync());
        await Assert.ThrowsAnyAsync<WebSocketException>(() => client.ReceiveAsync(new byte[10], default).WithTimeoutAsync());
    }

    private static Task<GatewayTestServer> StartAsync(Func<HttpContext, WebSocket, Task> app, string socket) => GatewayTestServer.StartAsync(
        async context =>
        {
            Assert.True(context.WebSockets.IsWebSocketRequest);
            using var webSocket = await context.WebSockets.AcceptWebSocketAsync();
            await app(context, webSocket);
        },
        options =>
        {
            options.Socket = socket;
            options.Pipeline = host => host.UseWebSockets();
        });

    private static async Task<ClientWebSocket> ConnectAsync(GatewayTestServer server)
    {
        var client = new ClientWebSocket();
        await client.ConnectAsync(
            new Uri("ws://example.test/chat"), new HttpMessageInvoker(new UwsgiMessageHandler(server.Address)), default).WithTimeoutAsync();
        return client;
    }

    private static async Task EchoAsync(HttpContext context, WebSocket webSocket)
    {
        var buffer = new byte[4096];
        while (true)
        {
            var result = await webSocket.ReceiveAsync(buffer, context.RequestAborted);
            if (result.MessageType is WebSocketMessageType.Close)
            {
                await webSocket.CloseAsync(WebSocketCloseStatus.NormalClosure, "bye", default);
                return;
            }

            await webSocket.SendAsync(buffer.AsMemory(0, result.Count), result.MessageType, result.EndOfMessage, default);
        }
    }

    private static async Task<string> ReceiveAsync(WebSocket webSocket)
    {
        var message = new MemoryStream();
        var buffer = new byte[4096];
        WebSocketReceiveResult result;
        do
        {
            result = await webSocket.ReceiveAsync(buffer, default).WithTimeoutAsync();
            message.Write(buffer, 0, result.Count);
        }
        while (!result.EndOfMessage);
        return Encoding.UTF8.GetString(message.ToArray());
    }
}
