using System.Buffers;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Primitives;

namespace Uwsgi.AspNetCore.Http;

/// <summary>Writes a response head: an HTTP status line and fields, or fields with the CGI <c>Status</c> field among them.</summary>
/// <remarks>
/// The CGI form ends with <c>Status</c> because HAProxy before 3.2 lets a later Location override it. An authorizer's starts with it:
/// until it comes lighttpd takes the status for 200, and keeps nothing but <c>Variable-</c> fields. Framing headers that belong to
/// the connection never get here: no gateway protocol has chunked framing, and web servers manage their own connections.
/// </remarks>
internal static class ResponseHeadWriter
{
    /// <returns>How many bytes and how many fields were written.</returns>
    public static (int Bytes, int Fields) Write(
        IBufferWriter<byte> output, bool hasStatusLine, int statusCode, string? reasonPhrase, ResponseHeaders headers, bool isAuthorizer = false)
    {
        var reason = reasonPhrase ?? ReasonPhrases.GetReasonPhrase(statusCode);
        var target = new HeadTarget(output);
        var fields = 0;
        if (hasStatusLine || isAuthorizer)
        {
            target.Write(hasStatusLine ? "HTTP/1.1 "u8 : "Status: "u8);
            WriteStatus(ref target, statusCode, reason);
        }

        for (var i = 0; i < headers.Count; i++)
        {
            var name = headers.GetName(i);
            if (!BelongsToTheWire(name, statusCode))
            {
                fields += WriteField(ref target, name, headers.GetValue(i), headers.GetEncoding(name));
            }
        }

        if (!hasStatusLine && !isAuthorizer)
        {
            target.Write("Status: "u8);
            WriteStatus(ref target, statusCode, reason);
        }

        target.Write("\r\n"u8);
        return (target.Commit(), fields);
    }

    /// <summary>Writes a whole response without a body, for requests that never reach the application.</summary>
    public static void WriteEmpty(IBufferWriter<byte> output, bool hasStatusLine, int statusCode)
    {
        var reason = ReasonPhrases.GetReasonPhrase(statusCode);
        var target = new HeadTarget(output);
        if (hasStatusLine)
        {
            target.Write("HTTP/1.1 "u8);
            WriteStatus(ref target, statusCode, reason);
        }

        target.Write("Content-Length: 0\r\n"u8);
        if (!hasStatusLine)
        {
            target.Write("Status: "u8);
            WriteStatus(ref target, statusCode, reason);
        }

        target.Write("\r\n"u8);
        target.Commit();
    }

    private static int WriteField(ref HeadTarget target, string name, StringValues values, Encoding? encoding)
    {
        var fields = 0;
        for (var i = 0; i < values.Count; i++)
        {
            if (values[i] is { } value)
            {
                target.Reserve(name.Length + (encoding?.GetMaxByteCount(value.Length) ?? value.Length) + 4);
                target.WriteAscii(name);
                target.Write(": "u8);
                if (encoding is null)
                {
                    target.WriteAscii(value);
                }
                else
                {
                    target.Write(value, encoding);
                }

                target.Write("\r\n"u8);
                fields++;
            }
        }

        return fields;
    }

    // The web server decides about these; a Status header would be obeyed by nginx and passed on to the client as well.
    private static bool BelongsToTheWire(string name, int statusCode) => name.Length switch
    {
        6 => name.Equals("Status", StringComparison.OrdinalIgnoreCase),
        7 => name.Equals("Trailer", StringComparison.OrdinalIgnoreCase)
            || (name.Equals("Upgrade", StringComparison.OrdinalIgnoreCase) && statusCode != StatusCodes.Status101SwitchingProtocols),
        10 => (name.Equals("Connection", StringComparison.OrdinalIgnoreCase) && statusCode != StatusCodes.Status101SwitchingProtocols)
            || name.Equals("Keep-Alive", StringComparison.OrdinalIgnoreCase),
        16 => name.Equals("Proxy-Connection", StringComparison.OrdinalIgnoreCase),
        17 => name.Equals("Transfer-Encoding", StringComparison.OrdinalIgnoreCase),
        _ => false,
    };

    private static void WriteStatus(ref HeadTarget target, int statusCode, string reason)
    {
        target.Reserve(16 + reason.Length);
        target.Write(statusCode);
        target.Write(" "u8);
        target.WriteAscii(reason);
        target.Write("\r\n"u8);
    }
}
