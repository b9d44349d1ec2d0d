using System.Collections.Concurrent;

namespace Uwsgi.AspNetCore.RealApps.Catalogue;

/// <summary>Titles that are still on their way: whoever asks waits until somebody unloads the van.</summary>
public sealed class Arrivals
{
    private readonly ConcurrentDictionary<string, TaskCompletionSource<IReadOnlyList<string>>> _vans = new();

    public Task<IReadOnlyList<string>> WaitForAsync(string van) => Van(van).Task;

    public void Unload(string van, IReadOnlyList<string> titles) => Van(van).TrySetResult(titles);

    private TaskCompletionSource<IReadOnlyList<string>> Van(string van) =>
        _vans.GetOrAdd(van, _ => new(TaskCreationOptions.RunContinuationsAsynchronously));
}
