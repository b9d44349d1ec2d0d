using System.Buffers;
using System.Buffers.Text;
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
        var (bytes, fields) = (0, 0);
        if (hasStatusLine || isAuthorizer)
        {
            bytes += Write(output, hasStatusLine ? "HTTP/1.1 "u8 : "Status: "u8);
            bytes += WriteStatus(output, statusCode, reason);
        }

        for (var i = 0; i < headers.Count; i++)
        {
            var name = headers.GetName(i);
            if (!BelongsToTheWire(name, statusCode))
            {
                bytes += WriteField(output, name, headers.GetValue(i), headers.GetEncoding(name), ref fields);
            }
        }

        if (!hasStatusLine && !isAuthorizer)
        {
            bytes += Write(output, "Status: "u8);
            bytes += WriteStatus(output, statusCode, reason);
        }

        bytes += Write(output, "\r\n"u8);
        return (bytes, fields);
    }

    /// <summary>Writes a whole response without a body, for requests that never reach the application.</summary>
    public static void WriteEmpty(IBufferWriter<byte> output, bool hasStatusLine, int statusCode)
    {
        var reason = ReasonPhrases.GetReasonPhrase(statusCode);
        if (hasStatusLine)
        {
            Write(output, "HTTP/1.1 "u8);
            WriteStatus(output, statusCode, reason);
        }

        Write(output, "Content-Length: 0\r\n"u8);
        if (!hasStatusLine)
        {
            Write(output, "Status: "u8);
            WriteStatus(output, statusCode, reason);
        }

        Write(output, "\r\n"u8);
    }

    private static int WriteField(IBufferWriter<byte> output, string name, StringValues values, Encoding encoding, ref int fields)
    {
        var bytes = 0;
        for (var i = 0; i < values.Count; i++)
        {
            if (values[i] is { } value)
            {
                var size = name.Length + encoding.GetMaxByteCount(value.Length) + 4;
                var span = output.GetSpan(size);
                var written = Encoding.ASCII.GetBytes(name, span);
                ": "u8.CopyTo(span[written..]);
                written += 2;
                written += encoding.GetBytes(value, span[written..]);
                "\r\n"u8.CopyTo(span[written..]);
                output.Advance(written + 2);
                bytes += written + 2;
                fields++;
            }
        }

        return bytes;
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

    private static int WriteStatus(IBufferWriter<byte> output, int statusCode, string reason)
    {
        var span = output.GetSpan(16 + reason.Length);
        Utf8Formatter.TryFormat(statusCode, span, out var written);
        span[written++] = (byte)' ';
        written += Encoding.ASCII.GetBytes(reason, span[written..]);
        "\r\n"u8.CopyTo(span[written..]);
        output.Advance(written + 2);
        return written + 2;
    }

    private static int Write(IBufferWriter<byte> output, ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(output.GetSpan(bytes.Length));
        output.Advance(bytes.Length);
        return bytes.Length;
    }
}
