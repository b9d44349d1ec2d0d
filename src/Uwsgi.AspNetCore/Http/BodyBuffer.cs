using System.Buffers;

namespace Uwsgi.AspNetCore.Http;

/// <summary>Response bytes that cannot go to the transport yet: the head is not fixed, or an earlier flush is still pending.</summary>
internal sealed class BodyBuffer : IBufferWriter<byte>
{
    private const int MinimumSegment = 4096;

    // Half of what a FastCGI record holds, which is a byte less than a pooled array of twice the size.
    private const int LargestSegment = 32 * 1024;

    private List<(byte[] Array, int Count)>? _full;
    private byte[]? _current;
    private int _currentCount;
    private int _firstFull;
    private int _firstStart;

    public long Length { get; private set; }

    private int FullCount => _full?.Count ?? 0;

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        if (_current is null || _current.Length - _currentCount < Math.Max(sizeHint, 1))
        {
            if (_current is not null)
            {
                (_full ??= []).Add((_current, _currentCount));
            }

            // They grow with what waits, so that a large response becomes few records and a small one takes little memory.
            _current = ArrayPool<byte>.Shared.Rent(Math.Max(sizeHint, (int)Math.Clamp(Length, MinimumSegment, LargestSegment)));
            _currentCount = 0;
        }

        return _current.AsMemory(_currentCount);
    }

    public Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    public void Advance(int count)
    {
        _currentCount += count;
        Length += count;
    }

    public void Write(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            // What is left of the current segment first, then one that fits.
            var isFull = _current is null || _currentCount == _current.Length;
            var target = GetMemory(isFull ? Math.Min(bytes.Length, LargestSegment) : 1).Span;
            var count = Math.Min(target.Length, bytes.Length);
            bytes[..count].CopyTo(target);
            Advance(count);
            bytes = bytes[count..];
        }
    }

    /// <summary>Moves everything to where it can be sent from.</summary>
    public void DrainTo(IBufferWriter<byte> target)
    {
        while (Length > 0)
        {
            MoveFirst(target, int.MaxValue, 0, static (writer, _, bytes) => writer.Write(bytes));
        }

        Clear();
    }

    /// <summary>Moves what lies in the first segment, as far as it goes and no more than a maximum.</summary>
    public void MoveFirst<TState>(IBufferWriter<byte> target, int maxBytes, TState state, MoveBytes<TState> move)
    {
        if (Length == 0)
        {
            return;
        }

        var (array, end) = _firstFull < FullCount ? _full![_firstFull] : (_current!, _currentCount);
        var count = Math.Min(end - _firstStart, maxBytes);
        move(target, state, array.AsSpan(_firstStart, count));
        Length -= count;
        _firstStart += count;
        if (Length == 0)
        {
            Clear();
        }
        else if (_firstStart == end)
        {
            ArrayPool<byte>.Shared.Return(array);
            _full![_firstFull++] = default;
            _firstStart = 0;
        }
    }

    public void Clear()
    {
        for (; _firstFull < FullCount; _firstFull++)
        {
            ArrayPool<byte>.Shared.Return(_full![_firstFull].Array);
        }

        _full?.Clear();
        _firstFull = 0;
        _firstStart = 0;
        if (_current is not null)
        {
            ArrayPool<byte>.Shared.Return(_current);
            _current = null;
        }

        _currentCount = 0;
        Length = 0;
    }
}

/// <summary>Moves bytes of a buffer to where they are sent from.</summary>
internal delegate void MoveBytes<in TState>(IBufferWriter<byte> target, TState state, ReadOnlySpan<byte> bytes);
