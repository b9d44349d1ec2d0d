using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;

namespace Uwsgi.AspNetCore.Hosting;

/// <summary>Objects that wait to be used again. The one given back last is taken first, while the processor still has it at hand.</summary>
/// <param name="capacity">How many are kept; the others are left to the garbage collector.</param>
internal sealed class Pool<T>(int capacity)
    where T : class
{
    private readonly ConcurrentQueue<T> _others = new();
    private T? _last;
    private int _count;

    public bool TryTake([NotNullWhen(true)] out T? item)
    {
        item = _last;
        if (item is not null && Interlocked.CompareExchange(ref _last, null, item) == item)
        {
            return true;
        }

        if (_others.TryDequeue(out item))
        {
            Interlocked.Decrement(ref _count);
            return true;
        }

        return false;
    }

    public void Give(T item)
    {
        if (_last is null && Interlocked.CompareExchange(ref _last, item, null) is null)
        {
            return;
        }

        if (Interlocked.Increment(ref _count) < capacity)
        {
            _others.Enqueue(item);
        }
        else
        {
            Interlocked.Decrement(ref _count);
        }
    }
}
