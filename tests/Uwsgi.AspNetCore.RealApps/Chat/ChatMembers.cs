using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;

namespace Uwsgi.AspNetCore.RealApps.Chat;

public sealed record ChatMember(string Room, string Name);

public sealed class ChatMembers
{
    private readonly ConcurrentDictionary<string, ChatMember> _members = new();

    public void Enter(string connectionId, ChatMember member) => _members[connectionId] = member;

    public string? NameOf(string connectionId) => _members.GetValueOrDefault(connectionId)?.Name;

    public bool TryLeave(string connectionId, [NotNullWhen(true)] out ChatMember? member) =>
        _members.TryRemove(connectionId, out member);
}
