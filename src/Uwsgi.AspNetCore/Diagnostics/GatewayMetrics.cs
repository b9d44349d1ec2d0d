using System.Diagnostics.Metrics;
using Uwsgi.AspNetCore.Hosting;
using Uwsgi.AspNetCore.Protocols;

namespace Uwsgi.AspNetCore.Diagnostics;

/// <summary>The meter <c>Uwsgi.AspNetCore</c>: what the framework's own instruments do not count.</summary>
/// <remarks>
/// Connections and request durations are in <c>kestrel.*</c> and <c>http.server.*</c>. The counters here are plain fields that the
/// instruments observe, so that a request pays for an interlocked addition at most.
/// </remarks>
internal sealed class GatewayMetrics : IDisposable
{
    public const string MeterName = "Uwsgi.AspNetCore";

    private readonly Meter _meter;
    private readonly Counter<long> _rejections;
    private long _requests;
    private long _activeRequests;
    private long _pings;

    public GatewayMetrics(IMeterFactory meterFactory, UpgradedConnections upgrades)
    {
        _meter = meterFactory.Create(MeterName);
        _rejections = _meter.CreateCounter<long>(
            "uwsgi.server.rejections", "{request}", "Connections and requests refused before the application saw them, by reason.");
        _meter.CreateObservableCounter(
            "uwsgi.server.requests", () => Volatile.Read(ref _requests), "{request}", "Requests handed to the application.");
        _meter.CreateObservableUpDownCounter(
            "uwsgi.server.active_requests", () => Volatile.Read(ref _activeRequests), "{request}", "Requests the application is working on.");
        _meter.CreateObservableUpDownCounter(
            "uwsgi.server.upgraded_connections", () => upgrades.Count, "{connection}", "Connections that have become tunnels.");
        _meter.CreateObservableCounter("uwsgi.server.pings", () => Volatile.Read(ref _pings), "{ping}", "uwsgi pings answered.");
    }

    public void RequestStarted()
    {
        Interlocked.Increment(ref _requests);
        Interlocked.Increment(ref _activeRequests);
    }

    public void RequestEnded() => Interlocked.Decrement(ref _activeRequests);

    public void Pinged() => Interlocked.Increment(ref _pings);

    public void Rejected(GatewayRejection reason) =>
        _rejections.Add(1, new KeyValuePair<string, object?>("error.type", ToTag(reason)));

    public void Dispose() => _meter.Dispose();

    // OpenTelemetry attribute values are snake_case.
    private static string ToTag(GatewayRejection reason) =>
        System.Text.Json.JsonNamingPolicy.SnakeCaseLower.ConvertName(reason.ToString());
}
