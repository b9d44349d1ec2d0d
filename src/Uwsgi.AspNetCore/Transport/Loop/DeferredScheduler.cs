using System.IO.Pipelines;

namespace Uwsgi.AspNetCore.Transport.Loop;

/// <summary>Keeps what an operation on a pipe sets free until the thread that did it has let go of its end of the pipe.</summary>
/// <remarks>
/// A continuation is application code: it may take its time, block, or wait for the very end of the pipe that is held. So it runs on the same
/// thread, but behind the release. What another thread sets free, by a cancelled read for instance, goes to the thread pool.
/// </remarks>
internal sealed class DeferredScheduler : PipeScheduler
{
    private int _holder;
    private Continuation _kept;

    /// <summary>From here to <see cref="Release"/> the calling thread's continuation is kept.</summary>
    public void Hold() => Volatile.Write(ref _holder, Environment.CurrentManagedThreadId);

    /// <summary>Ends the holding. What is returned is to be run once the end of the pipe is free.</summary>
    public Continuation Release()
    {
        Volatile.Write(ref _holder, 0);
        var kept = _kept;
        _kept = default;
        return kept;
    }

    public override void Schedule(Action<object?> action, object? state)
    {
        // Only the holder can find its own number here, so the field needs no lock.
        if (Volatile.Read(ref _holder) == Environment.CurrentManagedThreadId && _kept.Action is null)
        {
            _kept = new Continuation(action, state);
        }
        else
        {
            new Continuation(action, state).Queue();
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
