using System.Buffers;
using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;

namespace Uwsgi.AspNetCore.Protocols.FastCgi;

/// <summary>The eight bytes in front of every FastCGI record, FastCGI 1.0 section 3.3.</summary>
/// <remarks>
/// <code>
/// offset 0  u8      version          always 1
/// offset 1  u8      type
/// offset 2  u16 BE  request id       0 for management records
/// offset 4  u16 BE  content length
/// offset 6  u8      padding length   meaningless bytes behind the content
/// offset 7  u8      reserved
/// </code>
/// A stream (PARAMS, STDIN, STDOUT, STDERR) is any number of records, closed by an empty one; record borders carry no meaning.
/// </remarks>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct FastCgiRecord(FastCgiRecordType Type, ushort RequestId, ushort ContentLength, byte PaddingLength)
{
    public const int HeaderSize = 8;
    public const byte Version = 1;
    public const int MaxContentLength = 65_535;

    private const int EndRequestSize = HeaderSize + 8;

    /// <summary>Gets a header of a version that does not exist: whoever reads it knows that the connection is of no use any more.</summary>
    public static ReadOnlySpan<byte> Broken => [0, 0, 0, 0, 0, 0, 0, 0];

    /// <summary>Gets whether the record concerns the connection and not a request.</summary>
    public bool IsManagement => RequestId == 0;

    /// <summary>Reads a header; false means that more bytes are needed.</summary>
    /// <exception cref="GatewayProtocolException">The version is not 1: the framing cannot be trusted any further.</exception>
    public static bool TryRead(ref ReadOnlySequence<byte> buffer, out FastCgiRecord record)
    {
        if (buffer.Length < HeaderSize)
        {
            record = default;
            return false;
        }

        Span<byte> header = stackalloc byte[HeaderSize];
        buffer.Slice(0, HeaderSize).CopyTo(header);
        record = Read(header);
        buffer = buffer.Slice(HeaderSize);
        return true;
    }

    /// <summary>Reads a header that is there.</summary>
    /// <exception cref="GatewayProtocolException">The version is not 1: the framing cannot be trusted any further.</exception>
    public static FastCgiRecord Read(ReadOnlySpan<byte> header)
    {
        if (header[0] != Version)
        {
            ThrowUnknownVersion(header[0]);
        }

        return new FastCgiRecord(
            (FastCgiRecordType)header[1],
            BinaryPrimitives.ReadUInt16BigEndian(header[2..]),
            BinaryPrimitives.ReadUInt16BigEndian(header[4..]),
            header[6]);
    }

    /// <summary>Writes a header; nothing here needs padding.</summary>
    public static void WriteHeader(IBufferWriter<byte> output, FastCgiRecordType type, ushort requestId, int contentLength)
    {
        WriteHeader(output.GetSpan(HeaderSize), type, requestId, contentLength);
        output.Advance(HeaderSize);
    }

    /// <summary>Writes a stream's content as as many records as it takes.</summary>
    public static void WriteStream(IBufferWriter<byte> output, FastCgiRecordType type, ushort requestId, ReadOnlySpan<byte> content)
    {
        while (!content.IsEmpty)
        {
            var part = content[..Math.Min(content.Length, MaxContentLength)];
            var target = output.GetSpan(HeaderSize);
            WriteHeader(target, type, requestId, part.Length);

            // As much of the content as there is room for goes with its header: mostly all of it.
            var count = Math.Min(target.Length - HeaderSize, part.Length);
            part[..count].CopyTo(target[HeaderSize..]);
            output.Advance(HeaderSize + count);
            output.Write(part[count..]);
            content = content[part.Length..];
        }
    }

    public static void WriteEndRequest(IBufferWriter<byte> output, ushort requestId, uint applicationStatus, FastCgiProtocolStatus status)
    {
        WriteEndRequest(output.GetSpan(EndRequestSize), requestId, applicationStatus, status);
        output.Advance(EndRequestSize);
    }

    /// <summary>Writes the end of STDOUT and of the request behind a response that is complete.</summary>
    public static void WriteEndOfResponse(IBufferWriter<byte> output, ushort requestId)
    {
        var target = output.GetSpan(HeaderSize + EndRequestSize);
        WriteHeader(target, FastCgiRecordType.Stdout, requestId, 0);
        WriteEndRequest(target[HeaderSize..], requestId, 0, FastCgiProtocolStatus.RequestComplete);
        output.Advance(HeaderSize + EndRequestSize);
    }

    public static void WriteUnknownType(IBufferWriter<byte> output, FastCgiRecordType type)
    {
        WriteHeader(output, FastCgiRecordType.UnknownType, 0, 8);
        var body = output.GetSpan(8)[..8];
        body.Clear();
        body[0] = (byte)type;
        output.Advance(8);
    }

    private static void WriteHeader(Span<byte> target, FastCgiRecordType type, ushort requestId, int contentLength)
    {
        var header = target[..HeaderSize];
        header[0] = Version;
        header[1] = (byte)type;
        BinaryPrimitives.WriteUInt16BigEndian(header[2..], requestId);
        BinaryPrimitives.WriteUInt16BigEndian(header[4..], (ushort)contentLength);
        header[6] = 0;
        header[7] = 0;
    }

    private static void WriteEndRequest(Span<byte> target, ushort requestId, uint applicationStatus, FastCgiProtocolStatus status)
    {
        WriteHeader(target, FastCgiRecordType.EndRequest, requestId, EndRequestSize - HeaderSize);
        var body = target[HeaderSize..EndRequestSize];
        body.Clear();
        BinaryPrimitives.WriteUInt32BigEndian(body, applicationStatus);
        body[4] = (byte)status;
    }

    [DoesNotReturn]
    private static void ThrowUnknownVersion(byte version) => throw new GatewayProtocolException(
        GatewayRejection.MalformedRecord, $"A record claims version {version} of FastCGI; only 1 exists.");
}

/// <summary>Record types, FastCGI 1.0 section 8.</summary>
internal enum FastCgiRecordType : byte
{
    BeginRequest = 1,
    AbortRequest = 2,
    EndRequest = 3,
    Params = 4,
    Stdin = 5,
    Stdout = 6,
    Stderr = 7,
    Data = 8,
    GetValues = 9,
    GetValuesResult = 10,
    UnknownType = 11,
}

/// <summary>What END_REQUEST says about the request, FastCGI 1.0 section 5.5.</summary>
internal enum FastCgiProtocolStatus : byte
{
    RequestComplete = 0,
    CantMpxConn = 1,
    Overloaded = 2,
    UnknownRole = 3,
}
