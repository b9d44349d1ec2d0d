using Microsoft.AspNetCore.Connections;

namespace Uwsgi.AspNetCore.Transport.Loop;

/// <remarks>The receiver: fills the input pipe for whoever reads, or waits for more.</remarks>
internal sealed partial class LoopSocket
{
    // A body that fills the first block will go on.
    private const int LongReceive = 64 * 1024;

    /// <summary>Fills the input pipe with what has arrived. Returns whether there is something new to read.</summary>
    public bool TryReceive()
    {
        // A receive that did not fill its buffer took all there was; what comes later is an event, also for a reader that only asks again.
        if (!_isInputOver && !_mayHaveMore && (Volatile.Read(ref _events) & (Readable | HungUp)) == 0)
        {
            Watch(InputEvents);
            return false;
        }

        if (_isInputOver || Interlocked.CompareExchange(ref _receiver, Busy, Free) != Free)
        {
            return false;
        }

        var isNew = Receive(isAwaited: false, out var next);
        next.Queue();
        return isNew;
    }

    /// <summary>From here on a thread of the loop receives as soon as something arrives; the read that waits for it is pending on the pipe.</summary>
    public void WaitForInput()
    {
        while (!_isInputOver)
        {
            switch (Interlocked.CompareExchange(ref _receiver, Waiting, Free))
            {
                case Free:
                    ReceiveWhatIsThere();
                    return;

                // A thread of the loop may have passed on what this reader has read already.
                case Busy when Interlocked.CompareExchange(ref _receiver, BusyAndAwaited, Busy) != Busy:
                    continue;

                default:
                    return;
            }
        }
    }

    // Ends with the receiver free, or waiting again. True when the pipe has something new: bytes, or its end.
    private bool Receive(bool isAwaited, out DeferredScheduler.Continuation next)
    {
        if (_isInputOver)
        {
            // It ended between the caller's look and its turn. Whoever awaits more has the end in the pipe.
            Interlocked.Exchange(ref _receiver, Free);
            next = default;
            return true;
        }

        while (true)
        {
            Interlocked.And(ref _events, ~Readable);
            var memory = _input.Writer.GetMemory(_receiveSize);
            var count = Libc.Receive(_descriptor, memory.Span);
            if (count > 0)
            {
                _mayHaveMore = count == memory.Length;
                _receiveSize = _mayHaveMore ? LongReceive : 0;
                DeferredScheduler.Hold();
                _input.Writer.Advance(count);
#pragma warning disable CA2012 // Without a limit of the pipe it has always completed.
                _ = _input.Writer.FlushAsync();
#pragma warning restore CA2012
                next = EndReceiving();
                return true;
            }

            var error = count == 0 ? 0 : Libc.LastError;
            if (error == Libc.EINTR)
            {
                continue;
            }

            if (error == Libc.EAGAIN && !_isAborted)
            {
                _mayHaveMore = false;
                Interlocked.Exchange(ref _receiver, isAwaited ? Waiting : Free);
                if (!isAwaited || ((Volatile.Read(ref _events) & Readable) == 0 && !_isAborted)
                    || Interlocked.CompareExchange(ref _receiver, Busy, Waiting) != Waiting)
                {
                    next = default;
                    return false;
                }

                continue;
            }

            _isInputOver = true;
            Owner?.NoteClosed();
            DeferredScheduler.Hold();
            _input.Writer.Complete(count == 0 ? null : CreateError(error));
            next = EndReceiving();
            return true;
        }
    }

    private DeferredScheduler.Continuation EndReceiving()
    {
        var next = DeferredScheduler.Release();
        if (Interlocked.CompareExchange(ref _receiver, Free, Busy) != Busy)
        {
            Interlocked.Exchange(ref _receiver, Waiting);
            ReceiveWhatIsThere();
        }

        return next;
    }

    // The receiver is waiting. What came before may have had its event already, also what did not fit into the last buffer.
    private void ReceiveWhatIsThere()
    {
        Watch(InputEvents);
        if ((_mayHaveMore || (Volatile.Read(ref _events) & (Readable | HungUp)) != 0 || _isAborted)
            && Interlocked.CompareExchange(ref _receiver, Busy, Waiting) == Waiting)
        {
            Receive(isAwaited: true, out var next);
            next.Queue();
        }
    }

    private Exception CreateError(int error) =>
        (Exception?)_abortReason ?? new ConnectionResetException($"The connection was reset by its peer (errno {error}).");

    // A read may have been given up while the loop still waits for its bytes, or is just receiving them.
    private void TakeReceiver()
    {
        var spin = default(SpinWait);
        while (Interlocked.CompareExchange(ref _receiver, Busy, Free) != Free && Interlocked.CompareExchange(ref _receiver, Busy, Waiting) != Waiting)
        {
            spin.SpinOnce();
        }
    }
}
