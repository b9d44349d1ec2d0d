using System.Diagnostics.Metrics;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.Tests.Shared;

public class MetricCollectorTests
{
    [Fact]
    public async Task Measurements_OfTheScope_AreRecorded()
    {
        var scope = new object();
        using var mine = new Meter("Shop.Orders", null, null, scope);
        using var other = new Meter("Shop.Orders", null, null, new object());
        using var collector = new MetricCollector("Shop.*", scope);
        var orders = mine.CreateCounter<long>("orders");
        mine.CreateObservableGauge("open", () => 3);

        orders.Add(2, KeyValuePair.Create<string, object?>("kind", "book"));
        orders.Add(1);
        other.CreateCounter<long>("orders").Add(100);
        collector.RecordObservable();

        Assert.Equal(3, collector.Sum("orders"));
        Assert.Equal(2, collector.Sum("orders", "kind", "book"));
        Assert.Equal(3, collector.Of("open")[0].Value);
        Assert.Equal(2, (await collector.WaitForAsync(measurement => (string?)measurement["kind"] == "book")).Value);
    }
}
