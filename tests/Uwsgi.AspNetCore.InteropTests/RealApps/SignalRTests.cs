using System.Threading.Channels;
using Microsoft.AspNetCore.Http.Connections;
using Microsoft.AspNetCore.SignalR.Client;

namespace Uwsgi.AspNetCore.InteropTests.RealApps;

[Collection(nameof(Bookshop))]
public sealed class SignalRTests(Bookshop bookshop)
{
    public static TheoryData<HttpTransportType, string> Ways => new()
    {
        { HttpTransportType.WebSockets, "" },
        { HttpTransportType.WebSockets, "/app1" },
        { HttpTransportType.ServerSentEvents, "" },
        { HttpTransportType.ServerSentEvents, "/app1" },
        { HttpTransportType.LongPolling, "" },
        { HttpTransportType.LongPolling, "/app1" },
    };

    [SkippableTheory]
    [MemberData(nameof(Ways))]
    public async Task Members_of_a_room_hear_each_other(HttpTransportType transport, string mount)
    {
        await using var ada = await ConnectAsync(transport, mount);
        await using var ben = await ConnectAsync(transport, mount);
        var room = Guid.NewGuid().ToString();
        var joined = NextOf<string>(ada, "Joined");
        var heard = Listen<string, string>(ada, "Said");

        Assert.Equal(transport.ToString(), await ada.InvokeAsync<string>("Join", room, "Ada").OrTimeout());
        Assert.Equal(transport.ToString(), await ben.InvokeAsync<string>("Join", room, "Ben").OrTimeout());
        Assert.Equal("Ben", await joined.OrTimeout());

        for (var line = 0; line < 20; line++)
        {
            await ben.InvokeAsync("Say", room, $"{line}: grüß dich 👋").OrTimeout();
            Assert.Equal(("Ben", $"{line}: grüß dich 👋"), await heard.ReadAsync().AsTask().OrTimeout());
        }
    }

    [SkippableTheory]
    [MemberData(nameof(Ways))]
    public async Task A_long_message_arrives_whole(HttpTransportType transport, string mount)
    {
        await using var ada = await ConnectAsync(transport, mount);
        var room = Guid.NewGuid().ToString();
        var text = new string('x', 30_000);
        var heard = Listen<string, string>(ada, "Said");

        await ada.InvokeAsync<string>("Join", room, "Ada").OrTimeout();
        await ada.InvokeAsync("Say", room, text).OrTimeout();

        Assert.Equal(("Ada", text), await heard.ReadAsync().AsTask().OrTimeout());
    }

    [SkippableTheory]
    [MemberData(nameof(Ways))]
    public async Task Streams_run_in_both_directions(HttpTransportType transport, string mount)
    {
        await using var ada = await ConnectAsync(transport, mount);
        using var timeout = TestTimeout.Start();

        var numbers = await ada.StreamAsync<int>("CountTo", 1000, timeout.Token).ToListAsync(timeout.Token);
        var sum = await ada.InvokeAsync<int>("AddUp", Enumerable.Range(1, 100).ToAsyncEnumerable(), timeout.Token);

        Assert.Equal(Enumerable.Range(1, 1000), numbers);
        Assert.Equal(5050, sum);
    }

    [SkippableTheory]
    [MemberData(nameof(Ways))]
    public async Task The_server_awaits_an_answer_of_a_client(HttpTransportType transport, string mount)
    {
        await using var ada = await ConnectAsync(transport, mount);
        await using var ben = await ConnectAsync(transport, mount);
        using var answer = ben.On<string, string>("Ask", question => Task.FromResult(question + " Yes."));

        Assert.Equal("Open? Yes.", await ada.InvokeAsync<string>("Ask", ben.ConnectionId, "Open?").OrTimeout());
    }

    [SkippableTheory]
    [MemberData(nameof(Ways))]
    public async Task The_room_hears_when_somebody_leaves(HttpTransportType transport, string mount)
    {
        await using var ada = await ConnectAsync(transport, mount);
        var ben = await ConnectAsync(transport, mount);
        var room = Guid.NewGuid().ToString();
        var left = NextOf<string>(ada, "Left");
        await ada.InvokeAsync<string>("Join", room, "Ada").OrTimeout();
        await ben.InvokeAsync<string>("Join", room, "Ben").OrTimeout();

        await ben.DisposeAsync();

        Assert.Equal("Ben", await left.OrTimeout());
    }

    [SkippableTheory]
    [MemberData(nameof(Ways))]
    public async Task A_client_notices_when_the_server_hangs_up(HttpTransportType transport, string mount)
    {
        await using var ada = await ConnectAsync(transport, mount);
        var closed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        ada.Closed += _ =>
        {
            closed.TrySetResult();
            return Task.CompletedTask;
        };

        await ada.SendAsync("HangUp").OrTimeout();

        await closed.Task.OrTimeout();
    }

    private static Task<T> NextOf<T>(HubConnection connection, string method)
    {
        var received = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        connection.On<T>(method, value => received.TrySetResult(value));
        return received.Task;
    }

    private static ChannelReader<(T1 First, T2 Second)> Listen<T1, T2>(HubConnection connection, string method)
    {
        var channel = Channel.CreateUnbounded<(T1, T2)>();
        connection.On<T1, T2>(method, (first, second) => channel.Writer.TryWrite((first, second)));
        return channel.Reader;
    }

    private async Task<HubConnection> ConnectAsync(HttpTransportType transport, string mount)
    {
        var shop = await bookshop.OpenAsync(mount);
        var connection = new HubConnectionBuilder().WithUrl(new Uri(shop, "chat"), transport).Build();
        await connection.StartAsync().OrTimeout();
        return connection;
    }
}
