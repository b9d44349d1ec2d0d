using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Uwsgi.AspNetCore;
using Uwsgi.AspNetCore.Hosting;
using Uwsgi.AspNetCore.Transport;

namespace Microsoft.AspNetCore.Hosting;

/// <summary>Gateway protocols on a Kestrel endpoint.</summary>
public static class UwsgiListenOptionsExtensions
{
    /// <summary>Serves the uwsgi protocol on this endpoint, in place of HTTP.</summary>
    /// <param name="listenOptions">The endpoint, of any kind that Kestrel binds; <c>UseHttps()</c> in front of this puts TLS around it.</param>
    /// <returns>The endpoint.</returns>
    /// <remarks>
    /// The host must have called <c>UseUwsgi()</c> as well. For an endpoint from configuration:
    /// <c>kestrel.ConfigurationLoader!.Endpoint("Name", e =&gt; e.ListenOptions.UseUwsgi())</c>.
    /// </remarks>
    /// <exception cref="InvalidOperationException"><c>UseUwsgi()</c> was not called on the host.</exception>
    public static ListenOptions UseUwsgi(this ListenOptions listenOptions) => Use(listenOptions, GatewayProtocol.Uwsgi);

    /// <summary>Serves FastCGI on this endpoint, in place of HTTP.</summary>
    /// <param name="listenOptions">The endpoint, of any kind that Kestrel binds.</param>
    /// <returns>The endpoint.</returns>
    /// <remarks>The host must have called <c>UseUwsgi()</c> as well.</remarks>
    /// <exception cref="InvalidOperationException"><c>UseUwsgi()</c> was not called on the host.</exception>
    public static ListenOptions UseFastCgi(this ListenOptions listenOptions) => Use(listenOptions, GatewayProtocol.FastCgi);

    /// <summary>Serves SCGI on this endpoint, in place of HTTP.</summary>
    /// <param name="listenOptions">The endpoint, of any kind that Kestrel binds.</param>
    /// <returns>The endpoint.</returns>
    /// <remarks>The host must have called <c>UseUwsgi()</c> as well.</remarks>
    /// <exception cref="InvalidOperationException"><c>UseUwsgi()</c> was not called on the host.</exception>
    public static ListenOptions UseScgi(this ListenOptions listenOptions) => Use(listenOptions, GatewayProtocol.Scgi);

    /// <summary>Serves uwsgi, FastCGI, SCGI and HTTP/1.1 on this endpoint; the first bytes of a connection tell what it speaks.</summary>
    /// <param name="listenOptions">The endpoint, of any kind that Kestrel binds; <c>UseHttps()</c> in front of this puts TLS around all of them.</param>
    /// <returns>The endpoint.</returns>
    /// <remarks>
    /// HTTP is Kestrel's own. <see cref="ListenOptions.Protocols"/> becomes HTTP/1.1 only; set it behind this call for HTTP/2.
    /// <see cref="UwsgiOptions.AllowFrom"/> is asked before the first byte is read, so it holds for HTTP as well.
    /// <see cref="UwsgiOptions.AutoSockets"/> says which uwsgi modifiers are not served. The host must have called <c>UseUwsgi()</c> as well.
    /// </remarks>
    /// <exception cref="InvalidOperationException"><c>UseUwsgi()</c> was not called on the host.</exception>
    public static ListenOptions UseGateway(this ListenOptions listenOptions) => Use(listenOptions, null);

    internal static ListenOptions Use(ListenOptions listenOptions, GatewayProtocol? protocol)
    {
        ArgumentNullException.ThrowIfNull(listenOptions);
        var services = listenOptions.ApplicationServices.GetService<GatewayServices>() ?? throw new InvalidOperationException(
            "UseUwsgi() on an endpoint needs the host's part: call builder.WebHost.UseUwsgi() as well.");
        var slot = listenOptions.ApplicationServices.GetRequiredService<GatewayApplicationSlot>();

        // Unless HTTP is one of the protocols, Kestrel's own layer is never reached and must not bind or negotiate anything.
        listenOptions.Protocols = protocol is null ? HttpProtocols.Http1 : HttpProtocols.None;
        listenOptions.ApplicationServices.GetRequiredService<ListeningSockets>().SetProtocol(listenOptions.EndPoint, protocol.ToScheme());
        if (listenOptions.EndPoint is GatewayEndPoint own)
        {
            own.Connections = listenOptions;
        }

        listenOptions.Use(next =>
        {
            // Runs while the server binds. Without an application the requests would have nowhere to go.
            var application = slot.Application ?? throw new InvalidOperationException(
                "The server that UseUwsgi() registered was replaced by a later registration, so gateway requests cannot reach the "
                + "application. Call UseUwsgi() after UseKestrel(); to change Kestrel's options later use ConfigureKestrel().");
            return new GatewayMiddleware(services, application, protocol, next).OnConnectionAsync;
        });
        return listenOptions;
    }
}
