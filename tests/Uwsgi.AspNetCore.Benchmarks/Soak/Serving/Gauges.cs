using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace Uwsgi.AspNetCore.Benchmarks.Soak.Serving;

/// <summary>The instruments that must be back at zero when nobody is connected.</summary>
internal sealed class Gauges : IDisposable
{
    private static readonly string[] Names =
    [
        "kestrel.active_connections", "kestrel.queued_connections", "kestrel.queued_requests", "kestrel.upgraded_connections",
        "http.server.active_requests", "uwsgi.server.active_requests", "uwsgi.server.upgraded_connections", "uwsgi.server.stuck_requests",
    ];

    private readonly ConcurrentDictionary<string, long> _sums = new(StringComparer.Ordinal);
    private readonly MeterListener _listener = new();

    public Gauges()
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (Names.Contains(instrument.Name))
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<long>((instrument, value, _, _) => Add(instrument, value));
        _listener.SetMeasurementEventCallback<int>((instrument, value, _, _) => Add(instrument, value));
        _listener.Start();
    }

    public Dictionary<string, long> Read()
    {
        _listener.RecordObservableInstruments();
        return new Dictionary<string, long>(_sums, StringComparer.Ordinal);
    }

    public void Dispose() => _listener.Dispose();

    private void Add(Instrument instrument, long value) =>
        _sums.AddOrUpdate(instrument.Name, value, (_, sum) => instrument.IsObservable ? value : sum + value);
}
