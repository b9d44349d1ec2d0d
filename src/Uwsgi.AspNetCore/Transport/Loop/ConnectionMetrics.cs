using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Net;
using System.Net.Sockets;

namespace Uwsgi.AspNetCore.Transport.Loop;

/// <summary>Kestrel's metrics of connections, for those that Kestrel does not see: same meter, names, units and tags.</summary>
internal sealed class ConnectionMetrics
{
    private readonly UpDownCounter<long> _active;
    private readonly Counter<long> _rejected;
    private readonly Histogram<double> _duration;

    public ConnectionMetrics(IMeterFactory meters)
    {
        var meter = meters.Create("Microsoft.AspNetCore.Server.Kestrel");
        _active = meter.CreateUpDownCounter<long>(
            "kestrel.active_connections", "{connection}", "Number of connections that are currently active on the server.");
        _rejected = meter.CreateCounter<long>(
            "kestrel.rejected_connections", "{connection}",
            "Number of connections rejected by the server. Connections are rejected when the currently active count exceeds the value configured with "
            + "MaxConcurrentConnections.");
        _duration = meter.CreateHistogram(
            "kestrel.connection.duration", "s", "The duration of connections on the server.",
            advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300] });
    }

    public bool IsDurationMeasured => _duration.Enabled;

    public bool IsAnyEnabled => _active.Enabled || _duration.Enabled;

    public void Rejected(EndPoint? local)
    {
        if (_rejected.Enabled)
        {
            _rejected.Add(1, Describe(local));
        }
    }

    /// <summary>Counts a connection in. Returns what <see cref="Ended"/> needs: zero when nobody looked.</summary>
    public long Started(LoopConnection connection)
    {
        if (!IsAnyEnabled)
        {
            return 0;
        }

        _active.Add(1, Describe(connection.LocalEndPoint));
        return Stopwatch.GetTimestamp();
    }

    /// <summary>Counts a connection out; Kestrel measures how long it has had one that it was given.</summary>
    public void Ended(LoopConnection connection, long started, Exception? failure)
    {
        if (started == 0)
        {
            return;
        }

        var described = Describe(connection.LocalEndPoint);
        _active.Add(-1, described);
        if (!_duration.Enabled || connection.IsHandedOver)
        {
            return;
        }

        foreach (var tag in connection.Tags)
        {
            described.Add(tag);
        }

        if (failure is not null)
        {
            described.Add("error.type", failure.GetType().FullName);
        }

        _duration.Record(Stopwatch.GetElapsedTime(started).TotalSeconds, described);
    }

    private static TagList Describe(EndPoint? local) => local switch
    {
        IPEndPoint ip => new()
        {
            { "server.address", ip.Address.ToString() },
            { "server.port", ip.Port },
            { "network.type", ip.AddressFamily == AddressFamily.InterNetworkV6 ? "ipv6" : "ipv4" },
            { "network.transport", "tcp" },
        },
        { } unix => new() { { "server.address", unix.ToString() }, { "network.transport", "unix" } },
        null => default,
    };
}
