using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Http.Connections.Features;
using Microsoft.AspNetCore.SignalR;

namespace Uwsgi.AspNetCore.RealApps.Chat;

public sealed class ChatHub(ChatMembers members) : Hub
{
    public override async Task OnDisconnectedAsync(Exception? exception)
    {
        if (members.TryLeave(Context.ConnectionId, out var member))
        {
            await Clients.Group(member.Room).SendAsync("Left", member.Name);
        }
    }

    /// <summary>Enters a room and says which transport carries the connection.</summary>
    public async Task<string?> Join(string room, string name)
    {
        members.Enter(Context.ConnectionId, new ChatMember(room, name));
        await Groups.AddToGroupAsync(Context.ConnectionId, room);
        await Clients.OthersInGroup(room).SendAsync("Joined", name);
        return Context.Features.Get<IHttpTransportFeature>()?.TransportType.ToString();
    }

    public Task Say(string room, string text) => Clients.Group(room).SendAsync("Said", members.NameOf(Context.ConnectionId), text);

    /// <summary>Asks one member: a result that the server awaits from a client.</summary>
    public Task<string> Ask(string connectionId, string question) =>
        Clients.Client(connectionId).InvokeAsync<string>("Ask", question, Context.ConnectionAborted);

    public async IAsyncEnumerable<int> CountTo(int last, [EnumeratorCancellation] CancellationToken cancellation)
    {
        for (var number = 1; number <= last; number++)
        {
            cancellation.ThrowIfCancellationRequested();
            yield return number;
            await Task.Yield();
        }
    }

    public async Task<int> AddUp(IAsyncEnumerable<int> numbers)
    {
        var sum = 0;
        await foreach (var number in numbers)
        {
            sum += number;
        }

        return sum;
    }

    public void HangUp() => Context.Abort();
}
