using Microsoft.Extensions.Logging;
using Uwsgi.AspNetCore.Diagnostics;

namespace Uwsgi.AspNetCore.Http;

/// <summary>The log catalogue of requests, category <c>Uwsgi.AspNetCore.Requests</c>.</summary>
internal static partial class Log
{
    [LoggerMessage(EventIds.ApplicationError, LogLevel.Error, "Connection id \"{ConnectionId}\", Request id \"{TraceIdentifier}\": An unhandled exception was thrown by the application.", EventName = nameof(ApplicationError))]
    public static partial void ApplicationError(ILogger logger, string connectionId, string traceIdentifier, Exception error);

    [LoggerMessage(EventIds.ApplicationAborted, LogLevel.Information, "Connection id \"{ConnectionId}\", Request id \"{TraceIdentifier}\": The application aborted the connection.", EventName = nameof(ApplicationAborted))]
    public static partial void ApplicationAborted(ILogger logger, string connectionId, string traceIdentifier);

    [LoggerMessage(EventIds.RequestCancelled, LogLevel.Debug, "Connection id \"{ConnectionId}\", Request id \"{TraceIdentifier}\": The request ended because the client has gone.", EventName = nameof(RequestCancelled))]
    public static partial void RequestCancelled(ILogger logger, string connectionId, string traceIdentifier, Exception error);

    [LoggerMessage(EventIds.BadRequest, LogLevel.Debug, "Connection id \"{ConnectionId}\", Request id \"{TraceIdentifier}\": The request's body is bad: {Reason}", EventName = nameof(BadRequest))]
    public static partial void BadRequest(ILogger logger, string connectionId, string traceIdentifier, string reason);

    [LoggerMessage(EventIds.AbortCallbackFailed, LogLevel.Warning, "A callback registered on RequestAborted has failed.", EventName = nameof(AbortCallbackFailed))]
    public static partial void AbortCallbackFailed(ILogger logger, Exception error);

    [LoggerMessage(EventIds.HeadBodyDiscarded, LogLevel.Debug, "Connection id \"{ConnectionId}\": The body of a HEAD response is not sent ({Bytes} bytes at first).", EventName = nameof(HeadBodyDiscarded))]
    public static partial void HeadBodyDiscarded(ILogger logger, string connectionId, long bytes);

    [LoggerMessage(EventIds.TransferEncodingRemoved, LogLevel.Debug, "Connection id \"{ConnectionId}\": The application's Transfer-Encoding header was removed; gateway protocols carry no transfer codings.", EventName = nameof(TransferEncodingRemoved))]
    public static partial void TransferEncodingRemoved(ILogger logger, string connectionId);

    [LoggerMessage(EventIds.CertificateUnreadable, LogLevel.Warning, "The certificate in SSL_CLIENT_CERT could not be read.", EventName = nameof(CertificateUnreadable))]
    public static partial void CertificateUnreadable(ILogger logger, Exception error);
}
