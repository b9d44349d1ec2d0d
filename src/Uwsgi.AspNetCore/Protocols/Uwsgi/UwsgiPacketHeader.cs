using System.Runtime.InteropServices;

namespace Uwsgi.AspNetCore.Protocols.Uwsgi;

/// <summary>The four bytes in front of every uwsgi packet.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct UwsgiPacketHeader(byte Modifier1, ushort Size, byte Modifier2)
{
    /// <summary>Gets whether the bytes are the start of an HTTP request line, a common mistake of configuration.</summary>
    /// <remarks>"GET " reads as modifier1 71 and size 21573; the same holds for the other methods.</remarks>
    public bool LooksLikeHttp => (Modifier1, Size, Modifier2) switch
    {
        ((byte)'G', 'E' | ('T' << 8), (byte)' ') => true,
        ((byte)'P', 'O' | ('S' << 8), (byte)'T') => true,
        ((byte)'P', 'U' | ('T' << 8), (byte)' ') => true,
        ((byte)'P', 'A' | ('T' << 8), (byte)'C') => true,
        ((byte)'P', 'R' | ('I' << 8), (byte)' ') => true,
        ((byte)'H', 'E' | ('A' << 8), (byte)'D') => true,
        ((byte)'D', 'E' | ('L' << 8), (byte)'E') => true,
        ((byte)'O', 'P' | ('T' << 8), (byte)'I') => true,
        _ => false,
    };

    /// <summary>Gets whether the bytes are the start of a TLS handshake record (22, version 3.x).</summary>
    public bool LooksLikeTls => Modifier1 == 22 && (Size & 0xFF) == 3 && Size >> 8 <= 4;
}
