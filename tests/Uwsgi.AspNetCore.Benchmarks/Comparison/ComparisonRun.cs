using System.Net.Http.Headers;
using System.Security.Cryptography;
using Uwsgi.AspNetCore.Benchmarks.Comparison.Upstreams;

namespace Uwsgi.AspNetCore.Benchmarks.Comparison;

/// <summary>
/// Drives the columns in turn, A B C A B C …, at every number of connections, so that what disturbs the machine disturbs all alike.
/// </summary>
internal sealed class ComparisonRun(CompareOptions options, FrontEnd nginx, LoadGenerator wrk, IReadOnlyList<RunningUpstream> upstreams)
{
    /// <summary>Asks every column once: only those that answer the same can be compared.</summary>
    public async Task ThrowIfAnswersDifferAsync(CancellationToken cancellationToken)
    {
        using var client = new HttpClient();
        string? expected = null;
        for (var i = 0; i < options.Columns.Count; i++)
        {
            using var request = CreateRequest(i);
            using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            await using var body = await response.Content.ReadAsStreamAsync(cancellationToken);
            var digest = Convert.ToHexString(await SHA256.HashDataAsync(body, cancellationToken));
            var answer = $"{response.Content.Headers.ContentType}, {response.Content.Headers.ContentLength} bytes, {digest}";
            if (!response.IsSuccessStatusCode)
            {
                throw new CommandException($"{options.Columns[i].Key} answered {(int)response.StatusCode}\n{nginx.Errors()}");
            }

            if (answer != (expected ??= answer))
            {
                throw new CommandException($"{options.Columns[i].Key} answered {answer}, not {expected} as {options.Columns[0].Key} did");
            }
        }
    }

    public async Task<IReadOnlyList<ColumnResult>> MeasureAsync(CancellationToken cancellationToken)
    {
        var legs = options.Connections
            .SelectMany(connections => options.Columns.Select((column, index) => new Leg(index, column.Key, connections, [])))
            .ToArray();
        for (var round = 0; round <= options.Rounds; round++)
        {
            foreach (var leg in legs)
            {
                var measurement = await MeasureAsync(leg, round == 0 ? options.WarmupSeconds : options.Seconds, cancellationToken);
                Console.Error.WriteLine(
                    $"{(round == 0 ? "warm-up" : $"round {round}"),-8} {options.Scenario.Name,-9} {leg.Connections,4} {leg.Key,-24} "
                    + $"{measurement.RequestsPerSecond,9:F1}/s {measurement.AppMicroseconds,9:F1} µs");
                if (round > 0)
                {
                    leg.Rounds.Add(measurement);
                }
            }
        }

        return [.. legs.Select(leg => new ColumnResult(options.Columns[leg.Column], leg.Connections, leg.Rounds))];
    }

    private async Task<Measurement> MeasureAsync(Leg leg, int seconds, CancellationToken cancellationToken)
    {
        var app = upstreams[leg.Column].Process.Id;
        var appBefore = ProcessTree.ProcessorTime(app);
        var nginxBefore = ProcessTree.ProcessorTime(nginx.ProcessId);
        var load = await wrk.RunAsync(nginx.Address(leg.Column, options.Scenario.Path), leg.Connections, seconds, cancellationToken);
        if (load.Failure is { } failure)
        {
            throw new CommandException($"{leg.Key}: {failure}\n{nginx.Errors()}");
        }

        var appTime = ProcessTree.ProcessorTime(app) - appBefore;
        var nginxTime = ProcessTree.ProcessorTime(nginx.ProcessId) - nginxBefore;
        var requests = load.CountRequests(options.Scenario);
        return new Measurement(
            requests * 1e6 / load.Microseconds,
            appTime.TotalMicroseconds / requests,
            nginxTime.TotalMicroseconds / requests,
            load.P50,
            load.P99,
            requests);
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

    private sealed record Leg(int Column, string Key, int Connections, List<Measurement> Rounds);
}
