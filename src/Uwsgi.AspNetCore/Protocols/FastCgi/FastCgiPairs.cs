using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Uwsgi.AspNetCore.Protocols.FastCgi;

/// <summary>Name-value pairs, FastCGI 1.0 section 3.4.</summary>
/// <remarks>
/// <code>
/// length of name   1 byte below 128, else 4 bytes big-endian with the top bit set
/// length of value  likewise
/// name, value      no terminators; a value may be empty
/// </code>
/// </remarks>
internal static class FastCgiPairs
{
    /// <summary>Indexes the whole content of a PARAMS stream.</summary>
    /// <exception cref="GatewayProtocolException">A length leaves the stream, or a name is empty.</exception>
    public static void DecodeBlock(GatewayVariables variables)
    {
        var block = variables.Block;
        var position = 0;
        while (position < block.Length)
        {
            var nameLength = ReadLength(block, ref position);
            var valueLength = ReadLength(block, ref position);
            if (nameLength > block.Length - position || valueLength > block.Length - position - nameLength)
            {
                ThrowTruncated();
            }

            if (nameLength == 0)
            {
                throw new GatewayProtocolException(GatewayRejection.EmptyName, "A parameter has an empty name.");
            }

            variables.Add(position, nameLength, position + nameLength, valueLength);
            position += nameLength + valueLength;
        }
    }

    /// <summary>Answers GET_VALUES: each known name once with its value, unknown ones left out.</summary>
    /// <exception cref="GatewayProtocolException">The question is malformed.</exception>
    public static void WriteValues(IBufferWriter<byte> output, ReadOnlySpan<byte> question, int maxRequests, bool multiplexes)
    {
        var answer = new ArrayBufferWriter<byte>(64);
        bool hasConnections = false, hasRequests = false, hasMultiplexing = false;
        for (var position = 0; position < question.Length;)
        {
            var nameLength = ReadLength(question, ref position);
            var valueLength = ReadLength(question, ref position);
            if (nameLength > question.Length - position || valueLength > question.Length - position - nameLength)
            {
                ThrowTruncated();
            }

            var name = question.Slice(position, nameLength);
            position += nameLength + valueLength;
            if (name.SequenceEqual("FCGI_MAX_CONNS"u8))
            {
                WritePair(answer, name, maxRequests, ref hasConnections);
            }
            else if (name.SequenceEqual("FCGI_MAX_REQS"u8))
            {
                WritePair(answer, name, maxRequests, ref hasRequests);
            }
            else if (name.SequenceEqual("FCGI_MPXS_CONNS"u8))
            {
                WritePair(answer, name, multiplexes ? 1 : 0, ref hasMultiplexing);
            }
        }

        FastCgiRecord.WriteHeader(output, FastCgiRecordType.GetValuesResult, 0, answer.WrittenCount);
        output.Write(answer.WrittenSpan);
    }

    // Once each, or a question that repeats a name would get an answer larger than a record.
    private static void WritePair(ArrayBufferWriter<byte> answer, ReadOnlySpan<byte> name, int value, ref bool isWritten)
    {
        if (isWritten)
        {
            return;
        }

        isWritten = true;
        var text = Encoding.ASCII.GetBytes(value.ToString(System.Globalization.CultureInfo.InvariantCulture));
        answer.Write([(byte)name.Length, (byte)text.Length]);
        answer.Write(name);
        answer.Write(text);
    }

    private static int ReadLength(ReadOnlySpan<byte> block, ref int position)
    {
        if (position >= block.Length)
        {
            ThrowTruncated();
        }

        if (block[position] < 0x80)
        {
            return block[position++];
        }

        if (block.Length - position < sizeof(uint))
        {
            ThrowTruncated();
        }

        var length = (int)(BinaryPrimitives.ReadUInt32BigEndian(block[position..]) & 0x7FFF_FFFF);
        position += sizeof(uint);
        return length;
    }

    [System.Diagnostics.CodeAnalysis.DoesNotReturn]
    private static void ThrowTruncated() => throw new GatewayProtocolException(
        GatewayRejection.MalformedBlock, "A parameter's length leaves its stream.");
}
