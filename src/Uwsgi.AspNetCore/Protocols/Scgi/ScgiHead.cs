using System.Buffers;

namespace Uwsgi.AspNetCore.Protocols.Scgi;

/// <summary>The SCGI head: finding its end, and decoding its variables.</summary>
/// <remarks>
/// <code>
/// length        decimal digits, no sign, no leading zero
/// ':'
/// length bytes  name NUL value NUL, repeated; CONTENT_LENGTH comes first, SCGI = 1 somewhere
/// ','
/// then          the body, CONTENT_LENGTH bytes
/// </code>
/// </remarks>
internal static class ScgiHead
{
    // Seven digits: just under ten million bytes, more than any limit allows.
    private const int MaxDigits = 7;

    /// <summary>Looks for a complete netstring; false means more is needed.</summary>
    /// <exception cref="GatewayProtocolException">The start is no netstring, or it is too long.</exception>
    public static bool TryFind(in ReadOnlySequence<byte> buffer, int maxBlock, out int blockStart, out int blockLength)
    {
        blockStart = 0;
        blockLength = 0;
        Span<byte> prefix = stackalloc byte[MaxDigits + 1];
        prefix = prefix[..(int)Math.Min(prefix.Length, buffer.Length)];
        buffer.Slice(0, prefix.Length).CopyTo(prefix);
        var digits = 0;
        while (digits < prefix.Length && prefix[digits] is >= (byte)'0' and <= (byte)'9')
        {
            blockLength = (blockLength * 10) + prefix[digits] - '0';
            digits++;
        }

        if (digits == prefix.Length && digits <= MaxDigits)
        {
            return false;
        }

        if (digits == 0 || digits > MaxDigits || prefix[digits] != ':' || (digits > 1 && prefix[0] == '0'))
        {
            throw new GatewayProtocolException(GatewayRejection.MalformedBlock, "The request does not start with a netstring's length.");
        }

        if (blockLength > maxBlock)
        {
            throw new GatewayProtocolException(
                GatewayRejection.BlockTooLarge,
                $"The head announces {blockLength} bytes of variables; the limit is {maxBlock} (option BufferSize).");
        }

        blockStart = digits + 1;
        if (buffer.Length <= blockStart + blockLength)
        {
            return false;
        }

        if (buffer.Slice(blockStart + blockLength, 1).FirstSpan[0] != ',')
        {
            throw new GatewayProtocolException(GatewayRejection.MalformedBlock, "No comma follows the netstring.");
        }

        return true;
    }

    /// <summary>Indexes a whole block.</summary>
    /// <exception cref="GatewayProtocolException">The block is malformed, or a variable that the specification requires is missing.</exception>
    public static void DecodeBlock(GatewayVariables variables)
    {
        var block = variables.Block;
        var hasVersion = false;
        for (var position = 0; position < block.Length;)
        {
            var nameStart = position;
            var nameLength = ReadText(block, ref position);
            var valueStart = position;
            var valueLength = ReadText(block, ref position);
            var name = block.Slice(nameStart, nameLength);
            if (nameLength == 0)
            {
                throw new GatewayProtocolException(GatewayRejection.EmptyName, "A variable of the head has an empty name.");
            }

            if (nameStart == 0 && !name.SequenceEqual("CONTENT_LENGTH"u8))
            {
                throw new GatewayProtocolException(GatewayRejection.MalformedBlock, "The first variable is not CONTENT_LENGTH.");
            }

            hasVersion |= name.SequenceEqual("SCGI"u8) && block.Slice(valueStart, valueLength).SequenceEqual("1"u8);
            variables.Add(nameStart, nameLength, valueStart, valueLength);
        }

        if (!hasVersion)
        {
            throw new GatewayProtocolException(GatewayRejection.MalformedBlock, "The variable SCGI = 1 is missing.");
        }
    }

    // Reads up to a NUL and steps over it.
    private static int ReadText(ReadOnlySpan<byte> block, ref int position)
    {
        var length = block[position..].IndexOf((byte)0);
        if (length < 0)
        {
            throw new GatewayProtocolException(GatewayRejection.MalformedBlock, "The last variable of the head is not terminated.");
        }

        position += length + 1;
        return length;
    }
}
