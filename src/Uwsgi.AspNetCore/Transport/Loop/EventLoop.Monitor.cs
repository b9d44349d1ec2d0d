using System.Diagnostics;

namespace Uwsgi.AspNetCore.Transport.Loop;

/// <remarks>The monitor: how many threads wait, and who is helped when one of them is stuck.</remarks>
internal sealed partial class EventLoop
{
    // The monitor's own: how many threads ought to get on, and what led to it.
    private int _target = 1;
    private int _growth = 1;
    private int _saturatedLooks;
    private int _relaxedLooks;
    private long _saturatedSince;

    private void Monitor()
    {
        while (!_isStopping)
        {
            _activity.WaitOne();
            for (var quiet = 0; quiet < QuietLooks && !_isStopping;)
            {
                Thread.Sleep(LookMilliseconds);
                quiet = Look() ? 0 : quiet + 1;
            }

            _isActive = false;
            Interlocked.MemoryBarrier();
            // A thread that went inside just before, or wants to accept again, has seen the monitor awake.
            if (_retryLooks > 0 || Array.Exists(_threads, static thread => LoopThread.IsInside(thread.Turn)))
            {
                Activate();
            }
        }

        Leave();
    }

    // Whether there is a reason to look again soon.
    private bool Look()
    {
        var waiting = Volatile.Read(ref _waiting);
        var threads = _threads;
        // Whoever is neither parked nor stuck.
        var gettingOn = threads.Length - Volatile.Read(ref _parked);
        var isAnyStuckAccepting = false;
        foreach (var thread in threads)
        {
            var turn = thread.Turn;
            if (turn != thread.SeenTurn)
            {
                thread.SeenTurn = turn;
                thread.SeenTimes = 0;
                thread.IsBlocked = false;
            }
            else if (LoopThread.IsInside(turn))
            {
                isAnyStuckAccepting |= ++thread.SeenTimes == 1 && thread.IsAccepting;
                thread.IsBlocked = thread.IsBlocked || thread.SeenTimes >= ComputingLooks || !thread.IsRunnable();
            }

            gettingOn -= thread.IsBlocked ? 1 : 0;
        }

        var isRetrying = _retryLooks > 0;
        if (isAnyStuckAccepting || (isRetrying && Interlocked.Decrement(ref _retryLooks) == 0))
        {
            Libc.Signal(_wakeUpDescriptor);
        }

        Aim(threads, waiting);
        if (gettingOn >= _target)
        {
            // Those that were added last may be about to get stuck, too, unless somebody has nothing to do.
            _growth = waiting > 0 ? 1 : _growth;
            _limit = _target;
        }
        else
        {
            var wanted = Math.Max(_growth, _target - gettingOn);
            _growth = Math.Min(wanted * 2, MaxThreadsAtOnce);
            _limit = waiting + wanted;
            Want(wanted);
        }

        return waiting == 0 || isRetrying;
    }

    // Uses another processor when threads are never waiting, and not for want of a processor either; gives one up when they mostly wait.
    private void Aim(LoopThread[] threads, int waiting)
    {
        if (waiting > 0)
        {
            _saturatedLooks = 0;
            if (++_relaxedLooks >= RelaxedLooks && _target > 1)
            {
                _relaxedLooks = 0;
                _target--;
            }

            return;
        }

        _relaxedLooks = Math.Max(0, _relaxedLooks - 4);
        if (_target >= Environment.ProcessorCount)
        {
            return;
        }

        var used = 0L;
        foreach (var thread in threads)
        {
            if (!thread.IsBlocked && _saturatedLooks is 0 or SaturatedLooks)
            {
                var now = thread.ReadProcessorTime();
                used += now - thread.SeenProcessorTime;
                thread.SeenProcessorTime = now;
            }
        }

        switch (_saturatedLooks++)
        {
            case 0:
                _saturatedSince = Stopwatch.GetTimestamp();
                break;
            case SaturatedLooks:
                _saturatedLooks = 0;
                if (used >= Stopwatch.GetElapsedTime(_saturatedSince).TotalNanoseconds * _target * BusyShare)
                {
                    _target++;
                }

                break;
        }
    }

    private void Want(int count)
    {
        int parked;
        lock (_lock)
        {
            // Taken out of the parked ones here, so that each permit has a thread that it is for, and nobody is wanted twice.
            parked = Math.Min(count, _parked);
            _parked -= parked;
            if (parked > 0)
            {
                _spare.Release(parked);
            }
        }

        AddThreads(count - parked);
    }
}
