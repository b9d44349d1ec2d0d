using System.IO.Pipelines;

namespace Uwsgi.AspNetCore.Transport.Loop;

/// <summary>The reading end of a connection: a pipe that is filled when somebody reads.</summary>
internal sealed class LoopReader(LoopSocket socket, PipeReader pipe) : PipeReader
{
    private volatile bool _isPending;

    /// <summary>Gets whether somebody waits for a read, or has not taken its result yet.</summary>
    public bool IsPending => _isPending;

    public override bool TryRead(out ReadResult result) => pipe.TryRead(out result) || (socket.TryReceive() && pipe.TryRead(out result));

    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        if (TryRead(out var result))
        {
            return new ValueTask<ReadResult>(result);
        }

        _isPending = true;
        socket.WaitForInput();
        return pipe.ReadAsync(cancellationToken);
    }

    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        _isPending = false;
        pipe.AdvanceTo(consumed, examined);
    }

    public override void CancelPendingRead() => pipe.CancelPendingRead();

    // The socket completes its pipe itself when it closes; until then it may be receiving.
    public override void Complete(Exception? exception = null)
    {
    }
}
