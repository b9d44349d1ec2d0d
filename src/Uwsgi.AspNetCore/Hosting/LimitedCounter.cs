namespace Uwsgi.AspNetCore.Hosting;

/// <summary>Counts things in use and holds them within a limit.</summary>
internal class LimitedCounter
{
    private long _count;

    public long Count => Volatile.Read(ref _count);

    public bool TryAdd(long limit)
    {
        if (Interlocked.Increment(ref _count) <= limit)
        {
            return true;
        }

        Interlocked.Decrement(ref _count);
        return false;
    }

    public void Remove() => Interlocked.Decrement(ref _count);
}

/// <summary>The count of upgraded connections of a host.</summary>
internal sealed class UpgradedConnections : LimitedCounter;
