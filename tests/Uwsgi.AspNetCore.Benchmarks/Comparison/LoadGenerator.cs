using System.Diagnostics;
using System.Text;
using System.Text.Json;

namespace Uwsgi.AspNetCore.Benchmarks.Comparison;

/// <summary>wrk, told by a script what to send and to report figures a program can read.</summary>
internal sealed class LoadGenerator
{
    private const string Report =
        """
        function done(summary, latency, requests)
          local e = summary.errors
          io.write(string.format('\n{"Requests":%d,"Bytes":%.0f,"Microseconds":%d,"P50":%d,"P99":%d,',
            summary.requests, summary.bytes, summary.duration, latency:percentile(50), latency:percentile(99)))
          io.write(string.format('"ConnectErrors":%d,"ReadErrors":%d,"WriteErrors":%d,"Timeouts":%d,"BadStatuses":%d}\n',
            e.connect, e.read, e.write, e.timeout, e.status))
        end
        """;

    private readonly Tool _wrk;
    private readonly CompareOptions _options;
    private readonly string _script;

    public LoadGenerator(Tool wrk, CompareOptions options, string directory)
    {
        _wrk = wrk;
        _options = options;
        _script = Path.Combine(directory, "load.lua");
        File.WriteAllText(_script, WriteScript(options.Scenario));
    }

    public async Task<Load> RunAsync(Uri address, int connections, int seconds, CancellationToken cancellationToken)
    {
        string[] arguments =
        [
            "--latency",
            "--threads", $"{Math.Min(_options.Threads, connections)}",
            "--connections", $"{connections}",
            "--duration", $"{seconds}s",
            "--timeout", "30s",
            "--script", _script,
            address.AbsoluteUri,
        ];
        var start = new ProcessStartInfo(_wrk.Path, arguments)
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
        };
        using var process = Process.Start(start)!;
        await using var kill = cancellationToken.Register(process.Kill);
        var output = await process.StandardOutput.ReadToEndAsync(CancellationToken.None);
        await process.WaitForExitAsync(CancellationToken.None);
        cancellationToken.ThrowIfCancellationRequested();

        var line = output.Split('\n').LastOrDefault(text => text.StartsWith('{')) ?? throw new CommandException("wrk failed:\n" + output);
        return JsonSerializer.Deserialize<Load>(line)!;
    }

    private static string WriteScript(Scenario scenario)
    {
        var script = new StringBuilder();
        script.AppendLine($"wrk.method = '{scenario.Method}'");
        foreach (var (name, value) in scenario.Headers)
        {
            script.AppendLine($"wrk.headers['{name}'] = '{value}'");
        }

        if (scenario.BodySize > 0)
        {
            script.AppendLine($"wrk.body = string.rep('x', {scenario.BodySize})");
        }

        return script.AppendLine(Report).ToString();
    }
}
