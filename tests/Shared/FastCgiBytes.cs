using System.Buffers.Binary;
using System.Text;

namespace Uwsgi.AspNetCore.Testing;

/// <summary>The records a web server sends, legal and not.</summary>
public static class FastCgiBytes
{
    public const byte BeginType = 1, AbortType = 2, EndType = 3, ParamsType = 4, StdinType = 5, StdoutType = 6, StderrType = 7,
        GetValuesType = 9, GetValuesResultType = 10, UnknownTypeType = 11;

    public const byte Complete = 0, CantMultiplex = 1, Overloaded = 2, UnknownRole = 3;

    /// <summary>One record of any kind.</summary>
    public static byte[] Record(byte type, ushort id, ReadOnlySpan<byte> content = default, byte padding = 0, byte version = 1)
    {
        var bytes = new byte[8 + content.Length + padding];
        bytes[0] = version;
        bytes[1] = type;
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(2), id);
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(4), checked((ushort)content.Length));
        bytes[6] = padding;
        bytes[7] = 0xEE;
        content.CopyTo(bytes.AsSpan(8));
        bytes.AsSpan(8 + content.Length).Fill(0xEE);
        return bytes;
    }

    public static byte[] Begin(ushort id, bool keep = true, ushort role = 1) =>
        Record(BeginType, id, [(byte)(role >> 8), (byte)role, (byte)(keep ? 1 : 0), 0, 0, 0, 0, 0]);

    public static byte[] Abort(ushort id) => Record(AbortType, id);

    /// <summary>A stream's content in records of a size, without its end.</summary>
    public static byte[] Stream(byte type, ushort id, ReadOnlyMemory<byte> content, int size = 65_535, byte padding = 0)
    {
        var bytes = new List<byte>(content.Length + 64);
        for (var at = 0; at < content.Length; at += size)
            bytes.AddRange(Record(type, id, content.Slice(at, Math.Min(size, content.Length - at)).Span, padding));
        return [.. bytes];
    }

    public static byte[] End(byte type, ushort id) => Record(type, id);

    /// <summary>The variables of a packet as name-value pairs.</summary>
    public static byte[] Pairs(UwsgiPacket packet)
    {
        var bytes = new List<byte>();
        foreach (var (name, value) in packet.Variables)
        {
            AddLength(bytes, name.Length);
            AddLength(bytes, value.Length);
            bytes.AddRange(Encoding.Latin1.GetBytes(name));
            bytes.AddRange(Encoding.Latin1.GetBytes(value));
        }

        return [.. bytes];
    }

    /// <summary>BEGIN_REQUEST and the whole of PARAMS.</summary>
    public static byte[] Head(ushort id, UwsgiPacket packet, bool keep = true, ushort role = 1) =>
        [.. Begin(id, keep, role), .. Stream(ParamsType, id, Pairs(packet)), .. End(ParamsType, id)];

    /// <summary>A whole request, its body in one or more STDIN records.</summary>
    public static byte[] Request(ushort id, UwsgiPacket packet, bool keep = true, ushort role = 1, byte padding = 0) =>
        [.. Head(id, packet, keep, role), .. Stream(StdinType, id, packet.Body, padding: padding), .. End(StdinType, id)];

    private static void AddLength(List<byte> bytes, int length)
    {
        if (length < 128)
        {
            bytes.Add((byte)length);
            return;
        }

        Span<byte> four = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(four, (uint)length | 0x8000_0000);
        bytes.AddRange(four);
    }
}
