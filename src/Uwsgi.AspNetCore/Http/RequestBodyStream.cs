using System.Buffers;
using Microsoft.AspNetCore.Http.Features;

namespace Uwsgi.AspNetCore.Http;

/// <summary>The request body as a stream, over the same reader as the pipe.</summary>
internal sealed class RequestBodyStream(GatewayRequest request, RequestBodyReader reader) : Stream
{
    // None while it is closed.
    private GatewayRequest? _request = request;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override void Flush()
    {
    }

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override int Read(byte[] buffer, int offset, int count)
    {
        var request = _request;
        ObjectDisposedException.ThrowIf(request is null, this);
        if (!((IHttpBodyControlFeature)request).AllowSynchronousIO)
        {
            throw new InvalidOperationException(
                "Synchronous operations are disallowed. Call ReadAsync or set AllowSynchronousIO to true instead.");
        }

        return ReadAsync(buffer.AsMemory(offset, count)).AsTask().GetAwaiter().GetResult();
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_request is null, this);
        while (true)
        {
            var result = await reader.ReadAsync(cancellationToken);
            var available = result.Buffer;
            if (result.IsCanceled)
            {
                reader.AdvanceTo(available.Start);
                throw new OperationCanceledException("The read was canceled.");
            }

            if (buffer.IsEmpty && (!available.IsEmpty || result.IsCompleted))
            {
                reader.AdvanceTo(available.Start);
                return 0;
            }

            if (!available.IsEmpty)
            {
                var taken = available.Slice(0, Math.Min(available.Length, buffer.Length));
                var count = (int)taken.Length;
                taken.CopyTo(buffer.Span);
                reader.AdvanceTo(taken.End);
                return count;
            }

            reader.AdvanceTo(available.End);
            if (result.IsCompleted)
            {
                return 0;
            }
        }
    }

    public override async Task CopyToAsync(Stream destination, int bufferSize, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_request is null, this);
        await reader.CopyToAsync(destination, cancellationToken);
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

#pragma warning disable CA2215 // Disposing the stream, as readers and writers over it do, ends nothing.
    protected override void Dispose(bool disposing)
    {
    }
#pragma warning restore CA2215

    internal new void Close() => _request = null;

    internal void Open(GatewayRequest request) => _request = request;
}
