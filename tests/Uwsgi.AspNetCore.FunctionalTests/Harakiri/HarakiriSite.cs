using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Uwsgi.AspNetCore.FunctionalTests.Attacks;
using Uwsgi.AspNetCore.FunctionalTests.Hosting;
using Uwsgi.AspNetCore.Harakiri;
using Uwsgi.AspNetCore.Testing;
using Uwsgi.AspNetCore.Workers;

namespace Uwsgi.AspNetCore.FunctionalTests.Harakiri;

/// <summary>An app that can be told to hang in any way, on sockets of every protocol and of Kestrel's HTTP.</summary>
internal sealed class HarakiriSite : IAsyncDisposable
{
    public static readonly TimeSpan Limit = TimeSpan.FromMilliseconds(300);

    private readonly ManualResetEventSlim _gate = new();
    private readonly TaskCompletionSource _asyncGate = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly HeldClock _clock = new();
    private readonly WebApplication _app;
    private int _awaited;

    private HarakiriSite(Action<UwsgiOptions>? configure, Action<WebApplicationBuilder>? host, int timeRunsWith)
    {
        _awaited = timeRunsWith;
        if (timeRunsWith == 0)
            _clock.LetGo();
        var builder = HostedApp.CreateBuilder(Logs);
        builder.Services.AddSingleton(_clock).AddSingleton<TimeProvider>(_clock);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Listen(IPAddress.Loopback, 0);
            kestrel.Listen(IPAddress.Loopback, 0, listen => listen.UseUwsgi());
            kestrel.Listen(IPAddress.Loopback, 0, listen => listen.UseScgi());
            kestrel.Listen(IPAddress.Loopback, 0, listen => listen.UseFastCgi());
            kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2);
        });
        builder.WebHost.UseUwsgi(uwsgi =>
        {
            uwsgi.Harakiri = Limit;
            uwsgi.HarakiriGrace = TimeSpan.FromMilliseconds(100);
            configure?.Invoke(uwsgi);
        });
        host?.Invoke(builder);
        _app = builder.Build();
        Map();
    }

    public LogSink Logs { get; } = new();

    public WebApplication App => _app;

    public Worker Worker => _app.Services.GetRequiredService<Worker>();

    public HarakiriWatchdog Watchdog => _app.Services.GetRequiredService<HarakiriWatchdog>();

    /// <summary>Gets what the apps that were let go have met; null for success.</summary>
    public System.Collections.Concurrent.ConcurrentQueue<Exception?> Ends { get; } = new();

    /// <summary>Starts the site. Its time stands still until so many requests hang, or an app of the test lets go of the clock.</summary>
    public static async Task<HarakiriSite> StartAsync(
        Action<UwsgiOptions>? configure = null, Action<WebApplication>? map = null, Action<WebApplicationBuilder>? host = null, int timeRunsWith = 0)
    {
        var site = new HarakiriSite(configure, host, timeRunsWith);
        map?.Invoke(site._app);
        await site._app.StartAsync().WithTimeoutAsync();
        return site;
    }

    /// <summary>Gets the port of HTTP/2.</summary>
    public int Http2Port => PortOf(4);

    /// <summary>Gets the port that a test has added.</summary>
    public int AddedPort => PortOf(5);

    /// <summary>Lets every hanging app go on, and waits until none is left.</summary>
    public async Task LetGoAsync()
    {
        _gate.Set();
        _asyncGate.TrySetResult();
        var deadline = TestTimeouts.Default;
        var watch = System.Diagnostics.Stopwatch.StartNew();
        // A core is free a moment before its request does not count as stuck any more.
        while (Worker.Cores.ToArray().Any(core => core.IsBusy) || Watchdog.Stuck != 0)
        {
            Assert.True(watch.Elapsed < deadline, "A request is still in its core.");
            await Task.Yield();
        }
    }

    public static byte[] RequestBytes(Wire wire, string target, string method = "GET") => wire switch
    {
        Wire.Http => Encoding.ASCII.GetBytes($"{method} {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"),
        Wire.HttpKept => Encoding.ASCII.GetBytes($"{method} {target} HTTP/1.1\r\nHost: a\r\n\r\n"),
        _ => GatewayWire.Request(ProtocolOf(wire), GatewayWire.Packet(ProtocolOf(wire), method, target), keep: wire == Wire.FastCgiKept),
    };

    /// <summary>The head of an upload, whose body a test sends.</summary>
    public static byte[] UploadBytes(Wire wire, string target, int announced)
    {
        if (wire is Wire.Http or Wire.HttpKept)
            return Encoding.ASCII.GetBytes($"POST {target} HTTP/1.1\r\nHost: a\r\nContent-Length: {announced}\r\n\r\n{new string('a', 1000)}");

        var protocol = ProtocolOf(wire);
        var packet = GatewayWire.Packet(protocol, "POST", target).Set("CONTENT_LENGTH", $"{announced}");
        return [.. GatewayWire.Head(protocol, packet, keep: wire == Wire.FastCgiKept), .. GatewayWire.Body(protocol, new string('a', 1000))];
    }

    /// <summary>A part of an upload's body.</summary>
    public static byte[] BodyBytes(Wire wire, byte[] part) =>
        wire is Wire.FastCgi or Wire.FastCgiKept ? GatewayWire.Body(GatewayProtocol.FastCgi, part) : part;

    /// <summary>A request for a WebSocket.</summary>
    public static byte[] UpgradeBytes(Wire wire, string target)
    {
        (string Name, string Value)[] fields =
            [("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"), ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")];
        if (wire == Wire.Http)
            return Encoding.ASCII.GetBytes($"GET {target} HTTP/1.1\r\nHost: a\r\n{string.Concat(fields.Select(field => $"{field.Name}: {field.Value}\r\n"))}\r\n");

        var packet = GatewayWire.Packet(ProtocolOf(wire), target: target);
        foreach (var (name, value) in fields)
            packet.Set("HTTP_" + name.ToUpperInvariant().Replace('-', '_'), value);
        return GatewayWire.Request(ProtocolOf(wire), packet);
    }

    public async Task<Socket> ConnectAsync(Wire wire)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, PortOf(wire switch
        {
            Wire.Http or Wire.HttpKept => 0,
            Wire.Uwsgi => 1,
            Wire.Scgi => 2,
            _ => 3,
        }));
        return socket;
    }

    /// <summary>Sends a request on a connection of its own and reads everything up to the connection's end.</summary>
    public async Task<HarakiriReply> AskAsync(Wire wire, string target, string method = "GET")
    {
        using var socket = await ConnectAsync(wire);
        await socket.SendAsync(RequestBytes(wire, target, method));
        return await ReadToEndAsync(wire, socket);
    }

    /// <summary>Reads until a text has come; fails when the connection ends before.</summary>
    public static async Task ReadUntilAsync(Socket socket, string text)
    {
        var seen = "";
        var buffer = new byte[4096];
        while (!seen.Contains(text, StringComparison.Ordinal))
        {
            var count = await socket.ReceiveAsync(buffer).WithTimeoutAsync();
            Assert.NotEqual(0, count);
            seen += Encoding.Latin1.GetString(buffer, 0, count);
        }
    }

    public static Task<HarakiriReply> ReadToEndAsync(Wire wire, Socket socket) => ReadAsync(wire, socket, _ => { });

    /// <summary>Reads a time-out's page and closes a connection that could stay only then: HTTP takes the end of its input for the client's going.</summary>
    public static Task<HarakiriReply> ReadAnswerAsync(Wire wire, Socket socket) => ReadAsync(wire, socket, bytes =>
    {
        if (wire is Wire.HttpKept or Wire.FastCgiKept && HarakiriReply.Parse(wire, bytes, isReset: false).Body.Contains("took too long", StringComparison.Ordinal))
            socket.Shutdown(SocketShutdown.Send);
    });

    private static async Task<HarakiriReply> ReadAsync(Wire wire, Socket socket, Action<byte[]> onRead)
    {
        var bytes = new List<byte>();
        var buffer = new byte[4096];
        var isReset = false;
        try
        {
            while (await socket.ReceiveAsync(buffer).WithTimeoutAsync() is var count and > 0)
            {
                bytes.AddRange(buffer.AsSpan(0, count));
                onRead([.. bytes]);
            }
        }
        catch (SocketException)
        {
            isReset = true;
        }

        return HarakiriReply.Parse(wire, [.. bytes], isReset);
    }

    public async ValueTask DisposeAsync()
    {
        await LetGoAsync();
        await _app.StopAsync().WithTimeoutAsync();
        await _app.DisposeAsync();
        _gate.Dispose();
    }

    // In the order in which they are listened on.
    private int PortOf(int index) => new Uri(_app.Urls.ElementAt(index)).Port;

    private static GatewayProtocol ProtocolOf(Wire wire) => wire switch
    {
        Wire.Uwsgi => GatewayProtocol.Uwsgi,
        Wire.Scgi => GatewayProtocol.Scgi,
        _ => GatewayProtocol.FastCgi,
    };

    private void Map()
    {
        _app.MapGet("/fast", () => "fast");
        _app.MapGet("/polite", async (HttpContext context) =>
        {
            await _asyncGate.Task.WaitAsync(context.RequestAborted);
        });
        _app.MapGet("/hang/{how}", async (HttpContext context, string how) =>
        {
            await HangAsync(how);
            await FinishAsync(context);
        });
        _app.MapGet("/begin/{how}", async (HttpContext context, string how) =>
        {
            context.Response.ContentLength = 100;
            await context.Response.WriteAsync("begun");
            await HangAsync(how);
            await FinishAsync(context);
        });
    }

    private async Task HangAsync(string how)
    {
        if (Interlocked.Decrement(ref _awaited) == 0)
            _clock.LetGo();
        switch (how)
        {
            case "block":
                _gate.Wait(CancellationToken.None);
                break;
            case "spin":
                while (!_gate.IsSet)
                {
                    // The worst that code can do to a thread.
                }

                break;
            default:
                await _asyncGate.Task;
                break;
        }
    }

    // What wakes up late behaves as if nothing had happened.
    private async Task FinishAsync(HttpContext context)
    {
        try
        {
            if (!context.Response.HasStarted)
            {
                context.Response.StatusCode = 200;
                context.Response.Headers["X-Late"] = "late";
            }

            await context.Response.WriteAsync("late");
            Ends.Enqueue(null);
        }
        catch (Exception error)
        {
            Ends.Enqueue(error);
            throw;
        }
    }
}
