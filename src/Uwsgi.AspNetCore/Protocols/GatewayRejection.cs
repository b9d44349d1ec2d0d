namespace Uwsgi.AspNetCore.Protocols;

/// <summary>Why a connection or a request was refused before the application saw it. The name is the metric's tag.</summary>
internal enum GatewayRejection
{
    /// <summary>The variable block is larger than the configured buffer.</summary>
    BlockTooLarge,

    /// <summary>A length points outside the block, or bytes are left over behind the last pair.</summary>
    MalformedBlock,

    /// <summary>A FastCGI record that breaks the protocol's rules; what follows cannot be trusted.</summary>
    MalformedRecord,

    /// <summary>A FastCGI role that is not served.</summary>
    UnknownRole,

    /// <summary>More FastCGI requests on a connection than the limit.</summary>
    RequestLimit,

    /// <summary>A variable without a name.</summary>
    EmptyName,

    /// <summary>A block that holds no variables at all.</summary>
    NoVariables,

    /// <summary>The peer closed its side in the middle of a head or a body.</summary>
    UnexpectedEnd,

    /// <summary>The head did not arrive in time.</summary>
    HeadTimeout,

    /// <summary>A modifier that this server does not serve.</summary>
    UnsupportedModifier,

    /// <summary>The peer speaks HTTP on a port that expects a gateway protocol.</summary>
    HttpOnGatewayPort,

    /// <summary>The peer starts TLS on a port that expects a gateway protocol in the clear.</summary>
    TlsOnGatewayPort,

    /// <summary>The first bytes on a port for all protocols belong to none of them.</summary>
    UnknownProtocol,

    /// <summary>REQUEST_METHOD is missing or no token.</summary>
    InvalidMethod,

    /// <summary>The path holds NUL, does not start with a slash, or climbs above the root.</summary>
    InvalidPath,

    /// <summary>REQUEST_URI or QUERY_STRING holds bytes no request line can carry.</summary>
    InvalidTarget,

    /// <summary>The host is syntactically wrong, or two different ones were sent.</summary>
    InvalidHost,

    /// <summary>CONTENT_LENGTH is no number, or two lengths disagree.</summary>
    InvalidContentLength,

    /// <summary>A transfer coding was announced without a length, so the body's extent is unknown.</summary>
    LengthRequired,

    /// <summary>A header value holds NUL, CR, LF or bytes outside the expected encoding.</summary>
    InvalidHeaderValue,

    /// <summary>More headers than the limit.</summary>
    TooManyHeaders,

    /// <summary>The peer's address is not allowed to connect.</summary>
    PeerNotAllowed,

    /// <summary>The limit of concurrent connections is reached.</summary>
    ConnectionLimit,
}
