namespace Uwsgi.AspNetCore.Harakiri;

/// <summary>Finds out when the thread pool has come to everything that was queued before.</summary>
internal sealed class PoolProbe : IThreadPoolWorkItem
{
    private volatile bool _hasRun;

    private PoolProbe()
    {
    }

    public bool HasRun => _hasRun;

    public static PoolProbe Start()
    {
        var probe = new PoolProbe();
        ThreadPool.UnsafeQueueUserWorkItem(probe, preferLocal: false);
        return probe;
    }

    void IThreadPoolWorkItem.Execute() => _hasRun = true;
}
