namespace Uwsgi.AspNetCore.Workers;

/// <summary>An application as the statistics know it: one per mount, and the host's own pipeline.</summary>
/// <param name="id">Its number, in the order of the mounts.</param>
/// <param name="mountPoint">The mount's key or the dynamic app's name; empty for the host's own pipeline.</param>
internal sealed class AppCounters(int id, string mountPoint)
{
    private long _requests;
    private long _exceptions;

    public int Id { get; } = id;

    public string MountPoint { get; } = mountPoint;

    public long Requests => Volatile.Read(ref _requests);

    public long Exceptions => Volatile.Read(ref _exceptions);

    /// <summary>Counts a request, and returns its number.</summary>
    public long CountRequest() => Interlocked.Increment(ref _requests);

    public void CountException() => Interlocked.Increment(ref _exceptions);
}
