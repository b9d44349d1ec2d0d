using System.Buffers;
using System.Runtime.InteropServices;
using Uwsgi.AspNetCore.Protocols;
using Uwsgi.AspNetCore.Protocols.FastCgi;

namespace Uwsgi.AspNetCore.Hosting;

/// <summary>What has arrived of a record.</summary>
/// <param name="Record">The record's header.</param>
/// <param name="Content">The next part of its content; all of it for BEGIN_REQUEST and GET_VALUES.</param>
/// <param name="IsFirst">Whether this is the record's first part.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct FastCgiRecordPart(FastCgiRecord Record, ReadOnlySequence<byte> Content, bool IsFirst);

/// <summary>Cuts a connection's input into records, and hands out the content of streams while it arrives.</summary>
internal sealed class FastCgiRecordReader
{
    private const int BeginRequestLength = 8;

    private FastCgiRecord _record;
    private int _contentLeft;
    private int _paddingLeft;
    private bool _isFirst;
    private bool _isInRecord;

    /// <summary>Takes the next part off the buffer; false means that more bytes are needed.</summary>
    /// <exception cref="GatewayProtocolException">The framing cannot be trusted any further.</exception>
    public bool TryRead(ref ReadOnlySequence<byte> buffer, out FastCgiRecordPart part) =>
        TryReadWhole(ref buffer, out part) || TryReadPart(ref buffer, out part);

    // A record that has arrived in one piece, as small requests do.
    private bool TryReadWhole(ref ReadOnlySequence<byte> buffer, out FastCgiRecordPart part)
    {
        var bytes = buffer.FirstSpan;
        if (!_isInRecord && _paddingLeft == 0 && bytes.Length >= FastCgiRecord.HeaderSize)
        {
            var record = FastCgiRecord.Read(bytes);
            var length = FastCgiRecord.HeaderSize + record.ContentLength + record.PaddingLength;
            if (length <= bytes.Length)
            {
                Check(record);
                var content = record.ContentLength == 0 ? default : buffer.Slice(FastCgiRecord.HeaderSize, record.ContentLength);
                part = new FastCgiRecordPart(record, content, IsFirst: true);
                buffer = buffer.Slice(length);
                return true;
            }
        }

        part = default;
        return false;
    }

    private bool TryReadPart(ref ReadOnlySequence<byte> buffer, out FastCgiRecordPart part)
    {
        part = default;
        if (!TrySkipPadding(ref buffer) || !TryBegin(ref buffer))
        {
            return false;
        }

        var length = (int)Math.Min(_contentLeft, buffer.Length);
        if (length < _contentLeft && (length == 0 || _record.Type is FastCgiRecordType.BeginRequest or FastCgiRecordType.GetValues))
        {
            return false;
        }

        part = new FastCgiRecordPart(_record, buffer.Slice(0, length), _isFirst);
        buffer = buffer.Slice(length);
        _contentLeft -= length;
        _isFirst = false;
        _isInRecord = _contentLeft > 0;
        return true;
    }

    private bool TrySkipPadding(ref ReadOnlySequence<byte> buffer)
    {
        if (!_isInRecord && _paddingLeft > 0)
        {
            var length = (int)Math.Min(_paddingLeft, buffer.Length);
            buffer = buffer.Slice(length);
            _paddingLeft -= length;
        }

        return _isInRecord || _paddingLeft == 0;
    }

    private bool TryBegin(ref ReadOnlySequence<byte> buffer)
    {
        if (!_isInRecord && FastCgiRecord.TryRead(ref buffer, out _record))
        {
            Check(_record);
            _contentLeft = _record.ContentLength;
            _paddingLeft = _record.PaddingLength;
            _isFirst = true;
            _isInRecord = true;
        }

        return _isInRecord;
    }

    private static void Check(in FastCgiRecord record)
    {
        var isManagementType = record.Type is FastCgiRecordType.GetValues or FastCgiRecordType.GetValuesResult or FastCgiRecordType.UnknownType;
        var isApplicationType = record.Type is >= FastCgiRecordType.BeginRequest and <= FastCgiRecordType.Data;
        if ((record.IsManagement && isApplicationType) || (!record.IsManagement && isManagementType))
        {
            throw new GatewayProtocolException(
                GatewayRejection.MalformedRecord, $"A record of type {record.Type} cannot have the request id {record.RequestId}.");
        }

        if (record.Type == FastCgiRecordType.BeginRequest && record.ContentLength != BeginRequestLength)
        {
            throw new GatewayProtocolException(
                GatewayRejection.MalformedRecord, $"A BEGIN_REQUEST has {record.ContentLength} bytes instead of {BeginRequestLength}.");
        }
    }
}
