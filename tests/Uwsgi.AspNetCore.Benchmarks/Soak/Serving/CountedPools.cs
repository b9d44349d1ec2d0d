using System.Buffers;
using Microsoft.AspNetCore.Connections;

namespace Uwsgi.AspNetCore.Benchmarks.Soak.Serving;

/// <summary>Memory pools that know what is out, and spoil what comes back, so that later use shows as a wrong answer.</summary>
internal sealed class CountedPools : IMemoryPoolFactory<byte>
{
    private const int BlockSize = 4096;
    private const byte Spoilt = 0xDD;

    private long _outstanding;
    private long _misuses;

    public long Outstanding => Interlocked.Read(ref _outstanding);

    public long Misuses => Interlocked.Read(ref _misuses);

    public MemoryPool<byte> Create(MemoryPoolOptions? options = null) => new Pool(this);

    private sealed class Pool(CountedPools counts) : MemoryPool<byte>
    {
        public override int MaxBufferSize => BlockSize;

        public override IMemoryOwner<byte> Rent(int minBufferSize = -1)
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThan(minBufferSize, BlockSize);
            Interlocked.Increment(ref counts._outstanding);
            return new Block(counts);
        }

        protected override void Dispose(bool disposing)
        {
        }
    }

    private sealed class Block(CountedPools counts) : IMemoryOwner<byte>
    {
        // Never lent again: what is still written to it later harms nobody, and what is read from it is seen.
        private readonly byte[] _bytes = new byte[BlockSize];
        private int _isBack;

        public Memory<byte> Memory => _bytes;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _isBack, 1) != 0)
            {
                Interlocked.Increment(ref counts._misuses);
                return;
            }

            Interlocked.Decrement(ref counts._outstanding);
            _bytes.AsSpan().Fill(Spoilt);
        }
    }
}
