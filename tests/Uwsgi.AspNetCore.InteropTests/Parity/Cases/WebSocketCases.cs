using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Text;
using Uwsgi.AspNetCore.InteropTests.Http;
using Uwsgi.AspNetCore.InteropTests.Parity.App;

namespace Uwsgi.AspNetCore.InteropTests.Parity.Cases;

/// <summary>WebSockets and other tunnels.</summary>
internal static class WebSocketCases
{
    private const int Mebi = 1024 * 1024;

    public static IEnumerable<ParityCase> All =>
    [
        .. Messages.Select(message => new ParityCase($"WebSocket echo of {message.Name}", visitor => EchoAsync(visitor, message.Type, message.Parts))
            .Needing(Capabilities.Upgrade)),
        .. CloseCodes.Select(code => new ParityCase($"WebSocket closed by the client with {code}", visitor => CloseAsync(visitor, code))
            .Needing(Capabilities.Upgrade)),
        .. CloseCodes.Select(code => new ParityCase($"WebSocket closed by the app with {code}", visitor => BeClosedAsync(visitor, code))
            .Needing(Capabilities.Upgrade)),
        new ParityCase("WebSocket on which the app speaks first", BeGreetedAsync).Needing(Capabilities.Upgrade),
        new ParityCase("WebSocket with a subprotocol", visitor => EchoAsync(visitor, WebSocketMessageType.Text, ["hi"u8.ToArray()], "chat, superchat"))
            .Needing(Capabilities.Upgrade),
        new ParityCase("WebSocket with data right behind the handshake", SendEarlyAsync).Needing(Capabilities.Upgrade),
        new ParityCase("WebSocket whose client vanishes", VanishAsync).Needing(Capabilities.Upgrade),
        new ParityCase("WebSocket which the app aborts", BeAbortedAsync).Needing(Capabilities.Upgrade),
        ParityCase.Of("WebSocket refused by the app", Handshake("/socket/refused"), 403).Needing(Capabilities.Upgrade),
        ParityCase.Get("WebSocket endpoint without a handshake", "/socket/echo", 400),
        ParityCase.Of("WebSocket handshake of another version", Handshake("/socket/echo", version: "8"), 400).Needing(Capabilities.Upgrade),
        ParityCase.Of("WebSocket handshake on an ordinary endpoint", Handshake("/orders/1")).Needing(Capabilities.Upgrade),
        new ParityCase("upgrade to another protocol", SpeakCapitalsAsync).Needing(Capabilities.Upgrade),
        ParityCase.Get("upgrade without asking", "/upgrade/raw", 426).Needing(Capabilities.Upgrade),
        ParityCase.Of("upgrade with a body", new RawRequest("POST", "/upgrade/raw").With("Connection", "upgrade").With("Upgrade", "capitals")
            .WithBody("abc"), 426).Needing(Capabilities.Upgrade),
    ];

    private static (string Name, WebSocketMessageType Type, byte[][] Parts)[] Messages =>
    [
        ("text", WebSocketMessageType.Text, [Encoding.UTF8.GetBytes("grüße €😀")]),
        ("nothing", WebSocketMessageType.Text, [[]]),
        ("binary", WebSocketMessageType.Binary, [StaticContent.Bytes(1000)]),
        ("text in fragments", WebSocketMessageType.Text, ["one "u8.ToArray(), "two "u8.ToArray(), [], "three"u8.ToArray()]),
        ("1 MiB", WebSocketMessageType.Binary, [StaticContent.Bytes(Mebi)]),
        ("4 MiB in fragments", WebSocketMessageType.Binary, [.. Enumerable.Range(0, 4).Select(_ => StaticContent.Bytes(Mebi))]),
    ];

    private static int[] CloseCodes => [1000, 1001, 1011, 4000];

    private static RawRequest Handshake(string target, string protocols = "", string version = "13")
    {
        var request = new RawRequest("GET", target)
        {
            Headers =
            [
                ("Connection", "upgrade"), ("Upgrade", "websocket"), ("Origin", "http://parity.test"),
                ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="), ("Sec-WebSocket-Version", version),
            ],
        };
        return protocols.Length > 0 ? request.With("Sec-WebSocket-Protocol", protocols) : request;
    }

    private static async Task<WebSocket> ShakeHandsAsync(Exchange exchange)
    {
        await exchange.SendHeadAsync();
        var head = await exchange.Connection.ReadHeadAsync();
        exchange.Note(head);
        Assert.Equal(101, head.Status);
        return WebSocket.CreateFromStream(exchange.Connection.AsStream(), new WebSocketCreationOptions { SubProtocol = head["Sec-WebSocket-Protocol"] });
    }

    private static async Task EchoAsync(Visitor visitor, WebSocketMessageType type, byte[][] parts, string protocols = "")
    {
        await using var exchange = await visitor.OpenAsync(Handshake("/socket/echo", protocols));
        using var socket = await ShakeHandsAsync(exchange);
        var receiving = ReceiveAsync(exchange, socket);
        for (var i = 0; i < parts.Length; i++)
        {
            await socket.SendAsync(parts[i], type, endOfMessage: i == parts.Length - 1, CancellationToken.None).OrTimeout();
        }

        Assert.Equal(parts.Sum(part => part.Length), await receiving);
        await CloseAsync(exchange, socket, WebSocketCloseStatus.NormalClosure);
    }

    private static async Task CloseAsync(Visitor visitor, int code)
    {
        await using var exchange = await visitor.OpenAsync(Handshake("/socket/echo"));
        using var socket = await ShakeHandsAsync(exchange);
        await CloseAsync(exchange, socket, (WebSocketCloseStatus)code);
    }

    private static async Task BeClosedAsync(Visitor visitor, int code)
    {
        await using var exchange = await visitor.OpenAsync(Handshake($"/socket/close/{code}"));
        using var socket = await ShakeHandsAsync(exchange);
        await ReceiveAsync(exchange, socket);
        await CloseAsync(exchange, socket, WebSocketCloseStatus.NormalClosure);
    }

    private static async Task BeGreetedAsync(Visitor visitor)
    {
        await using var exchange = await visitor.OpenAsync(Handshake("/socket/greeting"));
        using var socket = await ShakeHandsAsync(exchange);
        Assert.Equal(7, await ReceiveAsync(exchange, socket));
        await CloseAsync(exchange, socket, WebSocketCloseStatus.NormalClosure);
    }

    private static async Task SendEarlyAsync(Visitor visitor)
    {
        await using var exchange = await visitor.OpenAsync(Handshake("/socket/echo"));
        byte[] maskedHello = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58]; // RFC 6455, section 5.7
        await exchange.Connection.WriteAsync(exchange.Request.EncodeHead().Concat(maskedHello).ToArray());
        exchange.Note(await exchange.Connection.ReadHeadAsync());
        using var socket = WebSocket.CreateFromStream(exchange.Connection.AsStream(), new WebSocketCreationOptions());
        Assert.Equal(5, await ReceiveAsync(exchange, socket));
        await CloseAsync(exchange, socket, WebSocketCloseStatus.NormalClosure);
    }

    private static async Task VanishAsync(Visitor visitor)
    {
        await using var exchange = await visitor.OpenAsync(Handshake("/socket/echo"));
        using var socket = await ShakeHandsAsync(exchange);
        exchange.Connection.Abort();
        await exchange.CollectAsync();
    }

    private static async Task BeAbortedAsync(Visitor visitor)
    {
        await using var exchange = await visitor.OpenAsync(Handshake("/socket/abort"));
        using var socket = await ShakeHandsAsync(exchange);
        await socket.SendAsync("go"u8.ToArray(), WebSocketMessageType.Text, endOfMessage: true, CancellationToken.None).OrTimeout();
        var error = await Assert.ThrowsAsync<WebSocketException>(() => ReceiveAsync(exchange, socket));
        exchange.Note("Client.Error", error.WebSocketErrorCode.ToString());
        await exchange.CollectAsync();
    }

    private static async Task SpeakCapitalsAsync(Visitor visitor)
    {
        await using var exchange = await visitor.OpenAsync(
            new RawRequest("GET", "/upgrade/raw").With("Connection", "upgrade").With("Upgrade", "capitals"));
        await exchange.SendHeadAsync();
        exchange.Note(await exchange.Connection.ReadHeadAsync());
        await exchange.Connection.WriteAsync("hello");
        Assert.Equal("HELLO"u8.ToArray(), await exchange.Connection.ReadExactlyAsync(5));
        await exchange.Connection.WriteAsync("end!");
        Assert.Equal("END!"u8.ToArray(), await exchange.Connection.ReadExactlyAsync(4));
        Assert.Empty(await exchange.Connection.ReadAvailableAsync(1));
        await exchange.CollectAsync();
    }

    /// <summary>Receives one message, or the close frame, and keeps what it was.</summary>
    private static async Task<int> ReceiveAsync(Exchange exchange, WebSocket socket)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[65_536];
        var length = 0;
        WebSocketReceiveResult result;
        do
        {
            result = await socket.ReceiveAsync(buffer, CancellationToken.None).OrTimeout();
            hash.AppendData(buffer, 0, result.Count);
            length += result.Count;
        }
        while (!result.EndOfMessage);
        exchange.Note("Response.Message", $"{result.MessageType} {length} {Convert.ToHexString(hash.GetHashAndReset())}");
        return length;
    }

    private static async Task CloseAsync(Exchange exchange, WebSocket socket, WebSocketCloseStatus status)
    {
        await socket.CloseAsync(status, $"closed with {(int)status}", CancellationToken.None).OrTimeout();
        exchange.Note("Response.Closed", $"{socket.CloseStatus} {socket.CloseStatusDescription} {socket.State}");
        await exchange.CollectAsync();
    }
}
