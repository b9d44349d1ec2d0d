using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Uwsgi.AspNetCore.Http;

internal partial class GatewayRequest : IHttpResponseFeature
{
    private readonly ResponseHeaders _responseHeaders = new();
    private IHeaderDictionary? _replacedResponseHeaders;
    private Stack<KeyValuePair<Func<object, Task>, object>>? _onStarting;
    private Stack<KeyValuePair<Func<object, Task>, object>>? _onCompleted;
    private int _statusCode = StatusCodes.Status200OK;
    private string? _reasonPhrase;
    private Exception? _applicationError;

    int IHttpResponseFeature.StatusCode
    {
        get => _statusCode;
        set
        {
            ThrowIfStarted(nameof(IHttpResponseFeature.StatusCode));
            _statusCode = value;
        }
    }

    string? IHttpResponseFeature.ReasonPhrase
    {
        get => _reasonPhrase;
        set
        {
            ThrowIfStarted(nameof(IHttpResponseFeature.ReasonPhrase));

            // It lands in the status line, or in a Status header that some web servers would split.
            if (value is not null && (HttpSyntax.IndexOfControl(value) >= 0 || !System.Text.Ascii.IsValid(value)))
            {
                throw new InvalidOperationException("The reason phrase holds a control character or is not ASCII.");
            }

            _reasonPhrase = value;
        }
    }

    IHeaderDictionary IHttpResponseFeature.Headers
    {
        get => _replacedResponseHeaders ?? _responseHeaders;
        set => _replacedResponseHeaders = value;
    }

    Stream IHttpResponseFeature.Body { get => ResponseStream; set => ReplaceResponseBody(value); }

    bool IHttpResponseFeature.HasStarted => HasResponseStarted;

    /// <summary>Gets whether the head is fixed.</summary>
    public bool HasResponseStarted { get; private set; }

    /// <summary>Gets what went wrong in the application, for hosting's own diagnostics.</summary>
    public Exception? ApplicationError => _applicationError;

    void IHttpResponseFeature.OnStarting(Func<object, Task> callback, object state)
    {
        ArgumentNullException.ThrowIfNull(callback);
        if (HasResponseStarted)
        {
            throw new InvalidOperationException("OnStarting cannot be set because the response has already started.");
        }

        (_onStarting ??= new()).Push(new(callback, state));
    }

    void IHttpResponseFeature.OnCompleted(Func<object, Task> callback, object state)
    {
        ArgumentNullException.ThrowIfNull(callback);
        (_onCompleted ??= new()).Push(new(callback, state));
    }

    /// <summary>Takes note of a bad body that the application left to the server to answer.</summary>
    public void ReportBadRequest(BadHttpRequestException error)
    {
        AddApplicationError(error);
        Log.BadRequest(_logger, Exchange.Connection.ConnectionId, ((IHttpRequestIdentifierFeature)this).TraceIdentifier, error.Message);
    }

    /// <summary>Takes note that the application gave up a request whose client has gone.</summary>
    public void ReportCancelled(Exception error) =>
        Log.RequestCancelled(_logger, Exchange.Connection.ConnectionId, ((IHttpRequestIdentifierFeature)this).TraceIdentifier, error);

    /// <summary>Takes note of an exception that the application, or a callback of it, has thrown.</summary>
    public void ReportApplicationError(Exception error)
    {
        AddApplicationError(error);
        Log.ApplicationError(_logger, Exchange.Connection.ConnectionId, ((IHttpRequestIdentifierFeature)this).TraceIdentifier, error);
    }

    private void AddApplicationError(Exception error)
    {
        _applicationError = _applicationError switch
        {
            null => error,
            AggregateException several => new AggregateException([.. several.InnerExceptions, error]),
            var first => new AggregateException(first, error),
        };
    }

    /// <summary>Runs the completion callbacks, last registered first; one that fails does not keep the others from running.</summary>
    public ValueTask FireOnCompletedAsync() => _onCompleted is { Count: > 0 } ? FireOnCompletedCoreAsync(_onCompleted) : default;

    private async ValueTask FireOnCompletedCoreAsync(Stack<KeyValuePair<Func<object, Task>, object>> callbacks)
    {
        while (callbacks.TryPop(out var callback))
        {
            try
            {
                await callback.Key(callback.Value);
            }
            catch (Exception error)
            {
                Log.ApplicationError(_logger, Exchange.Connection.ConnectionId, ((IHttpRequestIdentifierFeature)this).TraceIdentifier, error);
            }
        }
    }

    // Returns normally when all callbacks ran; a failing one becomes the application's error and skips the rest.
    private async Task FireOnStartingAsync(Stack<KeyValuePair<Func<object, Task>, object>> callbacks)
    {
        while (callbacks.TryPop(out var callback))
        {
            try
            {
                await callback.Key(callback.Value);
            }
            catch (Exception error)
            {
                callbacks.Clear();
                ReportApplicationError(error);
                return;
            }
        }
    }

    private void BeginResponse() => _responseHeaders.Attach(Settings);

    private void ThrowIfStarted(string property)
    {
        if (HasResponseStarted)
        {
            throw new InvalidOperationException($"{property} cannot be set because the response has already started.");
        }
    }

    // A response that replaces whatever the application had prepared.
    private void SetErrorResponse(int statusCode)
    {
        _replacedResponseHeaders = null;
        _responseHeaders.Reset();
        _responseHeaders.Attach(Settings);
        _responseHeaders.ContentLength = 0;
        _statusCode = statusCode;
        _reasonPhrase = null;
    }

    private void ResetResponse()
    {
        _responseHeaders.Reset();
        _replacedResponseHeaders = null;
        _onStarting?.Clear();
        _onCompleted?.Clear();
        _statusCode = StatusCodes.Status200OK;
        _reasonPhrase = null;
        _applicationError = null;
        HasResponseStarted = false;
    }
}
