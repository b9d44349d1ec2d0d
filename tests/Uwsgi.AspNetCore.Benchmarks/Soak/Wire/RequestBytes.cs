using System.Globalization;
using System.Text;
using Uwsgi.AspNetCore.Benchmarks.Soak.Serving;
using Uwsgi.AspNetCore.Benchmarks.Soak.Traffic;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.Benchmarks.Soak.Wire;

/// <summary>A request as its protocol sends it.</summary>
internal sealed record RequestBytes(byte[] Head, byte[] Body)
{
    public static RequestBytes Encode(SoakProtocol protocol, SoakRequest request, bool keep, ushort id, Random random) => protocol switch
    {
        SoakProtocol.Uwsgi => new(request.ToPacket().ToHead(), request.Body),
        SoakProtocol.Scgi => new(Netstring(request), request.Body),
        SoakProtocol.FastCgi => new(FastCgiBytes.Head(id, request.ToPacket(), keep), Stdin(request, id, random)),
        _ => Http(request, keep, random),
    };

    private static byte[] Netstring(SoakRequest request)
    {
        var block = new StringBuilder();
        block.Append(CultureInfo.InvariantCulture, $"CONTENT_LENGTH\0{request.UploadLength}\0SCGI\01\0");
        foreach (var (name, value) in request.ToPacket().Variables.Where(variable => variable.Key != "CONTENT_LENGTH"))
        {
            block.Append(name).Append('\0').Append(value).Append('\0');
        }

        return Encoding.Latin1.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{block.Length}:{block},"));
    }

    private static byte[] Stdin(SoakRequest request, ushort id, Random random)
    {
        var size = random.Next(4) == 0 ? random.Next(1000, 10_000) : 65_535;
        return
        [
            .. FastCgiBytes.Stream(FastCgiBytes.StdinType, id, request.Body, size, padding: (byte)random.Next(8)),
            .. FastCgiBytes.End(FastCgiBytes.StdinType, id),
        ];
    }

    private static RequestBytes Http(SoakRequest request, bool keep, Random random)
    {
        var isChunked = request.UploadLength > 0 && random.Next(2) == 0;
        var head = new StringBuilder($"{request.Method} {request.Target} HTTP/1.1\r\nHost: soak\r\n");
        head.Append($"{SoakEndpoints.NonceHeader}: {request.NonceText}\r\n");
        foreach (var (name, value) in request.Headers)
        {
            head.Append($"{name}: {value}\r\n");
        }

        head.Append(keep ? "" : "Connection: close\r\n");
        if (isChunked)
        {
            head.Append("Transfer-Encoding: chunked\r\n");
        }
        else if (request.Method == "POST")
        {
            head.Append(CultureInfo.InvariantCulture, $"Content-Length: {request.UploadLength}\r\n");
        }

        return new(Encoding.Latin1.GetBytes(head.Append("\r\n").ToString()), isChunked ? Chunk(request.Body, random) : request.Body);
    }

    private static byte[] Chunk(byte[] body, Random random)
    {
        var chunked = new MemoryStream(body.Length + 64);
        for (var sent = 0; sent < body.Length;)
        {
            var count = Math.Min(body.Length - sent, random.Next(1, random.Next(4) == 0 ? 500 : 100_000));
            chunked.Write(Encoding.Latin1.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{count:x}\r\n")));
            chunked.Write(body, sent, count);
            chunked.Write("\r\n"u8);
            sent += count;
        }

        chunked.Write("0\r\n\r\n"u8);
        return chunked.ToArray();
    }
}
