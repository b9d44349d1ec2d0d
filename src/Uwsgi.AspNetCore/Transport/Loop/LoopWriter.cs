using System.IO.Pipelines;

namespace Uwsgi.AspNetCore.Transport.Loop;

/// <summary>The writing end of a connection: what is flushed is sent at once, on the thread that flushes.</summary>
internal sealed class LoopWriter(LoopSocket socket, PipeWriter pipe) : PipeWriter, ILastFlushWriter
{
    // One send takes one segment, so behind the first block a long response gets long ones.
    private const int LongSegment = 64 * 1024;
    private const int FirstBlock = 4 * 1024;

    private int _rest;

    public override bool CanGetUnflushedBytes => pipe.CanGetUnflushedBytes;

    public bool PrefersLastFlush => socket.Owner is { Listener.IsUnix: false };

    public override long UnflushedBytes => pipe.UnflushedBytes;

    public override Memory<byte> GetMemory(int sizeHint = 0)
    {
        // Room that is left in a block is used up first, however little it is.
        var memory = pipe.GetMemory(sizeHint == 0 && _rest == 0 && pipe.UnflushedBytes >= FirstBlock ? LongSegment : sizeHint);
        _rest = memory.Length;
        return memory;
    }

    public override Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    public override void Advance(int bytes)
    {
        _rest -= bytes;
        pipe.Advance(bytes);
    }

    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        var flush = pipe.FlushAsync(cancellationToken);
        socket.StartSending();
        return flush;
    }

    public ValueTask<FlushResult> FlushLastAsync(CancellationToken cancellationToken) => socket.FlushLastAsync(cancellationToken);

    public override void CancelPendingFlush() => pipe.CancelPendingFlush();

    public override void Complete(Exception? exception = null)
    {
        pipe.Complete(exception);
        socket.StartSending();
    }
}
