namespace Uwsgi.AspNetCore;

/// <summary>What the web server sent with a request, for applications that want more than ASP.NET Core's own features show.</summary>
/// <remarks>
/// Get it with <c>HttpContext.Features.Get&lt;IGatewayFeature&gt;()</c>; it is <see langword="null"/> for requests that came over HTTP.
/// A single variable is easier to read with <c>HttpContext.GetServerVariable("NAME")</c>.
/// </remarks>
public interface IGatewayFeature
{
    /// <summary>Gets the protocol the request came over.</summary>
    GatewayProtocol Protocol { get; }

    /// <summary>Gets the first modifier of the uwsgi packet, 0 to 255; 0 on the other protocols.</summary>
    int Modifier1 { get; }

    /// <summary>Gets the second modifier of the uwsgi packet, 0 to 255; 0 on the other protocols.</summary>
    int Modifier2 { get; }

    /// <summary>Gets every variable as it arrived: in wire order, duplicates kept, decoded as UTF-8 or else Latin-1.</summary>
    /// <remarks>Read it during the request only. Names that begin with <c>HTTP_</c> are the client's headers and not to be trusted.</remarks>
    IEnumerable<KeyValuePair<string, string>> Variables { get; }
}
