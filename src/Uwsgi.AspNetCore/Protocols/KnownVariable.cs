namespace Uwsgi.AspNetCore.Protocols;

/// <summary>The CGI variables the server itself reads; everything else is only looked up on demand.</summary>
internal enum KnownVariable
{
    RequestMethod,
    RequestUri,
    PathInfo,
    ScriptName,
    DocumentUri,
    QueryString,
    ContentLength,
    ContentType,
    ServerProtocol,
    ServerName,
    ServerPort,
    ServerAddr,
    RemoteAddr,
    RemotePort,
    RemoteUser,
    AuthType,
    RequestScheme,
    Https,
    UwsgiScheme,
    UwsgiRouter,
    SslClientCert,
    SslClientVerify,
    Count,
}
