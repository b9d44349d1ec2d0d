using System.Diagnostics.Metrics;
using Uwsgi.AspNetCore.Diagnostics;

namespace Uwsgi.AspNetCore.Harakiri;

/// <summary>The instruments of requests that take too long, in the package's meter.</summary>
internal sealed class HarakiriMetrics
{
    private readonly Counter<long> _harakiris;

    public HarakiriMetrics(IMeterFactory meterFactory, Func<long> getStuck)
    {
        // The factory gives the same meter for the same name.
        var meter = meterFactory.Create(GatewayMetrics.MeterName);
        _harakiris = meter.CreateCounter<long>("uwsgi.server.harakiris", "{request}", "Requests that took too long, by the stage they came to.");
        meter.CreateObservableUpDownCounter(
            "uwsgi.server.stuck_requests", getStuck, "{request}", "Requests that were taken from the application and still run in it.");
    }

    public void Count(HarakiriStage stage) => _harakiris.Add(1, new KeyValuePair<string, object?>("uwsgi.harakiri.stage", stage switch
    {
        HarakiriStage.Cancelled => "cancelled",
        HarakiriStage.Taken => "taken",
        _ => "stuck",
    }));
}
