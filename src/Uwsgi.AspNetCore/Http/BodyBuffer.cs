using System.Buffers;

namespace Uwsgi.AspNetCore.Http;

/// <summary>Response bytes that cannot go to the transport yet: the head is not fixed, or an earlier flush is still pending.</summary>
internal sealed class BodyBuffer
{
    private const int MinimumSegment = 4096;

    private readonly List<(byte[] Array, int Count)> _full = [];
    private byte[]? _current;
    private int _currentCount;

    public long Length { get; private set; }

    public Memory<byte> GetMemory(int sizeHint)
    {
        if (_current is null || _current.Length - _currentCount < Math.Max(sizeHint, 1))
        {
            if (_current is not null)
            {
                _full.Add((_current, _currentCount));
            }

            _current = ArrayPool<byte>.Shared.Rent(Math.Max(sizeHint, MinimumSegment));
            _currentCount = 0;
        }

        return _current.AsMemory(_currentCount);
    }

    public void Advance(int count)
    {
        _currentCount += count;
        Length += count;
    }

    public void Write(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            var target = GetMemory(1).Span;
            var count = Math.Min(target.Length, bytes.Length);
            bytes[..count].CopyTo(target);
            Advance(count);
            bytes = bytes[count..];
        }
    }

    /// <summary>Moves everything to where it can be sent from.</summary>
    public void DrainTo(IBufferWriter<byte> target)
    {
        foreach (var (array, count) in _full)
        {
            target.Write(array.AsSpan(0, count));
        }

        if (_current is not null)
        {
            target.Write(_current.AsSpan(0, _currentCount));
        }

        Clear();
    }

    public void Clear()
    {
        foreach (var (array, _) in _full)
        {
            ArrayPool<byte>.Shared.Return(array);
        }

        _full.Clear();
        if (_current is not null)
        {
            ArrayPool<byte>.Shared.Return(_current);
            _current = null;
        }

        _currentCount = 0;
        Length = 0;
    }
}
