using System.Collections;
using Microsoft.AspNetCore.Connections;

namespace Uwsgi.AspNetCore.Transport.Loop;

/// <summary>The logging scope around a connection, in the form of Kestrel's.</summary>
internal sealed class ConnectionScope(ConnectionContext connection) : IReadOnlyList<KeyValuePair<string, object?>>
{
    public int Count => 1;

    public KeyValuePair<string, object?> this[int index] => index == 0
        ? new("ConnectionId", connection.ConnectionId)
        : throw new ArgumentOutOfRangeException(nameof(index));

    public IEnumerator<KeyValuePair<string, object?>> GetEnumerator()
    {
        yield return this[0];
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    public override string ToString() => $"ConnectionId:{connection.ConnectionId}";
}
