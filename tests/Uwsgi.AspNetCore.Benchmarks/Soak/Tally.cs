using System.Collections.Concurrent;
using Uwsgi.AspNetCore.Benchmarks.Soak.Traffic;

namespace Uwsgi.AspNetCore.Benchmarks.Soak;

/// <summary>Counts outcomes and keeps the first faults.</summary>
internal sealed class Tally
{
    private const int MostFaults = 20;

    private readonly ConcurrentDictionary<(string Way, OutcomeKind Kind), long> _counts = new();
    private readonly ConcurrentQueue<string> _faults = new();
    private long _faultCount;

    public IReadOnlyCollection<string> Faults => _faults;

    public long FaultCount => Interlocked.Read(ref _faultCount);

    public IEnumerable<string> Ways => _counts.Keys.Select(key => key.Way).Distinct().Order(StringComparer.Ordinal);

    public void Add(string way, SoakRequest? request, Outcome outcome)
    {
        _counts.AddOrUpdate((way, outcome.Kind), 1, static (_, count) => count + 1);
        if (outcome.IsFault)
        {
            AddFault($"{outcome.Kind} on {way}, {request}: {outcome.Detail}");
        }
    }

    public void AddFault(string fault)
    {
        Interlocked.Increment(ref _faultCount);
        if (_faults.Count < MostFaults)
        {
            _faults.Enqueue(fault);
        }
    }

    public long Count(OutcomeKind kind, string? way = null) =>
        _counts.Where(count => count.Key.Kind == kind && (way is null || count.Key.Way == way)).Sum(count => count.Value);
}
