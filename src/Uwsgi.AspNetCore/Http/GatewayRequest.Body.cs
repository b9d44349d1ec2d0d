using System.IO.Pipelines;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace Uwsgi.AspNetCore.Http;

internal partial class GatewayRequest :
    IRequestBodyPipeFeature, IHttpRequestBodyDetectionFeature, IHttpMaxRequestBodySizeFeature, IHttpMinRequestBodyDataRateFeature,
    IHttpBodyControlFeature
{
    private RequestBodyReader? _bodyReader;
    private RequestBodyStream? _bodyStream;
    private Stream? _replacedBody;
    private PipeReader? _replacedReader;
    private long? _contentLength;
    private long? _maxRequestBodySize;
    private Overridable<MinDataRate?> _minRequestRate;
    private bool _allowSynchronousIO;

    Stream IHttpRequestFeature.Body
    {
        get => _replacedBody ?? BodyStream;
        set => _replacedBody = ReferenceEquals(value, _bodyStream) ? null : value;
    }

    PipeReader IRequestBodyPipeFeature.Reader => _replacedBody is null ? BodyReader : GetReplacedReader(_replacedBody);

    bool IHttpRequestBodyDetectionFeature.CanHaveBody => !_isUpgradable && _contentLength is null or > 0;

    bool IHttpMaxRequestBodySizeFeature.IsReadOnly => HasBodyReadStarted || IsUpgraded;

    long? IHttpMaxRequestBodySizeFeature.MaxRequestBodySize
    {
        get => _maxRequestBodySize;
        set
        {
            if (HasBodyReadStarted || IsUpgraded)
            {
                throw new InvalidOperationException(IsUpgraded
                    ? "The maximum request body size cannot be modified after the request has been upgraded."
                    : "The maximum request body size cannot be modified after the app has already started reading from the request body.");
            }

            if (value is < 0)
            {
                throw new ArgumentOutOfRangeException(nameof(value), value, "Value must be null or a non-negative number.");
            }

            _maxRequestBodySize = value;
        }
    }

    MinDataRate? IHttpMinRequestBodyDataRateFeature.MinDataRate
    {
        get => _minRequestRate.IsSet ? _minRequestRate.Value : Settings.MinRequestBodyDataRate;
        set => _minRequestRate.Set(value);
    }

    bool IHttpBodyControlFeature.AllowSynchronousIO { get => _allowSynchronousIO; set => _allowSynchronousIO = value; }

    private bool HasBodyReadStarted => _bodyReader?.HasStarted == true;

    private RequestBodyReader BodyReader
    {
        get
        {
            if (_bodyReader is null)
            {
                _bodyReader = new RequestBodyReader();
                _bodyReader.Open(this, Exchange, _contentLength);
            }

            return _bodyReader;
        }
    }

    private RequestBodyStream BodyStream => _bodyStream ??= new RequestBodyStream(this, BodyReader);

    /// <summary>
    /// Reads and discards what the application left of the body, within limits: closing a connection with unread input makes the
    /// kernel reset it, and the response may be lost on its way.
    /// </summary>
    /// <returns>Whether the body was read to its end.</returns>
    public ValueTask<bool> DrainAsync()
    {
        if (IsUpgraded || (_bodyReader is null && _contentLength == 0))
        {
            return new ValueTask<bool>(true);
        }

        return BodyReader.DrainAsync(Settings.MaxDrainBytes, Settings.DrainTimeout);
    }

    /// <summary>Stops the application's reading and writing, before the response is finished.</summary>
    public void CloseFacades()
    {
        _bodyReader?.Close();
        _bodyStream?.Close();
    }

    private void BeginBody()
    {
        _maxRequestBodySize = Settings.MaxRequestBodySize;
        _allowSynchronousIO = Settings.AllowSynchronousIO;
        _bodyReader?.Open(this, Exchange, _contentLength);
        _bodyStream?.Open(this);
        _responseStream?.Open(this);
        _responseWriter?.Open(this);
    }

    private PipeReader GetReplacedReader(Stream body)
    {
        if (_replacedReader is not BoundReader bound || !ReferenceEquals(bound.Body, body))
        {
            var reader = new BoundReader(body);
            _replacedReader = reader;
            ((IHttpResponseFeature)this).OnCompleted(static state => ((BoundReader)state).CompleteAsync().AsTask(), reader);
        }

        return _replacedReader;
    }

    private void ResetBody()
    {
        CloseFacades();
        _bodyReader?.Detach();
        _replacedBody = null;
        _replacedReader = null;
        _contentLength = null;
        _maxRequestBodySize = null;
        _minRequestRate = default;
        _allowSynchronousIO = false;
    }

    // The pipe over a body that a middleware put in place of ours.
    private sealed class BoundReader(Stream body) : PipeReader
    {
        private readonly PipeReader _reader = Create(body, new StreamPipeReaderOptions(leaveOpen: true));

        public Stream Body { get; } = body;

        public override void AdvanceTo(SequencePosition consumed) => _reader.AdvanceTo(consumed);

        public override void AdvanceTo(SequencePosition consumed, SequencePosition examined) => _reader.AdvanceTo(consumed, examined);

        public override void CancelPendingRead() => _reader.CancelPendingRead();

        public override void Complete(Exception? exception = null) => _reader.Complete(exception);

        public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default) => _reader.ReadAsync(cancellationToken);

        public override bool TryRead(out ReadResult result) => _reader.TryRead(out result);
    }
}
