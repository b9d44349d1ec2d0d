namespace Uwsgi.AspNetCore.Testing;

/// <summary>The one time-out every wait of the tests shares: long enough for a loaded machine, short enough to end a hang.</summary>
public static class TestTimeouts
{
    public static TimeSpan Default { get; } = TimeSpan.FromSeconds(30);

    /// <summary>Awaits an event with the shared time-out.</summary>
    public static Task WithTimeoutAsync(this Task task) => task.WaitAsync(Default);

    /// <inheritdoc cref="WithTimeoutAsync(Task)"/>
    public static Task<T> WithTimeoutAsync<T>(this Task<T> task) => task.WaitAsync(Default);

    /// <inheritdoc cref="WithTimeoutAsync(Task)"/>
    public static Task WithTimeoutAsync(this ValueTask task) => task.AsTask().WaitAsync(Default);

    /// <inheritdoc cref="WithTimeoutAsync(Task)"/>
    public static Task<T> WithTimeoutAsync<T>(this ValueTask<T> task) => task.AsTask().WaitAsync(Default);

    /// <summary>Waits for a cancellation token to fire, with the shared time-out.</summary>
    public static async Task WaitForCancellationAsync(this CancellationToken token)
    {
        var fired = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var registration = token.UnsafeRegister(static state => ((TaskCompletionSource)state!).TrySetResult(), fired);
        await fired.Task.WithTimeoutAsync();
    }
}
