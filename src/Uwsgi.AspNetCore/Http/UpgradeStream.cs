using System.Buffers;
using System.IO.Pipelines;

namespace Uwsgi.AspNetCore.Http;

/// <summary>The bytes in both directions behind a 101 answer.</summary>
/// <remarks>An application may keep it. The input may be another connection's by then, so it is not touched any more once this is closed.</remarks>
internal sealed class UpgradeStream(PipeReader input, GatewayRequest request) : Stream
{
    private readonly Lock _lock = new();
    private bool _isClosed;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override void Flush()
    {
    }

    // Every write flushes.
    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override int Read(byte[] buffer, int offset, int count) =>
        ReadAsync(buffer.AsMemory(offset, count)).AsTask().GetAwaiter().GetResult();

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (true)
        {
            var result = await StartRead(cancellationToken);
            if (TryTake(result, buffer.Span, out var count))
            {
                return count;
            }
        }
    }

    public override void Write(byte[] buffer, int offset, int count) =>
        WriteAsync(buffer.AsMemory(offset, count)).AsTask().GetAwaiter().GetResult();

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
        await request.WriteUpgradedAsync(buffer, cancellationToken);

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    /// <summary>Ends the reading: the connection is about to end.</summary>
    internal new void Close()
    {
        lock (_lock)
        {
            _isClosed = true;
        }
    }

    private ValueTask<ReadResult> StartRead(CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_isClosed, this);
            return input.ReadAsync(cancellationToken);
        }
    }

    // False means that there is nothing to deliver yet.
    private bool TryTake(in ReadResult result, Span<byte> target, out int count)
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_isClosed, this);
            var taken = result.IsCanceled ? default : result.Buffer.Slice(0, Math.Min(result.Buffer.Length, target.Length));
            count = (int)taken.Length;
            if (count > 0)
            {
                taken.CopyTo(target);
                input.AdvanceTo(taken.End);
                return true;
            }

            var isThere = !result.IsCanceled && !result.Buffer.IsEmpty;
            input.AdvanceTo(result.Buffer.Start, isThere || result.IsCanceled ? result.Buffer.Start : result.Buffer.End);
            return isThere || (!result.IsCanceled && result.IsCompleted);
        }
    }
}
