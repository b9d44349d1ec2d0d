using Uwsgi.AspNetCore.Hosting;

namespace Uwsgi.AspNetCore.Tests.Hosting;

public class PoolTests
{
    [Fact]
    public void TryTake_Empty_FindsNothing() => Assert.False(new Pool<object>(2).TryTake(out _));

    [Fact]
    public void TryTake_GivenOnes_EachOnce()
    {
        var pool = new Pool<object>(3);
        object[] items = [new(), new(), new()];
        foreach (var item in items)
            pool.Give(item);

        Assert.Equal(items.ToHashSet(), TakeAll(pool).ToHashSet());
    }

    [Fact]
    public void Give_BeyondCapacity_KeepsNoMore()
    {
        var pool = new Pool<object>(2);
        for (var i = 0; i < 5; i++)
            pool.Give(new object());

        Assert.Equal(2, TakeAll(pool).Count);
    }

    [Fact]
    public void Give_AfterTakingAll_KeepsAsManyAgain()
    {
        var pool = new Pool<object>(2);
        for (var i = 0; i < 3; i++)
        {
            pool.Give(new object());
            pool.Give(new object());
            Assert.Equal(2, TakeAll(pool).Count);
        }
    }

    private static List<object> TakeAll(Pool<object> pool)
    {
        var taken = new List<object>();
        while (pool.TryTake(out var item))
            taken.Add(item);
        return taken;
    }
}
