using System.Diagnostics.CodeAnalysis;

namespace Uwsgi.AspNetCore.Harakiri;

/// <summary>
/// Runs what may block (callbacks of the application, loggers, metric listeners) on short-lived threads of their own: the watchdog must not
/// wait for it, and the thread pool may be what hangs.
/// </summary>
internal sealed class SideThreads
{
    private const int MaxThreads = 32;

    private readonly Lock _lock = new();
    private readonly Queue<Action> _work = [];
    private int _threads;

    /// <summary>Puts work into the queue; it starts with the next <see cref="Start"/>.</summary>
    public void Add(Action work)
    {
        lock (_lock)
        {
            _work.Enqueue(work);
        }
    }

    /// <summary>Starts one more thread if work is waiting: those that exist may be blocked for good.</summary>
    public void Start()
    {
        lock (_lock)
        {
            if (_work.Count == 0 || _threads == MaxThreads)
            {
                return;
            }

            _threads++;
        }

        try
        {
            new Thread(Run) { IsBackground = true, Name = "uwsgi-harakiri-work" }.UnsafeStart();
        }
        catch (OutOfMemoryException)
        {
            // No thread to be had right now; the work waits for the next start.
            lock (_lock)
            {
                _threads--;
            }
        }
    }

    [SuppressMessage("Design", "CA1031", Justification = "There is nobody to pass a failure to; whoever adds work logs its own.")]
    private void Run()
    {
        while (true)
        {
            Action? work;
            lock (_lock)
            {
                if (!_work.TryDequeue(out work))
                {
                    _threads--;
                    return;
                }
            }

            try
            {
                work();
            }
            catch (Exception)
            {
                // A logger that throws, for instance; the rest of the work must still be done.
            }
        }
    }
}
