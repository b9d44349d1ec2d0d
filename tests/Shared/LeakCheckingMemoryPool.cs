using System.Buffers;
using System.Globalization;

namespace Uwsgi.AspNetCore.Testing;

/// <summary>
/// A memory pool that fails a test when a block is not returned, is returned twice, or is used after its return.
/// Like the framework's own pool it refuses to rent more than one block size.
/// </summary>
public class LeakCheckingMemoryPool : MemoryPool<byte>
{
    private readonly Lock _lock = new();
    private readonly HashSet<Block> _rented = [];
    private readonly List<string> _misuses = [];
    private readonly int _blockSize;
    private readonly bool _recordStacks;
    private TaskCompletionSource? _allReturned;
    private long _rentals;

    /// <param name="blockSize">The size of every block, one byte or more.</param>
    /// <param name="recordStacks">Whether a leak report shows where the block was rented. Slow.</param>
    public LeakCheckingMemoryPool(int blockSize = 4096, bool recordStacks = false)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(blockSize, 1);
        _blockSize = blockSize;
        _recordStacks = recordStacks;
    }

    public override int MaxBufferSize => _blockSize;

    /// <summary>Gets how many blocks were ever rented.</summary>
    public long Rentals => Interlocked.Read(ref _rentals);

    /// <summary>Gets how many blocks are out at the moment.</summary>
    public int Outstanding
    {
        get
        {
            lock (_lock)
            {
                return _rented.Count;
            }
        }
    }

    public override IMemoryOwner<byte> Rent(int minBufferSize = -1)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(minBufferSize, _blockSize);

        var block = new Block(this, _blockSize, _recordStacks ? Environment.StackTrace : null);
        Interlocked.Increment(ref _rentals);
        lock (_lock)
        {
            _rented.Add(block);
        }

        return block;
    }

    /// <summary>Waits, with the shared time-out, until every block is back, then checks that none was misused.</summary>
    public async Task AssertAllReturnedAsync()
    {
        var returned = Task.CompletedTask;
        lock (_lock)
        {
            if (_rented.Count > 0)
            {
                _allReturned ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                returned = _allReturned.Task;
            }
        }

        try
        {
            await returned.WithTimeoutAsync();
        }
        catch (TimeoutException)
        {
            // Reported by the check below, which can say which blocks are missing.
        }

        AssertAllReturned();
    }

    /// <summary>Throws when a block is still out or was misused.</summary>
    public void AssertAllReturned()
    {
        lock (_lock)
        {
            if (_misuses.Count > 0)
                throw new InvalidOperationException(string.Join(Environment.NewLine, _misuses));

            if (_rented.Count > 0)
            {
                var stacks = string.Concat(_rented.Select(block => $"{Environment.NewLine}rented at {block.RentedAt}"));
                throw new InvalidOperationException(string.Create(
                    CultureInfo.InvariantCulture, $"{_rented.Count} block(s) were not returned to the pool.{(_recordStacks ? stacks : null)}"));
            }
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            AssertAllReturned();
    }

    private void Return(Block block)
    {
        lock (_lock)
        {
            if (!_rented.Remove(block))
            {
                _misuses.Add("A block was returned twice.");
                throw new InvalidOperationException("A block was returned twice.");
            }

            if (_rented.Count == 0)
            {
                _allReturned?.TrySetResult();
                _allReturned = null;
            }
        }
    }

    private void Misuse(string what)
    {
        lock (_lock)
        {
            _misuses.Add(what);
        }
    }

    private sealed class Block(LeakCheckingMemoryPool pool, int size, string? rentedAt) : MemoryManager<byte>
    {
        private const byte Scribble = 0xCD;
        private readonly byte[] _bytes = NewArray(size);
        private bool _returned;

        public string? RentedAt => rentedAt;

        public override Span<byte> GetSpan()
        {
            ThrowIfReturned();
            return _bytes;
        }

        public override MemoryHandle Pin(int elementIndex = 0)
        {
            ThrowIfReturned();
            return _bytes.AsMemory(elementIndex).Pin();
        }

        public override void Unpin()
        {
        }

        protected override bool TryGetArray(out ArraySegment<byte> segment)
        {
            ThrowIfReturned();
            segment = new ArraySegment<byte>(_bytes);
            return true;
        }

        protected override void Dispose(bool disposing)
        {
            pool.Return(this);
            _returned = true;
            _bytes.AsSpan().Fill(Scribble);
        }

        private static byte[] NewArray(int size)
        {
            var bytes = new byte[size];
            bytes.AsSpan().Fill(Scribble);
            return bytes;
        }

        private void ThrowIfReturned()
        {
            if (!_returned)
                return;

            pool.Misuse("A block was used after its return.");
            throw new ObjectDisposedException(nameof(Block), "A block was used after its return.");
        }
    }
}
