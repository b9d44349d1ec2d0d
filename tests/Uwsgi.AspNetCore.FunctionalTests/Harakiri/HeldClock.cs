namespace Uwsgi.AspNetCore.FunctionalTests.Harakiri;

/// <summary>A clock that stands still until it is let go: no time limit is over before, however long the machine takes.</summary>
internal sealed class HeldClock : TimeProvider
{
    private readonly long _start = System.GetTimestamp();
    private long _released;

    public override long GetTimestamp() => Volatile.Read(ref _released) is var released and not 0 ? _start + (System.GetTimestamp() - released) : _start;

    public void LetGo() => Interlocked.CompareExchange(ref _released, System.GetTimestamp(), 0);
}
