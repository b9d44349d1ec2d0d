using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Uwsgi.AspNetCore.Harakiri;

/// <summary>The answer to a request whose application takes too long: status 504 and a line of text.</summary>
internal static class HarakiriAnswer
{
    private const string Body = "504 Gateway Timeout: the application took too long.\n";
    private const string Fields = "Content-Type: text/plain\r\nContent-Length: ";
    private const string Reason = "504 Gateway Timeout\r\n";

    private static readonly byte[] Text = Encoding.ASCII.GetBytes(Body);
    private static readonly string Length = Text.Length.ToString(System.Globalization.CultureInfo.InvariantCulture) + "\r\n";
    private static readonly string Http = "HTTP/1.1 " + Reason + Fields + Length;

    /// <summary>Gets the bytes for an HTTP/1.x connection, which ends with them.</summary>
    public static byte[] ForHttp(bool isHead) => Encoding.ASCII.GetBytes(Http + "Connection: close\r\n\r\n" + (isHead ? "" : Body));

    /// <summary>Gets the bytes for a web server: with a status line, or with the CGI field in the place that <c>ResponseHeadWriter</c> says.</summary>
    public static byte[] ForGateway(bool hasStatusLine, bool isAuthorizer, bool isHead)
    {
        var head = hasStatusLine ? Http : isAuthorizer ? "Status: " + Reason + Fields + Length : Fields + Length + "Status: " + Reason;
        return Encoding.ASCII.GetBytes(head + "\r\n" + (isHead ? "" : Body));
    }

    /// <summary>Puts the answer in the place of whatever the application had prepared.</summary>
    /// <returns>The bytes of the body.</returns>
    public static ReadOnlyMemory<byte> Prepare(IHttpResponseFeature response)
    {
        response.StatusCode = StatusCodes.Status504GatewayTimeout;
        response.ReasonPhrase = null;
        response.Headers.Clear();
        response.Headers.ContentType = "text/plain";
        response.Headers.ContentLength = Text.Length;
        return Text;
    }
}
