using System.Diagnostics.Metrics;

namespace Uwsgi.AspNetCore.InteropTests.Parity;

/// <summary>Hands hosting's request measurements, with their tags, to the observations they belong to.</summary>
internal sealed class MeasurementListener : IDisposable
{
    private readonly MeterListener _listener = new();

    public MeasurementListener(ObservationLog log)
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument is { Meter.Name: "Microsoft.AspNetCore.Hosting", Name: "http.server.request.duration" })
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<double>((_, _, tags, _) => Measure(log, tags));
        _listener.Start();
    }

    public void Dispose() => _listener.Dispose();

    private static void Measure(ObservationLog log, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var others = new List<KeyValuePair<string, object?>>();
        Observation? observation = null;
        foreach (var tag in tags)
        {
            if (tag is { Key: ObservationLog.MetricTag, Value: string key })
            {
                log.TryFind(key, out observation);
            }
            else
            {
                others.Add(tag);
            }
        }

        observation?.Measure(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(others));
    }
}
