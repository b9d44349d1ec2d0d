using System.Buffers;
using System.Buffers.Binary;

namespace Uwsgi.AspNetCore.Protocols.Uwsgi;

/// <summary>The uwsgi packet: finding a whole one, and decoding its variables.</summary>
/// <remarks>
/// <code>
/// offset 0   u8      modifier1   which handler; 0 is a request, 100 a ping
/// offset 1   u16 LE  size        bytes of variables, neither this header nor the body
/// offset 3   u8      modifier2   sub-selector, normally 0
/// offset 4   size bytes          u16 LE name length, name, u16 LE value length, value; repeated to the end
/// then                           the body, CONTENT_LENGTH bytes
/// </code>
/// </remarks>
internal static class UwsgiPacket
{
    public const int HeaderSize = 4;
    public const byte PingModifier = 100;

    /// <summary>The answer to a ping: modifier1 100, no block, modifier2 1 for "alive".</summary>
    public static ReadOnlySpan<byte> Pong => [PingModifier, 0, 0, 1];

    /// <summary>Reads the four header bytes; <see langword="false"/> means more are needed.</summary>
    public static bool TryReadHeader(in ReadOnlySequence<byte> buffer, out UwsgiPacketHeader header)
    {
        if (buffer.Length < HeaderSize)
        {
            header = default;
            return false;
        }

        Span<byte> bytes = stackalloc byte[HeaderSize];
        buffer.Slice(0, HeaderSize).CopyTo(bytes);
        header = new UwsgiPacketHeader(bytes[0], BinaryPrimitives.ReadUInt16LittleEndian(bytes[1..]), bytes[3]);
        return true;
    }

    /// <summary>Indexes a whole block.</summary>
    /// <exception cref="GatewayProtocolException">A length leaves the block, or a name is empty.</exception>
    public static void DecodeBlock(GatewayVariables variables)
    {
        var block = variables.Block;
        var position = 0;
        while (position < block.Length)
        {
            var nameLength = ReadLength(block, ref position);
            if (nameLength == 0)
            {
                throw new GatewayProtocolException(GatewayRejection.EmptyName, "A variable of the uwsgi packet has an empty name.");
            }

            var nameStart = position;
            position += nameLength;
            var valueLength = ReadLength(block, ref position);
            variables.Add(nameStart, nameLength, position, valueLength);
            position += valueLength;
        }
    }

    // Reads a length and makes sure that so many bytes follow it.
    private static int ReadLength(ReadOnlySpan<byte> block, ref int position)
    {
        if (block.Length - position >= sizeof(ushort))
        {
            int length = BinaryPrimitives.ReadUInt16LittleEndian(block[position..]);
            position += sizeof(ushort);
            if (length <= block.Length - position)
            {
                return length;
            }
        }

        throw new GatewayProtocolException(
            GatewayRejection.MalformedBlock,
            $"The uwsgi packet's variables do not end at its announced size of {block.Length} bytes.");
    }
}
