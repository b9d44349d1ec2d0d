using System.Buffers;
using System.Reflection;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Unicode;
using Microsoft.Extensions.Hosting;
using Uwsgi.AspNetCore.Transport;
using Uwsgi.AspNetCore.Workers;

namespace Uwsgi.AspNetCore.Stats;

/// <summary>Writes the statistics as uWSGI does: one worker, which is this process.</summary>
/// <remarks>
/// Keys, their order and their types are uWSGI's, for programs that were made for it; all numbers are integers. In two things that no
/// parser sees the layout is another: a blank follows each colon, and empty lists have no line of their own. In one it sees the
/// values are better: they are always UTF-8 and escaped, also so that the text can stand in HTML.
/// </remarks>
internal sealed class StatsDocument(Worker worker, ListeningSockets sockets, IHostApplicationLifetime? lifetime = null)
{
    private static readonly string Version = GetVersion();
    private static readonly string[] Locks = ["user 0", "signal", "filemon", "timer", "rbtimer", "cron", "rpc", "snmp"];
    private static readonly JavaScriptEncoder Encoder = JavaScriptEncoder.Create(UnicodeRanges.All);
    private static readonly JsonWriterOptions Minified = new() { Encoder = Encoder };
    private static readonly JsonWriterOptions Indented = new()
    {
        Encoder = Encoder,
        Indented = true,
        IndentCharacter = '\t',
        IndentSize = 1,
        NewLine = "\n",
    };

    private readonly ProcessFigures _process = new(worker.Time);

    /// <summary>Writes the whole document as of now.</summary>
    public void Write(IBufferWriter<byte> output, bool minified)
    {
        using var json = new Utf8JsonWriter(output, minified ? Minified : Indented);
        var queues = sockets.ReadQueues();
        var longest = queues.Length == 0 ? 0 : queues.Max(static queue => queue.Length);
        json.WriteStartObject();
        json.WriteString("version", Version);
        json.WriteNumber("listen_queue", longest);
        json.WriteNumber("listen_queue_errors", 0);
        json.WriteNumber("signal_queue", 0);
        json.WriteNumber("load", longest);
        json.WriteNumber("pid", Environment.ProcessId);
        json.WriteNumber("uid", ProcessFigures.UserId);
        json.WriteNumber("gid", ProcessFigures.GroupId);
        json.WriteString("cwd", ProcessFigures.CurrentDirectory);
        WriteLocks(json);
        WriteSockets(json, queues);
        json.WriteStartArray("workers");
        WriteWorker(json);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    // Nothing here needs one; uWSGI's always exist.
    private static void WriteLocks(Utf8JsonWriter json)
    {
        json.WriteStartArray("locks");
        foreach (var name in Locks)
        {
            json.WriteStartObject();
            json.WriteNumber(name, 0);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteSockets(Utf8JsonWriter json, AcceptQueue[] queues)
    {
        json.WriteStartArray("sockets");
        foreach (var queue in queues)
        {
            json.WriteStartObject();
            json.WriteString("name", queue.Socket.Name);
            json.WriteString("proto", queue.Socket.Protocol);
            json.WriteNumber("queue", queue.Length);
            json.WriteNumber("max_queue", queue.Limit);
            json.WriteNumber("shared", 0);
            json.WriteNumber("can_offload", 0);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private void WriteWorker(Utf8JsonWriter json)
    {
        var cores = worker.Cores;
        var totals = WorkerTotals.Of(worker);
        var memory = _process.ReadMemory();
        json.WriteStartObject();
        json.WriteNumber("id", 1);
        json.WriteNumber("pid", Environment.ProcessId);
        json.WriteNumber("accepting", lifetime?.ApplicationStopping.IsCancellationRequested == true ? 0 : 1);
        json.WriteNumber("requests", totals.Requests);
        json.WriteNumber("delta_requests", totals.Requests);
        json.WriteNumber("exceptions", totals.Exceptions);
        json.WriteNumber("harakiri_count", worker.HarakiriCount);
        json.WriteNumber("signals", 0);
        json.WriteNumber("signal_queue", 0);
        json.WriteString("status", totals.BusyCores > 0 ? "busy" : "idle");
        json.WriteNumber("rss", memory.Resident);
        json.WriteNumber("vsz", memory.Virtual);
        json.WriteNumber("running_time", ToMicroseconds(totals.RunningTime));
        json.WriteNumber("last_spawn", worker.StartedAt.ToUnixTimeSeconds());
        json.WriteNumber("respawn_count", 1);
        json.WriteNumber("tx", totals.BytesSent);
        json.WriteNumber("avg_rt", ToMicroseconds(worker.AverageTime));
        WriteApps(json);
        WriteCores(json, cores);
        json.WriteEndObject();
    }

    private void WriteApps(Utf8JsonWriter json)
    {
        json.WriteStartArray("apps");
        foreach (var app in worker.Apps)
        {
            json.WriteStartObject();
            json.WriteNumber("id", app.Id);
            json.WriteNumber("modifier1", 0);
            json.WriteString("mountpoint", app.MountPoint);
            json.WriteNumber("startup_time", 0);
            json.WriteNumber("requests", app.Requests);
            json.WriteNumber("exceptions", app.Exceptions);
            json.WriteString("chdir", string.Empty);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private void WriteCores(Utf8JsonWriter json, ReadOnlySpan<Core> cores)
    {
        var variables = new RequestVariables();
        json.WriteStartArray("cores");
        foreach (var core in cores)
        {
            WriteCore(json, core, variables);
        }

        // Before the first request there is none, and a worker without a core is nothing that a reader knows.
        if (cores.IsEmpty)
        {
            WriteCore(json, new Core(worker, 0), variables);
        }

        json.WriteEndArray();
    }

    private void WriteCore(Utf8JsonWriter json, Core core, RequestVariables variables)
    {
        var isInRequest = variables.TryRead(core);
        json.WriteStartObject();
        json.WriteNumber("id", core.Id);
        json.WriteNumber("requests", core.Requests);
        json.WriteNumber("static_requests", core.StaticRequests);
        json.WriteNumber("routed_requests", 0);
        json.WriteNumber("offloaded_requests", core.OffloadedRequests);
        json.WriteNumber("write_errors", core.WriteErrors);
        json.WriteNumber("read_errors", core.ReadErrors);
        json.WriteNumber("in_request", isInRequest ? 1 : 0);
        json.WriteStartArray("vars");
        if (isInRequest)
        {
            foreach (var variable in variables.Items)
            {
                json.WriteStringValue(variable);
            }

            json.WriteStringValue(string.Empty);
        }

        json.WriteEndArray();
        json.WriteStartObject("req_info");
        if (isInRequest)
        {
            var startedAt = worker.Time.GetUtcNow() - worker.Time.GetElapsedTime(variables.StartTimestamp);
            json.WriteNumber("request_start", startedAt.ToUnixTimeSeconds());
        }

        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static long ToMicroseconds(TimeSpan time) => time.Ticks / TimeSpan.TicksPerMicrosecond;

    private static string GetVersion()
    {
        var version = typeof(StatsDocument).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0";
        var build = version.IndexOf('+', StringComparison.Ordinal);
        return (build < 0 ? version : version[..build]) + "-aspnetcore";
    }
}
