using System.Buffers;
using System.Runtime.InteropServices;
using System.Text.Json;
using Microsoft.Extensions.Hosting;
using Uwsgi.AspNetCore.Transport;
using Uwsgi.AspNetCore.Workers;

namespace Uwsgi.AspNetCore.Stats;

/// <summary>Writes what the page shows, once a second for each that is open.</summary>
/// <remarks>
/// Names and units are those of uWSGI's document where both have a number: <c>running_time</c> in microseconds, <c>tx</c> and <c>rss</c> in
/// bytes; names with another unit end in it. The requests of the page and its data are left out. <c>mount</c> is null for files.
/// </remarks>
internal sealed class LiveDocument(Worker worker, ListeningSockets sockets, OwnRequests own, IHostEnvironment environment)
{
    private const int MostRunning = 20;

    public void Write(IBufferWriter<byte> output, Core? asking)
    {
        using var json = new Utf8JsonWriter(output);
        json.WriteStartObject();
        json.WriteString("app", environment.ApplicationName);
        json.WriteNumber("time_ms", worker.Time.GetUtcNow().ToUnixTimeMilliseconds());
        json.WriteNumber("clock_ms", Milliseconds(worker.Time.GetElapsedTime(0)));
        var totals = WorkerTotals.Of(worker);
        var longest = RunningRequest.FindLongest(worker, asking, MostRunning, out var busy);
        json.WriteNumber("in_flight", busy);
        json.WriteNumber("cores", totals.Cores);
        WriteTotals(json, totals);
        WriteApps(json);
        WriteSockets(json);
        WriteLongest(json, longest);
        WriteProcess(json);
        json.WriteEndObject();
    }

    // Three digits behind the point are enough, and a double shows many more.
    private static decimal Milliseconds(TimeSpan time) => decimal.Round((decimal)time.Ticks / TimeSpan.TicksPerMillisecond, 3);

    private void WriteTotals(Utf8JsonWriter json, WorkerTotals totals)
    {
        json.WriteNumber("requests", Math.Max(0, totals.Requests - own.Count));
        json.WriteNumber("static_requests", totals.StaticRequests);
        json.WriteNumber("running_time", (long)Math.Max(0, (totals.RunningTime - own.RunningTime).TotalMicroseconds));
        json.WriteNumber("exceptions", totals.Exceptions);
        json.WriteNumber("tx", Math.Max(0, totals.BytesSent - own.BytesSent));
        json.WriteNumber("harakiri_count", worker.HarakiriCount);
        json.WriteNumber("stuck", worker.StuckCount);
    }

    private void WriteApps(Utf8JsonWriter json)
    {
        json.WriteStartArray("apps");
        foreach (var app in worker.Apps)
        {
            json.WriteStartObject();
            json.WriteString("mountpoint", app.MountPoint);
            json.WriteNumber("requests", Math.Max(0, app.Requests - own.CountFor(app)));
            json.WriteNumber("exceptions", app.Exceptions);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private void WriteSockets(Utf8JsonWriter json)
    {
        json.WriteStartArray("sockets");
        foreach (var queue in sockets.ReadQueues())
        {
            json.WriteStartObject();
            json.WriteString("name", queue.Socket.Name);
            json.WriteString("proto", queue.Socket.Protocol);
            json.WriteNumber("queue", queue.Length);
            json.WriteNumber("max_queue", queue.Limit);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteLongest(Utf8JsonWriter json, IReadOnlyList<RunningRequest> longest)
    {
        json.WriteStartArray("longest");
        foreach (var request in longest)
        {
            json.WriteStartObject();
            json.WriteNumber("core", request.Core);
            json.WriteString("method", request.Method);
            json.WriteString("path", request.Path);
            json.WriteString("mount", request.Mount);
            json.WriteString("remote", request.Remote?.ToString());
            json.WriteNumber("elapsed_ms", Milliseconds(request.Elapsed));
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private void WriteProcess(Utf8JsonWriter json)
    {
        json.WriteStartObject("process");
        json.WriteNumber("pid", Environment.ProcessId);
        json.WriteNumber("started", worker.StartedAt.ToUnixTimeMilliseconds());
        json.WriteNumber("uptime_ms", (long)(worker.Time.GetUtcNow() - worker.StartedAt).TotalMilliseconds);
        json.WriteNumber("cpu_ms", Milliseconds(Environment.CpuUsage.TotalTime));
        json.WriteNumber("rss", Environment.WorkingSet);
        json.WriteNumber("heap", GC.GetTotalMemory(forceFullCollection: false));
        json.WriteNumber("gc_pause_ms", Milliseconds(GC.GetTotalPauseDuration()));
        json.WriteNumber("pool_threads", ThreadPool.ThreadCount);
        json.WriteNumber("pool_queue", ThreadPool.PendingWorkItemCount);
        json.WriteString("runtime", RuntimeInformation.FrameworkDescription);
        json.WriteEndObject();
    }
}
