using System.IO.Pipelines;

namespace Uwsgi.AspNetCore.Transport.Loop;

/// <summary>Keeps what an operation on a pipe sets free until the thread that did it has let go of its end of the pipe.</summary>
/// <remarks>
/// A continuation is application code: it may take its time, block, or wait for the very end of the pipe that is held. So it runs on the same
/// thread, but behind the release. What a thread sets free without holding, by a cancelled read for instance, goes to the thread pool.
/// </remarks>
internal sealed class DeferredScheduler : PipeScheduler
{
    [ThreadStatic]
    private static bool t_isHolding;

    [ThreadStatic]
    private static Continuation t_kept;

    private DeferredScheduler()
    {
    }

    public static DeferredScheduler Instance { get; } = new();

    /// <summary>From here to <see cref="Release"/> the calling thread's continuation is kept.</summary>
    public static void Hold() => t_isHolding = true;

    /// <summary>Ends the holding. What is returned is to be run once the end of the pipe is free.</summary>
    public static Continuation Release()
    {
        t_isHolding = false;
        var kept = t_kept;
        t_kept = default;
        return kept;
    }

    public override void Schedule(Action<object?> action, object? state)
    {
        var continuation = new Continuation(action, state);
        if (t_isHolding && t_kept.Action is null)
        {
            t_kept = continuation;
        }
        else
        {
            continuation.Queue();
        }
    }

    /// <summary>Something to run; nothing when empty.</summary>
    public readonly record struct Continuation(Action<object?>? Action, object? State)
    {
        public void Run() => Action?.Invoke(State);

        public void Queue()
        {
            if (Action is { } action)
            {
                System.Threading.ThreadPool.UnsafeQueueUserWorkItem(action, State, preferLocal: false);
            }
        }

        /// <summary>Gets this one, or the other where this is empty. A pipe sets only one free at a time.</summary>
        public Continuation Or(Continuation other) => Action is null ? other : this;
    }
}
