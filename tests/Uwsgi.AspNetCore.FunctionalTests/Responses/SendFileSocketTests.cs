using System.Security.Cryptography;
using Microsoft.AspNetCore.Http;
using Uwsgi.AspNetCore.FunctionalTests.Infrastructure;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.FunctionalTests.Responses;

/// <summary>Files over real sockets, where the transport may take their bytes past the process.</summary>
public sealed class SendFileSocketTests : IDisposable
{
    private const int Length = 8 * 1024 * 1024 + 3;

    private readonly string _directory = Directory.CreateTempSubdirectory("uwsgi-sendfile-").FullName;
    private readonly string _file;
    private readonly byte[] _content = RandomNumberGenerator.GetBytes(Length);

    public SendFileSocketTests()
    {
        _file = Path.Combine(_directory, "noise");
        File.WriteAllBytes(_file, _content);
    }

    public static TheoryData<UwsgiTransport, string> Sockets => new()
    {
        { UwsgiTransport.EventLoop, "127.0.0.1:0" },
        { UwsgiTransport.EventLoop, "@" },
        { UwsgiTransport.Sockets, "127.0.0.1:0" },
        { UwsgiTransport.Sockets, "@" },
    };

    [Theory]
    [MemberData(nameof(Sockets))]
    public async Task A_part_is_sent_between_what_is_written_around_it(UwsgiTransport transport, string socket)
    {
        await using var server = await StartAsync(transport, socket, async context =>
        {
            await context.Response.WriteAsync("before");
            await context.Response.SendFileAsync(_file, 7, Length - 10);
            await context.Response.WriteAsync("after");
        });

        var response = await server.RequestAsync(UwsgiPacket.Nginx());

        Assert.Equal([.. "before"u8, .. _content.AsSpan(7, Length - 10), .. "after"u8], response.Body);
    }

    [Theory]
    [MemberData(nameof(Sockets))]
    public async Task A_write_that_nobody_awaited_comes_first(UwsgiTransport transport, string socket)
    {
        await using var server = await StartAsync(transport, socket, async context =>
        {
            var write = context.Response.Body.WriteAsync(_content).AsTask();
            await context.Response.SendFileAsync(_file);
            await write;
        });

        var response = await server.RequestAsync(UwsgiPacket.Nginx());

        Assert.Equal([.. _content, .. _content], response.Body);
    }

    [Theory]
    [MemberData(nameof(Sockets))]
    public async Task A_response_without_a_body_sends_nothing_of_it(UwsgiTransport transport, string socket)
    {
        await using var server = await StartAsync(transport, socket, context => context.Response.SendFileAsync(_file));

        var response = await server.RequestAsync(UwsgiPacket.Nginx("HEAD"));

        Assert.Empty(response.Body);
    }

    [Theory]
    [MemberData(nameof(Sockets))]
    public async Task A_peer_that_goes_away_ends_the_sending(UwsgiTransport transport, string socket)
    {
        var ended = new TaskCompletionSource();
        await using var server = await StartAsync(transport, socket, async context =>
        {
            context.Response.ContentLength = Length;
            await context.Response.SendFileAsync(_file);
            ended.SetResult();
        });
        var client = await server.ConnectSocketAsync();
        await client.SendAsync(UwsgiPacket.Nginx().ToArray());
        await client.ReadThroughAsync("\r\n\r\n");

        client.Dispose();

        await ended.Task.WithTimeoutAsync();
    }

    [Theory]
    [MemberData(nameof(Sockets))]
    public async Task A_cancelled_token_ends_the_wait_for_a_peer_that_does_not_read(UwsgiTransport transport, string socket)
    {
        using var source = new CancellationTokenSource();
        var ended = new TaskCompletionSource();
        await using var server = await StartAsync(transport, socket, async context =>
        {
            context.Response.ContentLength = Length;
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => context.Response.SendFileAsync(_file, source.Token));

            // Cancelled between two writes, nothing is lost yet; then it is the app that leaves the rest out.
            context.Abort();
            ended.SetResult();
        });
        using var client = await server.ConnectSocketAsync();
        await client.SendAsync(UwsgiPacket.Nginx().ToArray());
        await client.ReadThroughAsync("\r\n\r\n");

        await source.CancelAsync();

        await ended.Task.WithTimeoutAsync();
        var (body, _) = await client.ReadToEndOrResetAsync();
        Assert.InRange(body.Length, 0, Length - 1);
    }

    [Theory]
    [MemberData(nameof(Sockets))]
    public async Task A_file_that_becomes_shorter_does_not_look_complete(UwsgiTransport transport, string socket)
    {
        var ended = new TaskCompletionSource();
        await using var server = await StartAsync(transport, socket, async context =>
        {
            context.Response.ContentLength = Length;
            try
            {
                await context.Response.SendFileAsync(_file);
            }
            finally
            {
                ended.SetResult();
            }
        });
        if (transport == UwsgiTransport.Sockets)
            server.ExpectError("ApplicationError");
        using var client = await server.ConnectSocketAsync();
        await client.SendAsync(UwsgiPacket.Nginx().ToArray());
        await client.ReadThroughAsync("\r\n\r\n");

        using (var file = new FileStream(_file, FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
            file.SetLength(Length / 2);

        // The end of the stream, or a reset.
        var received = 0L;
        var buffer = new byte[64 * 1024];
        try
        {
            while (await client.Socket.ReceiveAsync(buffer).WithTimeoutAsync() is > 0 and var count)
                received += count;
        }
        catch (System.Net.Sockets.SocketException)
        {
            // As good.
        }

        await ended.Task.WithTimeoutAsync();
        Assert.InRange(received, 0, Length - 1);
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    private static Task<GatewayTestServer> StartAsync(UwsgiTransport transport, string socket, RequestDelegate app) =>
        GatewayTestServer.StartAsync(app, options =>
        {
            // A name of its own: a process that is just being started may hold the last one a little longer.
            options.Socket = socket == "@" ? $"@uwsgi-sendfile-{Guid.NewGuid():N}" : socket;
            options.Uwsgi = uwsgi => uwsgi.Transport = transport;
        });
}
