using System.Net.Http.Headers;

namespace Uwsgi.AspNetCore.Benchmarks.Comparison;

/// <summary>
/// Drives the columns in turn, A B C A B C …, so that what disturbs the machine disturbs every column alike.
/// </summary>
internal sealed class ComparisonRun(CompareOptions options, FrontEnd nginx, LoadGenerator wrk, IReadOnlyList<RunningUpstream> upstreams)
{
    /// <summary>Asks every column once: only those that answer the same can be compared.</summary>
    public async Task ThrowIfAnswersDifferAsync(CancellationToken cancellationToken)
    {
        using var client = new HttpClient();
        byte[]? expected = null;
        for (var i = 0; i < options.Columns.Count; i++)
        {
            using var request = CreateRequest(i);
            using var response = await client.SendAsync(request, cancellationToken);
            var body = await response.Content.ReadAsByteArrayAsync(cancellationToken);
            if (!response.IsSuccessStatusCode)
            {
                throw new CommandException($"{options.Columns[i].Key} answered {(int)response.StatusCode}\n{nginx.Errors()}");
            }

            if (!body.AsSpan().SequenceEqual(expected ??= body))
            {
                throw new CommandException($"{options.Columns[i].Key} answered something else than {options.Columns[0].Key}");
            }
        }
    }

    public async Task<IReadOnlyList<ColumnResult>> MeasureAsync(CancellationToken cancellationToken)
    {
        var rounds = options.Columns.Select(_ => new List<Measurement>()).ToArray();
        for (var round = 0; round <= options.Rounds; round++)
        {
            for (var i = 0; i < options.Columns.Count; i++)
            {
                var measurement = await MeasureAsync(i, round == 0 ? options.WarmupSeconds : options.Seconds, cancellationToken);
                Console.Error.WriteLine(
                    $"{(round == 0 ? "warm-up" : $"round {round}"),-8} {options.Columns[i].Key,-12} "
                    + $"{measurement.RequestsPerSecond,8:F0}/s {measurement.AppMicroseconds,8:F1} µs");
                if (round > 0)
                {
                    rounds[i].Add(measurement);
                }
            }
        }

        return [.. options.Columns.Select((column, index) => new ColumnResult(column, rounds[index]))];
    }

    private async Task<Measurement> MeasureAsync(int column, int seconds, CancellationToken cancellationToken)
    {
        var app = upstreams[column].Process.Id;
        var appBefore = ProcessTree.ProcessorTime(app);
        var nginxBefore = ProcessTree.ProcessorTime(nginx.ProcessId);
        var load = await wrk.RunAsync(nginx.Address(column, options.Scenario.Path), seconds, cancellationToken);
        if (load.Failure is { } failure)
        {
            throw new CommandException($"{options.Columns[column].Key}: {failure}\n{nginx.Errors()}");
        }

        var appTime = ProcessTree.ProcessorTime(app) - appBefore;
        var nginxTime = ProcessTree.ProcessorTime(nginx.ProcessId) - nginxBefore;
        return new Measurement(
            load.RequestsPerSecond,
            appTime.TotalMicroseconds / load.Requests,
            nginxTime.TotalMicroseconds / load.Requests,
            load.P50,
            load.P99,
            load.Requests);
    }

    private HttpRequestMessage CreateRequest(int column)
    {
        var scenario = options.Scenario;
        var request = new HttpRequestMessage(new HttpMethod(scenario.Method), nginx.Address(column, scenario.Path));
        // The columns' ports differ; what the app sees must not.
        request.Headers.Host = "compare.example.com";
        foreach (var (name, value) in scenario.Headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        if (scenario.BodySize > 0)
        {
            request.Content = new ByteArrayContent(new byte[scenario.BodySize]);
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
        }

        return request;
    }
}
