using System.Buffers;
using System.Text;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.Tests.Shared;

public class InMemoryConnectionTests
{
    private const string Answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";

    [Fact]
    public async Task Exchange_OverTinyBlocks_ArrivesAndLeaksNothing()
    {
        using var pool = new TinyBlockMemoryPool();
        var connection = new InMemoryConnection(new InMemoryConnectionOptions { MemoryPool = pool });
        var server = connection.RunAsync(async context =>
        {
            var result = await context.Transport.Input.ReadAtLeastAsync(4);
            Assert.Equal("ping", Encoding.Latin1.GetString(result.Buffer.ToArray()));
            context.Transport.Input.AdvanceTo(result.Buffer.End);
            await context.Transport.Output.WriteAsync(Encoding.Latin1.GetBytes(Answer));
        });

        await connection.Client.SendByteByByteAsync("ping"u8.ToArray());
        var response = await connection.Client.ReadResponseAsync();
        await server.WithTimeoutAsync();

        Assert.Equal(200, response.StatusCode);
        Assert.Equal("hi", response.Text);
        await pool.AssertAllReturnedAsync();
    }

    [Fact]
    public async Task CompleteSending_EndsTheInput_AndLeavesTheOutputUsable()
    {
        var connection = new InMemoryConnection();
        var server = connection.RunAsync(async context =>
        {
            await context.ConnectionClosed.WaitForCancellationAsync();
            var result = await context.Transport.Input.ReadAsync();
            Assert.True(result.IsCompleted);
            Assert.Equal(3, result.Buffer.Length);
            Assert.False((await context.Transport.Output.WriteAsync(Encoding.Latin1.GetBytes(Answer))).IsCompleted);
        });

        await connection.Client.SendAsync("abc");
        connection.Client.CompleteSending();

        Assert.Equal("hi", (await connection.Client.ReadResponseAsync()).Text);
        await server.WithTimeoutAsync();
    }

    [Fact]
    public async Task Reset_FailsReads_AndDropsWrites()
    {
        var connection = new InMemoryConnection();
        var server = connection.RunAsync(async context =>
        {
            await Assert.ThrowsAsync<ConnectionResetException>(async () => await context.Transport.Input.ReadAsync());
            await context.ConnectionClosed.WaitForCancellationAsync();
            Assert.True((await context.Transport.Output.WriteAsync("lost"u8.ToArray())).IsCompleted);
        });

        connection.Client.Reset();

        await server.WithTimeoutAsync();
        await connection.Disposed.WithTimeoutAsync();
    }

    [Fact]
    public async Task Close_WhileTheServerWaitsToWrite_ReleasesIt()
    {
        var connection = new InMemoryConnection(new InMemoryConnectionOptions { OutputBufferSize = 4 });
        var server = connection.RunAsync(async context =>
        {
            var flush = context.Transport.Output.WriteAsync("more than four"u8.ToArray());
            Assert.False(flush.IsCompleted);
            await connection.Client.SendAsync("now");
            Assert.True((await flush).IsCompleted);
        });

        var result = await connection.Transport.Input.ReadAsync();
        connection.Transport.Input.AdvanceTo(result.Buffer.End);
        connection.Client.Close();

        await server.WithTimeoutAsync();
    }

    [Fact]
    public async Task Abort_FailsTheClientsRead_AndTheServersOwn()
    {
        using var pool = new LeakCheckingMemoryPool();
        var connection = new InMemoryConnection(new InMemoryConnectionOptions { MemoryPool = pool });
        var reading = connection.Client.ReadToEndAsync();
        var server = connection.RunAsync(async context =>
        {
            context.Abort(new ConnectionAbortedException("enough"));
            await Assert.ThrowsAsync<ConnectionAbortedException>(async () => await context.Transport.Input.ReadAsync());
            await context.ConnectionClosed.WaitForCancellationAsync();
        });

        await Assert.ThrowsAsync<ConnectionResetException>(() => reading);
        await server.WithTimeoutAsync();

        Assert.Equal("enough", connection.AbortReason?.Message);
        await pool.AssertAllReturnedAsync();
    }

    [Fact]
    public async Task Backpressure_ServerDoesNotRead_SendWaits()
    {
        var connection = new InMemoryConnection(new InMemoryConnectionOptions { InputBufferSize = 4 });

        var sending = connection.Client.SendAsync("more than four");
        Assert.False(sending.IsCompleted);
        var result = await connection.Transport.Input.ReadAsync();
        connection.Transport.Input.AdvanceTo(result.Buffer.End);

        await sending;
    }

    [Fact]
    public async Task ReadThroughAsync_ConnectionEndsBefore_SaysWhatCame()
    {
        var connection = new InMemoryConnection();
        await connection.RunAsync(context => context.Transport.Output.WriteAsync("HTTP/1.1 2"u8.ToArray()).AsTask());

        var exception = await Assert.ThrowsAsync<EndOfStreamException>(() => connection.Client.ReadHeadAsync());

        Assert.Contains("HTTP/1.1 2", exception.Message);
    }

    [Fact]
    public void RequestClose_FiresTheNotification()
    {
        var connection = new InMemoryConnection();

        connection.RequestClose();

        Assert.True(connection.Features.Get<IConnectionLifetimeNotificationFeature>()!.ConnectionClosedRequested.IsCancellationRequested);
        Assert.False(connection.ConnectionClosed.IsCancellationRequested);
    }

    [Fact]
    public void Features_AreThoseOfATransport()
    {
        var features = new InMemoryConnection().Features;

        Assert.NotNull(features.Get<IConnectionIdFeature>());
        Assert.NotNull(features.Get<IConnectionTransportFeature>());
        Assert.NotNull(features.Get<IConnectionItemsFeature>());
        Assert.NotNull(features.Get<IMemoryPoolFeature>());
        Assert.NotNull(features.Get<IConnectionLifetimeFeature>());
        Assert.NotNull(features.Get<IConnectionEndPointFeature>());
    }
}
