using System.IO.Pipelines;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.Tests.Shared;

public class LeakCheckingMemoryPoolTests
{
    [Fact]
    public void AssertAllReturned_EveryBlockBack_Passes()
    {
        using var pool = new LeakCheckingMemoryPool();

        pool.Rent(4096).Dispose();

        pool.AssertAllReturned();
        Assert.Equal(1, pool.Rentals);
        Assert.Equal(0, pool.Outstanding);
    }

    [Fact]
    public void AssertAllReturned_BlockOut_Throws()
    {
        var pool = new LeakCheckingMemoryPool();

        var block = pool.Rent();

        Assert.Throws<InvalidOperationException>(pool.AssertAllReturned);
        block.Dispose();
        pool.AssertAllReturned();
    }

    [Fact]
    public void AssertAllReturned_BlockReturnedTwice_Throws()
    {
        var pool = new LeakCheckingMemoryPool();
        var block = pool.Rent();
        block.Dispose();

        Assert.Throws<InvalidOperationException>(block.Dispose);

        Assert.Throws<InvalidOperationException>(pool.AssertAllReturned);
    }

    [Fact]
    public void AssertAllReturned_BlockUsedAfterReturn_Throws()
    {
        var pool = new LeakCheckingMemoryPool();
        var block = pool.Rent();
        var memory = block.Memory;
        block.Dispose();

        Assert.Throws<ObjectDisposedException>(() => memory.Span[0]);

        Assert.Throws<InvalidOperationException>(pool.AssertAllReturned);
    }

    [Fact]
    public async Task AssertAllReturnedAsync_BlockComesBackLater_Waits()
    {
        using var pool = new LeakCheckingMemoryPool();
        var block = pool.Rent();

        var all = pool.AssertAllReturnedAsync();
        Assert.False(all.IsCompleted);
        block.Dispose();

        await all;
    }

    [Fact]
    public async Task AssertAllReturnedAsync_CalledAgain_WaitsAgain()
    {
        using var pool = new LeakCheckingMemoryPool();
        await pool.AssertAllReturnedAsync();
        var block = pool.Rent();

        var all = pool.AssertAllReturnedAsync();
        Assert.False(all.IsCompleted);
        block.Dispose();

        await all;
    }

    [Fact]
    public void Rent_MoreThanABlock_Throws()
    {
        using var pool = new TinyBlockMemoryPool(8);

        Assert.Throws<ArgumentOutOfRangeException>(() => pool.Rent(9));
    }

    [Fact]
    public async Task TinyBlocks_BehindAPipe_GiveOneBytePerSegment()
    {
        using var pool = new TinyBlockMemoryPool();
        var pipe = new Pipe(new PipeOptions(pool, minimumSegmentSize: 1));
        await pipe.Writer.WriteAsync("seven b"u8.ToArray());
        await pipe.Writer.CompleteAsync();

        var result = await pipe.Reader.ReadAsync();

        var segments = new List<int>();
        foreach (var segment in result.Buffer)
            segments.Add(segment.Length);
        Assert.Equal(Enumerable.Repeat(1, 7), segments);
        await pipe.Reader.CompleteAsync();
    }
}
