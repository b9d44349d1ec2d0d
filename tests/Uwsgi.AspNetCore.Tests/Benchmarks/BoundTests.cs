using Uwsgi.AspNetCore.Benchmarks.Figures;

namespace Uwsgi.AspNetCore.Tests.Benchmarks;

public sealed class BoundTests
{
    [Fact]
    public void AtMost_Limit_IsMet()
    {
        var bound = Bound.AtMost(0.35, "×");

        Assert.True(bound.IsMetBy(0.35));
        Assert.False(bound.IsMetBy(0.36));
        Assert.Equal("≤ 0.35×", bound.ToString());
    }

    [Fact]
    public void AtLeast_Limit_IsMet()
    {
        var bound = Bound.AtLeast(1.5, "×");

        Assert.True(bound.IsMetBy(1.5));
        Assert.False(bound.IsMetBy(1.49));
        Assert.Equal("≥ 1.5×", bound.ToString());
    }

    [Fact]
    public void Same_HoldsInBothDirections()
    {
        var bound = Bound.Same(0.15);

        Assert.False(bound.IsMetBy(0.84));
        Assert.True(bound.IsMetBy(1));
        Assert.False(bound.IsMetBy(1.16));
        Assert.Equal("0.85–1.15×", bound.ToString());
    }

    [Fact]
    public void None_IsNoGoal()
    {
        Assert.True(Bound.None.HasNoLimit);
        Assert.False(Bound.Same(0.15).HasNoLimit);
        Assert.Equal("–", Bound.None.ToString());
    }
}
