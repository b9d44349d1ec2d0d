using System.IO.Pipelines;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Win32.SafeHandles;

namespace Uwsgi.AspNetCore.Http;

/// <remarks>
/// Files. A long one goes from the page cache to the socket where transport and protocol allow it; anything else is read into the response's own
/// memory and leaves with the head.
/// </remarks>
internal partial class GatewayRequest
{
    // Up to here one copy costs less than a system call of its own.
    private const int MaxCopiedFile = 64 * 1024;

    async Task IHttpResponseBodyFeature.SendFileAsync(string path, long offset, long? count, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        var length = RandomAccess.GetLength(file);
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, length);
        if (count is { } part)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(part, nameof(count));
            ArgumentOutOfRangeException.ThrowIfGreaterThan(part, length - offset, nameof(count));
        }

        var left = count ?? length - offset;
        if (left <= MaxCopiedFile || !Exchange.CanSendFiles || !await TrySendAsync(file, offset, left, cancellationToken))
        {
            await CopyAsync(file, offset, left, cancellationToken);
        }
    }

    private async ValueTask<bool> TrySendAsync(SafeFileHandle file, long offset, long count, CancellationToken cancellationToken)
    {
        await FlushBodyAsync(cancellationToken);
        ValueTask<FlushResult> sending;
        lock (_outputLock)
        {
            ThrowIfWriterCompleted();
            // A write that nobody awaited goes first; a response without a body, or without a peer, needs the rules of writing.
            if (_bodyRule != BodyRule.Allowed || _pendingFlush is not null || _buffer.Length > 0 || Exchange.IsAborted)
            {
                return false;
            }

            TryAccount(count);
            _lease = Lease.None;
            NoteLastByte();
            _unflushedBytes += count;
            sending = Follow(Exchange.SendFileAsync(file, offset, count, cancellationToken), cancellationToken);
        }

        await sending;
        return true;
    }

    private async ValueTask CopyAsync(SafeFileHandle file, long offset, long left, CancellationToken cancellationToken)
    {
        while (left > 0)
        {
            var memory = GetBodyMemory((int)Math.Min(left, MaxCopiedFile));
            var read = RandomAccess.Read(file, memory.Span[..(int)Math.Min(left, memory.Length)], offset);
            if (read == 0)
            {
                // It has become shorter: what is missing of an announced length is noticed at the response's end.
                break;
            }

            AdvanceBody(read);
            offset += read;
            left -= read;
            await FlushBodyAsync(cancellationToken);
        }
    }
}
