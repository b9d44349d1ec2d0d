using System.Net;
using Microsoft.Extensions.Logging;
using Uwsgi.AspNetCore.Diagnostics;
using Uwsgi.AspNetCore.Protocols;

namespace Uwsgi.AspNetCore.Hosting;

/// <summary>The log catalogue of the server (<c>Uwsgi.AspNetCore</c>) and its connections (<c>Uwsgi.AspNetCore.Connections</c>).</summary>
internal static partial class Log
{
    [LoggerMessage(EventIds.InnerServerIgnoresSockets, LogLevel.Warning, "The server {Server} does not listen on the configured gateway sockets; only Kestrel does.", EventName = nameof(InnerServerIgnoresSockets))]
    public static partial void InnerServerIgnoresSockets(ILogger logger, string? server);

    [LoggerMessage(EventIds.OnlyLoopbackAllowed, LogLevel.Warning, "{Address} can be reached from other machines, but AllowFrom admits loopback only. Name the web server's address in Uwsgi:AllowFrom.", EventName = nameof(OnlyLoopbackAllowed))]
    public static partial void OnlyLoopbackAllowed(ILogger logger, string address);

    [LoggerMessage(EventIds.PeerRefused, LogLevel.Warning, "Refused {RemoteAddress}: it is not in Uwsgi:AllowFrom. Further refusals of it are logged at Debug.", EventName = nameof(PeerRefused))]
    public static partial void PeerRefused(ILogger logger, IPAddress remoteAddress);

    [LoggerMessage(EventIds.PeerRefusedAgain, LogLevel.Debug, "Refused {RemoteAddress} again.", EventName = nameof(PeerRefusedAgain))]
    public static partial void PeerRefusedAgain(ILogger logger, IPAddress remoteAddress);

    [LoggerMessage(EventIds.ConnectionLimitReached, LogLevel.Warning, "Connection id \"{ConnectionId}\" was closed: Uwsgi:Limits:MaxConcurrentConnections is reached.", EventName = nameof(ConnectionLimitReached))]
    public static partial void ConnectionLimitReached(ILogger logger, string connectionId);

    [LoggerMessage(EventIds.RequestRejected, LogLevel.Information, "Connection id \"{ConnectionId}\": refused a request ({Reason}): {Detail}", EventName = nameof(RequestRejected))]
    public static partial void RequestRejected(ILogger logger, string connectionId, GatewayRejection reason, string detail);

    [LoggerMessage(EventIds.WrongProtocol, LogLevel.Warning, "Connection id \"{ConnectionId}\": {Detail}", EventName = nameof(WrongProtocol))]
    public static partial void WrongProtocol(ILogger logger, string connectionId, string detail);

    [LoggerMessage(EventIds.ConnectionReset, LogLevel.Debug, "Connection id \"{ConnectionId}\": the web server closed or reset the connection.", EventName = nameof(ConnectionReset))]
    public static partial void ConnectionReset(ILogger logger, string connectionId, Exception? error);

    [LoggerMessage(EventIds.ConnectionFailed, LogLevel.Critical, "Connection id \"{ConnectionId}\": an invariant of the server broke; the connection is closed. Please report this.", EventName = nameof(ConnectionFailed))]
    public static partial void ConnectionFailed(ILogger logger, string connectionId, Exception error);

    [LoggerMessage(EventIds.BodyNotDrained, LogLevel.Debug, "Connection id \"{ConnectionId}\": closed with an unread request body.", EventName = nameof(BodyNotDrained))]
    public static partial void BodyNotDrained(ILogger logger, string connectionId);

    [LoggerMessage(EventIds.SlowReaderAborted, LogLevel.Warning, "Connection id \"{ConnectionId}\": request {RequestId} was ended: its application left its body unread for {Seconds} s while other requests of the connection waited (option Limits:StalledBodyTimeout).", EventName = nameof(SlowReaderAborted))]
    public static partial void SlowReaderAborted(ILogger logger, string connectionId, ushort requestId, double seconds);

    [LoggerMessage(EventIds.Ping, LogLevel.Debug, "Connection id \"{ConnectionId}\": answered a ping.", EventName = nameof(Ping))]
    public static partial void Ping(ILogger logger, string connectionId);
}
