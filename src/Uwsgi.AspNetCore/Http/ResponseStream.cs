using Microsoft.AspNetCore.Http.Features;

namespace Uwsgi.AspNetCore.Http;

/// <summary>The response body as a stream. It belongs to one connection, and serves its requests in turn.</summary>
internal sealed class ResponseStream(GatewayRequest request) : Stream
{
    // None while it is closed.
    private GatewayRequest? _request = request;

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override void Flush()
    {
        ThrowIfSynchronousIODisallowed();
        FlushAsync(CancellationToken.None).GetAwaiter().GetResult();
    }

    public override Task FlushAsync(CancellationToken cancellationToken)
    {
        var flush = GetRequest().FlushBodyAsync(cancellationToken);
        return flush.IsCompletedSuccessfully ? Task.CompletedTask : flush.AsTask();
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count)
    {
        ThrowIfSynchronousIODisallowed();
        WriteAsync(buffer, offset, count, CancellationToken.None).GetAwaiter().GetResult();
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var write = GetRequest().WriteBodyAsync(buffer, cancellationToken);
        return write.IsCompletedSuccessfully ? default : new ValueTask(write.AsTask());
    }

#pragma warning disable CA2215 // Disposing the stream, as readers and writers over it do, ends nothing.
    protected override void Dispose(bool disposing)
    {
    }
#pragma warning restore CA2215

    internal new void Close() => _request = null;

    internal void Open(GatewayRequest request) => _request = request;

    private GatewayRequest GetRequest()
    {
        var request = _request;
        ObjectDisposedException.ThrowIf(request is null, this);
        return request;
    }

    private void ThrowIfSynchronousIODisallowed()
    {
        if (!((IHttpBodyControlFeature)GetRequest()).AllowSynchronousIO)
        {
            throw new InvalidOperationException(
                "Synchronous operations are disallowed. Call WriteAsync or set AllowSynchronousIO to true instead.");
        }
    }
}
