using System.Buffers;
using System.Buffers.Text;
using System.Diagnostics;
using System.Text;

namespace Uwsgi.AspNetCore.Http;

/// <summary>Where a head is written to: asks the buffer for room once for a small head, not for every piece of it.</summary>
internal ref struct HeadTarget(IBufferWriter<byte> output)
{
    private const int UsualSize = 256;

    private Span<byte> _room;
    private int _count;
    private int _total;

    /// <summary>Makes sure of room for so many bytes.</summary>
    public void Reserve(int size)
    {
        if (_room.Length - _count < size)
        {
            Commit();
            _room = output.GetSpan(Math.Max(size, UsualSize));
        }
    }

    public void Write(ReadOnlySpan<byte> bytes)
    {
        Reserve(bytes.Length);
        bytes.CopyTo(_room[_count..]);
        _count += bytes.Length;
    }

    /// <summary>Writes text that has been checked to be ASCII.</summary>
    public void WriteAscii(string text)
    {
        Reserve(text.Length);
        var status = Ascii.FromUtf16(text, _room[_count..], out var written);
        Debug.Assert(status == OperationStatus.Done, "Headers and reason phrases are checked when they are set.");
        _count += written;
    }

    public void Write(string text, Encoding encoding)
    {
        Reserve(encoding.GetMaxByteCount(text.Length));
        _count += encoding.GetBytes(text, _room[_count..]);
    }

    public void Write(int number)
    {
        Reserve(11);
        Utf8Formatter.TryFormat(number, _room[_count..], out var written);
        _count += written;
    }

    /// <summary>Hands over what was written, and says how much that has been in all.</summary>
    public int Commit()
    {
        if (_count > 0)
        {
            output.Advance(_count);
        }

        _total += _count;
        _count = 0;
        _room = default;
        return _total;
    }
}
