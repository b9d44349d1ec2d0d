using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Uwsgi.AspNetCore.Harakiri;

/// <summary>Takes a request of an HTTP endpoint from the application.</summary>
/// <remarks>
/// On HTTP/1.x over a plain socket the watchdog itself sends the answer: the application cannot begin a response any more, a client gets the
/// answers of earlier requests before it sends the next, and the connection ends with it. Elsewhere the server has to send it, from a
/// thread at the side and as well as it can. There a stream's objects are used again by the next one, so what is done to them is done
/// under a lock that the request's end takes, too.
/// </remarks>
internal sealed class HttpTakeover : ITakeover
{
    private readonly Lock _lock = new();
    private readonly IHttpRequestLifetimeFeature _lifetime;
    private readonly IConnectionLifetimeFeature? _connection;
    private readonly IHttpRequestFeature _request;
    private readonly IHttpResponseFeature _response;
    private readonly IHttpResponseBodyFeature _body;
    private readonly Socket? _socket;
    private readonly SideThreads _side;
    private int _answeringThread;
    private bool _isOver;

    public HttpTakeover(
        IFeatureCollection features, IHttpRequestLifetimeFeature lifetime, IHttpRequestFeature request, IHttpResponseFeature response, IHttpResponseBodyFeature body, SideThreads side)
    {
        _lifetime = lifetime;
        _request = request;
        _response = response;
        _side = side;
        _body = body;
        if (HttpProtocol.IsHttp11(request.Protocol) || HttpProtocol.IsHttp10(request.Protocol))
        {
            // The connection carries nobody else's requests.
            _connection = features.Get<IConnectionLifetimeFeature>();
            _socket = DirectSocket.Of(features);
        }
    }

    /// <summary>Gets whether the current thread is just sending the watchdog's answer.</summary>
    public bool IsAnswering => Volatile.Read(ref _answeringThread) == Environment.CurrentManagedThreadId;

    public Action? Take(bool isStarted)
    {
        if (isStarted)
        {
            // Behind what was flushed: a reset overtakes what the transport has not sent yet. Who ends meanwhile is cut off by the middleware.
            return AbortUnlessOver;
        }

        if (_connection is null || _socket is null)
        {
            _side.Add(Answer);
            return Abort;
        }

        if (DirectSocket.TrySend(_socket, HarakiriAnswer.ForHttp(HttpMethods.IsHead(_request.Method))))
        {
            return _connection.Abort;
        }

        _connection.Abort();
        return null;
    }

    public void Forfeit()
    {
        lock (_lock)
        {
            _isOver = true;
        }
    }

    private void AbortUnlessOver()
    {
        lock (_lock)
        {
            if (!_isOver)
            {
                Abort();
            }
        }
    }

    private void Abort()
    {
        if (_connection is not null)
        {
            _connection.Abort();
        }
        else
        {
            // The server logs it, and so may wait.
            _side.Add(AbortRequest);
        }
    }

    private void AbortRequest()
    {
        lock (_lock)
        {
            if (!_isOver)
            {
                _lifetime.Abort();
            }
        }
    }

    [SuppressMessage("Design", "CA1031", Justification = "Whatever fails here, the request is cut off instead.")]
    private void Answer()
    {
        lock (_lock)
        {
            if (_isOver)
            {
                return;
            }

            Volatile.Write(ref _answeringThread, Environment.CurrentManagedThreadId);
            try
            {
                var text = HarakiriAnswer.Prepare(_response);
                if (_connection is not null)
                {
                    _response.Headers.Connection = "close";
                }

                if (!HttpMethods.IsHead(_request.Method))
                {
                    _body.Writer.Write(text.Span);
                }

                _ = ObserveAsync(_body.CompleteAsync());
            }
            catch (Exception)
            {
                _lifetime.Abort();
            }
            finally
            {
                Volatile.Write(ref _answeringThread, 0);
            }
        }
    }

    [SuppressMessage("Design", "CA1031", Justification = "Whatever fails here, the request is cut off later.")]
    private static async Task ObserveAsync(Task completion)
    {
        try
        {
            await completion;
        }
        catch (Exception)
        {
            // The application was writing, or the client has gone.
        }
    }
}
