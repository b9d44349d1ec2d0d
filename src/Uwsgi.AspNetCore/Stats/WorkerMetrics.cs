using System.Diagnostics.Metrics;
using Uwsgi.AspNetCore.Diagnostics;
using Uwsgi.AspNetCore.Transport;
using Uwsgi.AspNetCore.Workers;

namespace Uwsgi.AspNetCore.Stats;

/// <summary>The counters of the statistics as instruments of the meter. Exists only where requests are watched.</summary>
internal sealed class WorkerMetrics
{
    public WorkerMetrics(IMeterFactory meterFactory, Worker worker, ListeningSockets sockets)
    {
        // The factory gives the same meter to all who ask for the name, and disposes it.
        var meter = meterFactory.Create(GatewayMetrics.MeterName);
        Count("uwsgi.worker.requests", "{request}", "Requests that have ended, static files included.", static totals => totals.Requests);
        Count("uwsgi.worker.static_requests", "{request}", "Requests answered with a file of CheckStatic or StaticMap.", static totals => totals.StaticRequests);
        Count("uwsgi.worker.offloaded_requests", "{request}", "Requests whose file the web server was asked to send.", static totals => totals.OffloadedRequests);
        Count("uwsgi.worker.exceptions", "{exception}", "Exceptions the application did not handle.", static totals => totals.Exceptions);
        Count("uwsgi.worker.bytes_sent", "By", "Bytes of responses, heads and bodies.", static totals => totals.BytesSent);
        meter.CreateObservableCounter(
            "uwsgi.worker.running_time", () => WorkerTotals.Of(worker).RunningTime.TotalSeconds, "s", "Time spent in requests, static files excluded.");
        meter.CreateObservableUpDownCounter("uwsgi.worker.cores", () => ReadCores(worker), "{core}", "Cores: the most requests that ever ran at once, by uwsgi.core.state.");
        meter.CreateObservableCounter("uwsgi.app.requests", () => ReadApps(worker, static app => app.Requests), "{request}", "Requests an application took, by uwsgi.mount.");
        meter.CreateObservableCounter("uwsgi.app.exceptions", () => ReadApps(worker, static app => app.Exceptions), "{exception}", "Exceptions an application did not handle, by uwsgi.mount.");
        meter.CreateObservableUpDownCounter("uwsgi.server.accept_backlog", () => ReadQueues(sockets, static queue => queue.Length), "{connection}", "Connections that wait to be accepted, by uwsgi.socket.");
        meter.CreateObservableUpDownCounter("uwsgi.server.accept_backlog.limit", () => ReadQueues(sockets, static queue => queue.Limit), "{connection}", "Connections that can wait to be accepted, by uwsgi.socket.");

        void Count(string name, string unit, string description, Func<WorkerTotals, long> read) =>
            meter.CreateObservableCounter(name, () => read(WorkerTotals.Of(worker)), unit, description);
    }

    private static Measurement<int>[] ReadCores(Worker worker)
    {
        var totals = WorkerTotals.Of(worker);
        return [Tag(totals.BusyCores, "uwsgi.core.state", "busy"), Tag(totals.Cores - totals.BusyCores, "uwsgi.core.state", "idle")];
    }

    private static IEnumerable<Measurement<long>> ReadApps(Worker worker, Func<AppCounters, long> read) =>
        worker.Apps.Select(app => Tag(read(app), "uwsgi.mount", app.MountPoint));

    private static IEnumerable<Measurement<int>> ReadQueues(ListeningSockets sockets, Func<AcceptQueue, int> read) =>
        sockets.ReadQueues().Select(queue => Tag(read(queue), "uwsgi.socket", queue.Socket.Name));

    private static Measurement<T> Tag<T>(T value, string name, string tag)
        where T : struct => new(value, new KeyValuePair<string, object?>(name, tag));
}
