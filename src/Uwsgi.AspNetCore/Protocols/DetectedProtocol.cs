namespace Uwsgi.AspNetCore.Protocols;

/// <summary>What the first bytes of a connection say about it.</summary>
internal enum DetectedProtocol
{
    /// <summary>Nothing yet: the bytes fit more than one protocol.</summary>
    NeedMore,

    Uwsgi,

    FastCgi,

    Scgi,

    /// <summary>An HTTP request line, or the preface of HTTP/2, which looks like one.</summary>
    Http,

    /// <summary>A TLS handshake, where the bytes should be in the clear.</summary>
    Tls,

    /// <summary>No protocol that is served starts like this.</summary>
    Unknown,
}
