using Uwsgi.AspNetCore.Benchmarks.Comparison;

namespace Uwsgi.AspNetCore.Tests.Benchmarks;

public sealed class SpreadTests
{
    [Theory]
    [InlineData(new[] { 5.0, 1.0, 2.0 }, 2.0)]
    [InlineData(new[] { 4.0, 1.0, 2.0, 9.0 }, 3.0)]
    [InlineData(new[] { 7.0 }, 7.0)]
    public void Of_Values_HasTheirMedianAndRange(double[] values, double median) =>
        Assert.Equal(new Spread(median, values.Min(), values.Max()), Spread.Of(values));

    [Fact]
    public void ToString_NamesTheRange() => Assert.Equal("1,234.0 µs (1.5–2,000.0)", new Spread(1234, 1.5, 2000).ToString("N1", " µs"));
}
