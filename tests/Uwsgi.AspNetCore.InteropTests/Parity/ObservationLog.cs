using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Microsoft.AspNetCore.Http;

namespace Uwsgi.AspNetCore.InteropTests.Parity;

/// <summary>Finds the observation a request belongs to by two headers which the test adds to it.</summary>
internal sealed class ObservationLog
{
    /// <summary>The header which is the same for all requests of one visit and different for every visit.</summary>
    public const string VisitHeader = "X-Visit";

    /// <summary>The header which numbers the requests of a visit.</summary>
    public const string StepHeader = "X-Step";

    /// <summary>The tag by which a measurement finds its observation.</summary>
    public const string MetricTag = "visit";

    private readonly ConcurrentDictionary<string, Observation> _observations = new(StringComparer.Ordinal);
    private int _visits;

    /// <summary>Names a new visit. All names have the same length, so that they change no Content-Length.</summary>
    public string NewVisit() => Interlocked.Increment(ref _visits).ToString("x8");

    /// <summary>Prepares for a request that is about to be sent.</summary>
    public Observation Expect(string visit, int step) => _observations.GetOrAdd(Key(visit, step.ToString()), _ => new Observation());

    public bool TryFind(HttpRequest request, [NotNullWhen(true)] out string? key, [NotNullWhen(true)] out Observation? observation)
    {
        key = Key(request.Headers[VisitHeader].ToString(), request.Headers[StepHeader].ToString());
        return _observations.TryGetValue(key, out observation);
    }

    public bool TryFind(string key, [NotNullWhen(true)] out Observation? observation) => _observations.TryGetValue(key, out observation);

    private static string Key(string visit, string step) => $"{visit}/{step}";
}
