using System.IO.Pipelines;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.WebUtilities;
using Uwsgi.AspNetCore.Diagnostics;

namespace Uwsgi.AspNetCore.Workers;

/// <summary>Counts what a request on an HTTP endpoint moves; Kestrel does not tell, so its response body goes through here.</summary>
/// <remarks>
/// The head is counted as the text of HTTP/1.1, on later versions, too. Failed reads and writes are not known: Kestrel lets them look
/// like any others.
/// </remarks>
internal sealed class HttpCounters : PipeWriter, IHttpResponseBodyFeature, IRequestCounters
{
    private IHttpResponseBodyFeature? _inner;
    private IHttpRequestFeature? _request;
    private IHttpResponseFeature? _response;
    private PipeWriter? _writer;
    private CountingStream? _stream;
    private long _bodyBytes;

    public long BytesReceived => _request?.Headers.ContentLength ?? 0;

    public int HeadBytesSent => _response is { HasStarted: true } response ? MeasureHead(response) : 0;

    public int HeadFieldsSent => _response is { HasStarted: true } response ? response.Headers.Sum(static header => header.Value.Count) : 0;

    public long BodyBytesSent => Volatile.Read(ref _bodyBytes);

    public bool HasReadFailed => false;

    public bool HasWriteFailed => false;

    Stream IHttpResponseBodyFeature.Stream => _stream ??= new CountingStream(this, Inner.Stream);

    PipeWriter IHttpResponseBodyFeature.Writer => this;

    public override bool CanGetUnflushedBytes => Writer.CanGetUnflushedBytes;

    public override long UnflushedBytes => Writer.UnflushedBytes;

    private IHttpResponseBodyFeature Inner => _inner ?? throw new ObjectDisposedException(nameof(HttpContext), "The request is over.");

    private PipeWriter Writer => _writer ??= Inner.Writer;

    public static HttpCounters Attach(IFeatureCollection features)
    {
        var counters = new HttpCounters
        {
            _inner = features.GetRequiredFeature<IHttpResponseBodyFeature>(),
            _request = features.GetRequiredFeature<IHttpRequestFeature>(),
            _response = features.GetRequiredFeature<IHttpResponseFeature>(),
        };
        features.Set<IHttpResponseBodyFeature>(counters);
        return counters;
    }

    /// <summary>Ends the request. What the application has kept of it leads nowhere, least of all to another client's response.</summary>
    public void Detach()
    {
        _inner = null;
        _request = null;
        _response = null;
        _writer = null;
        _stream = null;
    }

    public void DisableBuffering() => Inner.DisableBuffering();

    public Task StartAsync(CancellationToken cancellationToken = default) => Inner.StartAsync(cancellationToken);

    public Task CompleteAsync() => Inner.CompleteAsync();

    public Task SendFileAsync(string path, long offset, long? count, CancellationToken cancellationToken = default) =>
        SendFileFallback.SendFileAsync(((IHttpResponseBodyFeature)this).Stream, path, offset, count, cancellationToken);

    public override Memory<byte> GetMemory(int sizeHint = 0) => Writer.GetMemory(sizeHint);

    public override Span<byte> GetSpan(int sizeHint = 0) => Writer.GetSpan(sizeHint);

    public override void Advance(int bytes)
    {
        Writer.Advance(bytes);
        Count(bytes);
    }

    public override ValueTask<FlushResult> WriteAsync(ReadOnlyMemory<byte> source, CancellationToken cancellationToken = default)
    {
        Count(source.Length);
        return Writer.WriteAsync(source, cancellationToken);
    }

    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default) => Writer.FlushAsync(cancellationToken);

    public override void CancelPendingFlush() => Writer.CancelPendingFlush();

    public override void Complete(Exception? exception = null) => Writer.Complete(exception);

    public override ValueTask CompleteAsync(Exception? exception = null) => Writer.CompleteAsync(exception);

    private static int MeasureHead(IHttpResponseFeature response)
    {
        const int StatusLine = 15; // HTTP/1.1, the code, two blanks and the line's end
        var reason = response.ReasonPhrase ?? ReasonPhrases.GetReasonPhrase(response.StatusCode);
        var bytes = StatusLine + reason.Length + 2;
        foreach (var (name, values) in response.Headers)
        {
            foreach (var value in values)
            {
                bytes += name.Length + Encoding.UTF8.GetByteCount(value ?? string.Empty) + 4;
            }
        }

        return bytes;
    }

    private void Count(long bytes) => Volatile.Write(ref _bodyBytes, _bodyBytes + bytes);

    private sealed class CountingStream(HttpCounters counters, Stream inner) : Stream
    {
        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override void Flush() => inner.Flush();

        public override Task FlushAsync(CancellationToken cancellationToken) => inner.FlushAsync(cancellationToken);

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count)
        {
            inner.Write(buffer, offset, count);
            counters.Count(count);
        }

        public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            counters.Count(buffer.Length);
            return inner.WriteAsync(buffer, cancellationToken);
        }
    }
}
