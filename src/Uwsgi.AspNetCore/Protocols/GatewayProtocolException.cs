namespace Uwsgi.AspNetCore.Protocols;

/// <summary>The one exception for input a web server should not have sent; it never leaves the connection.</summary>
internal sealed class GatewayProtocolException(GatewayRejection reason, string message) : Exception(message)
{
    public GatewayRejection Reason { get; } = reason;

    /// <summary>The HTTP status that tells the web server, or 0 when nothing useful can be answered.</summary>
    public int StatusCode => Reason switch
    {
        GatewayRejection.BlockTooLarge or GatewayRejection.TooManyHeaders => 431,
        GatewayRejection.LengthRequired => 411,
        GatewayRejection.HeadTimeout => 408,
        GatewayRejection.UnsupportedModifier => 501,
        GatewayRejection.UnexpectedEnd or GatewayRejection.TlsOnGatewayPort or GatewayRejection.UnknownProtocol
            or GatewayRejection.PeerNotAllowed or GatewayRejection.MalformedRecord or GatewayRejection.UnknownRole
            or GatewayRejection.RequestLimit or GatewayRejection.ConnectionLimit => 0,
        _ => 400,
    };
}
