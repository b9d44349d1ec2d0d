namespace Uwsgi.AspNetCore.InteropTests;

/// <summary>The one bound on every wait in these tests; a test that passes never reaches it.</summary>
internal static class TestTimeout
{
    /// <summary>Gets how long a test waits for an event: long enough for two busy cores.</summary>
    public static TimeSpan Duration { get; } = TimeSpan.FromSeconds(60);

    public static CancellationTokenSource Start() => new(Duration);

    public static Task OrTimeout(this Task task) => task.WaitAsync(Duration);

    public static Task<T> OrTimeout<T>(this Task<T> task) => task.WaitAsync(Duration);
}
