using System.Collections.Concurrent;
using System.Diagnostics.Tracing;

namespace Uwsgi.AspNetCore.Benchmarks.Allocations;

/// <summary>Which types memory goes to, from the runtime's sample of about one object in every 100 KB.</summary>
internal sealed class AllocatedTypes : EventListener
{
    private const EventKeywords Gc = (EventKeywords)1;

    private readonly ConcurrentDictionary<string, long> _bytes = new(StringComparer.Ordinal);

    /// <summary>Shares of all bytes since the start, largest first.</summary>
    public IEnumerable<(string Type, double Share)> Shares()
    {
        var total = (double)_bytes.Values.Sum();
        return _bytes.OrderByDescending(pair => pair.Value).Select(pair => (pair.Key, pair.Value / total));
    }

    protected override void OnEventSourceCreated(EventSource eventSource)
    {
        if (eventSource.Name == "Microsoft-Windows-DotNETRuntime")
        {
            EnableEvents(eventSource, EventLevel.Verbose, Gc);
        }
    }

    protected override void OnEventWritten(EventWrittenEventArgs eventData)
    {
        if (eventData.EventName?.StartsWith("GCAllocationTick", StringComparison.Ordinal) == true
            && eventData.PayloadNames?.IndexOf("TypeName") is >= 0 and var type
            && eventData.PayloadNames.IndexOf("AllocationAmount64") is >= 0 and var amount)
        {
            var bytes = Convert.ToInt64(eventData.Payload![amount]);
            _bytes.AddOrUpdate((string)eventData.Payload[type]!, bytes, (_, sum) => sum + bytes);
        }
    }
}
