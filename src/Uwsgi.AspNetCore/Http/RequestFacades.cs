namespace Uwsgi.AspNetCore.Http;

/// <summary>What an application may have kept of a request, for the next request on the same connection.</summary>
/// <remarks>
/// Request objects go from connection to connection. These stay behind, so that whoever uses them too late meets at worst a later request of
/// the same web server connection, and a connection that is kept makes them once.
/// </remarks>
internal sealed class RequestFacades
{
    public ResponseStream? ResponseStream { get; set; }

    public ResponsePipeWriter? ResponseWriter { get; set; }

    public RequestBodyReader? BodyReader { get; set; }

    public RequestBodyStream? BodyStream { get; set; }

    public CancellationTokenSource? AbortSource { get; set; }
}
