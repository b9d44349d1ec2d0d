namespace Uwsgi.AspNetCore.InteropTests.Children;

/// <summary>What a process holds, in bytes.</summary>
/// <param name="WorkingSet">The working set now.</param>
/// <param name="LargestWorkingSet">The largest working set since the last reading.</param>
/// <param name="ManagedHeap">The managed heap now, garbage included.</param>
internal sealed record MemoryReading(long WorkingSet, long LargestWorkingSet, long ManagedHeap);

/// <summary>Watches the working set of its own process while data passes through.</summary>
internal sealed class MemoryWatch
{
    private const long Interval = 8 * 1024 * 1024;

    private long _largest;
    private long _next;

    /// <summary>Takes a look every few megabytes.</summary>
    public void Watch(long passed)
    {
        if (passed >= _next)
        {
            _next = passed + Interval;
            _largest = Math.Max(_largest, Environment.WorkingSet);
        }
    }

    public MemoryReading Read()
    {
        Watch(long.MaxValue - Interval);
        var reading = new MemoryReading(Environment.WorkingSet, _largest, GC.GetTotalMemory(forceFullCollection: false));
        (_largest, _next) = (0, 0);
        return reading;
    }
}
