namespace Uwsgi.AspNetCore;

/// <summary>What a web server asks for with a FastCGI request, FastCGI 1.0 section 6.</summary>
public enum FastCgiRole
{
    /// <summary>An ordinary request: the response goes to the client.</summary>
    Responder = 1,

    /// <summary>
    /// A question whether a request is allowed: status 200 lets the web server go on, and its <c>Variable-NAME</c> headers become
    /// variables there; any other response is sent to the client.
    /// </summary>
    Authorizer = 2,
}
