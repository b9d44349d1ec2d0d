using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;
using Microsoft.Win32.SafeHandles;

namespace Uwsgi.AspNetCore.Transport.Loop;

/// <remarks>The sender: empties the output pipe, then a file, as far as the system takes it.</remarks>
internal sealed partial class LoopSocket
{
    /// <summary>Sends what was flushed, as far as the system takes it.</summary>
    public void StartSending()
    {
        _isSendRequested = true;
        if (Interlocked.CompareExchange(ref _sender, Busy, Free) == Free)
        {
            // Whoever flushes may hold locks, and does not wait for what another flush has set free.
            Send().Queue();
        }
    }

    /// <summary>Sends what is left and ends the output; pending like any flush.</summary>
    public ValueTask<FlushResult> FlushLastAsync(CancellationToken cancellationToken)
    {
        var flush = _output.Writer.FlushAsync(cancellationToken);
        _output.Writer.Complete();
        StartSending();
        return flush;
    }

    /// <summary>Sends a part of a file behind what was flushed; see <see cref="IFileTransportFeature"/>.</summary>
    public async ValueTask<long> SendFileAsync(LoopConnection owner, SafeFileHandle file, long offset, long count, CancellationToken cancellationToken)
    {
        var part = new FileToSend(file, offset, count, cancellationToken);
        if (Owner != owner)
        {
            throw new InvalidOperationException("The connection is over.");
        }

        var other = Interlocked.CompareExchange(ref _file, part, null);
        if (other == s_noFile)
        {
            // Nobody sends any more, so nobody else ends it.
            part.End();
        }
        else if (other is not null)
        {
            throw new InvalidOperationException("The connection is sending a file already.");
        }

        using var cancelled = cancellationToken.UnsafeRegister(static socket => ((LoopSocket)socket!).GoOnSending(), this);
        StartSending();
        return await part.Task;
    }

    // Ends with the sender free, waiting for room, or busy for good when nothing can be sent any more.
    private DeferredScheduler.Continuation Send()
    {
        var next = default(DeferredScheduler.Continuation);
        DeferredScheduler.Hold();
        while (true)
        {
            _isSendRequested = false;
            var error = 0;
            var isOver = _isAborted;
            var isHalfClose = false;
            if (!isOver)
            {
                if (_output.Reader.TryRead(out var read))
                {
                    // The end of the output goes with its last bytes. Not when the connection is closed: unread input would take them along.
                    isHalfClose = read.IsCompleted && !_isClosing;
                    (var sent, error) = SendBuffer(read.Buffer, isHalfClose);
                    _output.Reader.AdvanceTo(read.Buffer.GetPosition(sent));
                    isOver = error is not (0 or Libc.EAGAIN) || (error == 0 && read.IsCompleted);
                    if (error == 0 && !isOver)
                    {
                        continue;
                    }
                }
                else if (_file is { } file)
                {
                    Interlocked.And(ref _events, ~Writable);
                    error = file.Continue(_descriptor);
                    isOver = error is not (0 or Libc.EAGAIN);
                    if (error == 0)
                    {
                        _file = null;
                        file.End();
                        continue;
                    }
                }
            }

            if (isOver)
            {
                if (error != 0)
                {
                    NoteLoss(error);
                }

                return EndSending(isHalfClose && error == 0 && !_isAborted, next);
            }

            next = next.Or(DeferredScheduler.Release());
            if (error == Libc.EAGAIN)
            {
                Interlocked.Exchange(ref _sender, Waiting);
                Watch(InputEvents | Libc.EPOLLOUT);
                if ((Volatile.Read(ref _events) & Writable) == 0 && !_isAborted && _file is not { IsCancelled: true })
                {
                    break;
                }
            }
            else
            {
                // Before anybody else can become the sender, who would wait for room in vain.
                StopWatchingForRoom();
                Interlocked.Exchange(ref _sender, Free);
                // A flush that came in between has found the sender busy.
                if (!_isSendRequested)
                {
                    break;
                }
            }

            var expected = error == Libc.EAGAIN ? Waiting : Free;
            if (Interlocked.CompareExchange(ref _sender, Busy, expected) != expected)
            {
                break;
            }

            DeferredScheduler.Hold();
        }

        return next;
    }

    private (long Sent, int Error) SendBuffer(in ReadOnlySequence<byte> buffer, bool isMoreToCome)
    {
        var total = 0L;
        foreach (var segment in buffer)
        {
            var rest = segment.Span;
            while (!rest.IsEmpty)
            {
                Interlocked.And(ref _events, ~Writable);
                var count = Libc.Send(_descriptor, rest, isMoreToCome);
                if (count < 0)
                {
                    var error = Libc.LastError;
                    if (error == Libc.EINTR)
                    {
                        continue;
                    }

                    return (total, error);
                }

                total += count;
                rest = rest[count..];
            }
        }

        return (total, 0);
    }

    // A peer that has gone ends the input as well. Any other would wait for what cannot be sent, as long as nobody closes.
    private void NoteLoss(int error)
    {
        if (Owner is not { } owner)
        {
            return;
        }

        owner.NoteClosed();
        if (error is not (Libc.EPIPE or Libc.ECONNRESET))
        {
            Abort(owner, new ConnectionAbortedException($"The system could not send (errno {error})."));
        }
    }

    // Whoever writes learns it from the next flush. Behind the exchange the socket may be another connection's.
    private DeferredScheduler.Continuation EndSending(bool isHalfClose, DeferredScheduler.Continuation next)
    {
        if (isHalfClose)
        {
            // All was taken. The reader's end is left to the close: a flush that still waits for these bytes would take it for the peer's.
            Libc.ShutdownSending(_descriptor);
        }
        else
        {
            _output.Reader.Complete();
        }

        next = next.Or(DeferredScheduler.Release());
        var file = Interlocked.Exchange(ref _file, s_noFile);
        Interlocked.Exchange(ref _sent, s_over)?.TrySetResult();
        file?.End();
        return next;
    }

    private void GoOnSending()
    {
        if (Interlocked.CompareExchange(ref _sender, Busy, Waiting) == Waiting)
        {
            Send().Queue();
        }
    }

    // Room in the peer's buffer is an event each time it reads, and only of interest while something waits for it.
    private void StopWatchingForRoom()
    {
        if ((_registered & Libc.EPOLLOUT) == 0)
        {
            return;
        }

        lock (_lifetime)
        {
            if (_descriptor >= 0 && !_isAborted && _loop.Control(Libc.EPOLL_CTL_MOD, _descriptor, InputEvents, this))
            {
                _registered = InputEvents;
            }
        }
    }
}
