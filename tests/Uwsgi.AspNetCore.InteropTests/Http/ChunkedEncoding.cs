using System.Text;

namespace Uwsgi.AspNetCore.InteropTests.Http;

/// <summary>The chunked transfer coding of RFC 9112, section 7.1.</summary>
internal static class ChunkedEncoding
{
    public static byte[] Encode(ReadOnlySpan<byte> body, int[] sizes)
    {
        var encoded = new MemoryStream();
        for (var i = 0; !body.IsEmpty; i++)
        {
            var size = Math.Min(sizes[Math.Min(i, sizes.Length - 1)], body.Length);
            encoded.Write(Encoding.ASCII.GetBytes($"{size:x}\r\n"));
            encoded.Write(body[..size]);
            encoded.Write("\r\n"u8);
            body = body[size..];
        }

        encoded.Write("0\r\n\r\n"u8);
        return encoded.ToArray();
    }
}
