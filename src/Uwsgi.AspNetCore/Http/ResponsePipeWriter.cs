using System.IO.Pipelines;

namespace Uwsgi.AspNetCore.Http;

/// <summary>The response body as a pipe writer. It belongs to one connection, and serves its requests in turn.</summary>
internal sealed class ResponsePipeWriter(GatewayRequest request) : PipeWriter
{
    // None while it is closed.
    private GatewayRequest? _request = request;

    public override bool CanGetUnflushedBytes => true;

    public override long UnflushedBytes => Request.UnflushedBytes;

    private GatewayRequest Request
    {
        get
        {
            var request = _request;
            ObjectDisposedException.ThrowIf(request is null, this);
            return request;
        }
    }

    public override void Advance(int bytes) => Request.AdvanceBody(bytes);

    public override Memory<byte> GetMemory(int sizeHint = 0) => Request.GetBodyMemory(sizeHint);

    public override Span<byte> GetSpan(int sizeHint = 0) => Request.GetBodyMemory(sizeHint).Span;

    // Kestrel's response writer cannot cancel a flush either; the connection is what ends it.
    public override void CancelPendingFlush() => ObjectDisposedException.ThrowIf(_request is null, this);

    public override void Complete(Exception? exception = null) => Request.CompleteWriter(exception);

    public override ValueTask CompleteAsync(Exception? exception = null) => new(Request.CompleteWriterAsync(exception));

    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default) => Request.FlushBodyAsync(cancellationToken);

    public override ValueTask<FlushResult> WriteAsync(ReadOnlyMemory<byte> source, CancellationToken cancellationToken = default) =>
        Request.WriteBodyAsync(source, cancellationToken);

    internal void Close() => _request = null;

    internal void Open(GatewayRequest request) => _request = request;
}
