using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Uwsgi.AspNetCore.Diagnostics;

namespace Uwsgi.AspNetCore.Tests.RequestLog;

/// <summary>A request that came over HTTP and its response, with counters that the test sets.</summary>
internal sealed class HttpExchange : HttpRequestFeature, IHttpResponseFeature, IRequestCounters, IHttpConnectionFeature
{
    public HttpExchange()
    {
        (Method, Protocol, Scheme, RawTarget, Path, QueryString) = ("GET", "HTTP/1.1", "http", "/ok?a=b", "/ok", "?a=b");
        Headers = new HeaderDictionary();
        Context = new DefaultHttpContext();
        Context.Features.Set<IHttpRequestFeature>(this);
        Context.Features.Set<IHttpResponseFeature>(this);
        Context.Features.Set<IHttpConnectionFeature>(this);
    }

    public DefaultHttpContext Context { get; }

    public int StatusCode { get; set; } = 200;

    public string? ReasonPhrase { get; set; }

    IHeaderDictionary IHttpResponseFeature.Headers { get; set; } = new HeaderDictionary();

    Stream IHttpResponseFeature.Body { get; set; } = Stream.Null;

    public bool HasStarted { get; set; } = true;

    public long BytesReceived { get; set; }

    public int HeadBytesSent { get; set; } = 72;

    public int HeadFieldsSent { get; set; } = 2;

    public long BodyBytesSent { get; set; } = 439;

    public bool HasReadFailed { get; set; }

    public bool HasWriteFailed { get; set; }

    public string ConnectionId { get; set; } = "1";

    public IPAddress? RemoteIpAddress { get; set; } = IPAddress.Parse("127.0.0.9");

    public IPAddress? LocalIpAddress { get; set; } = IPAddress.Loopback;

    public int RemotePort { get; set; } = 5000;

    public int LocalPort { get; set; } = 80;

    public void OnStarting(Func<object, Task> callback, object state)
    {
    }

    public void OnCompleted(Func<object, Task> callback, object state)
    {
    }
}
