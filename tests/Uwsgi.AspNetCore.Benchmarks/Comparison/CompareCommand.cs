using System.Runtime.InteropServices;

namespace Uwsgi.AspNetCore.Benchmarks.Comparison;

/// <summary>
/// Starts one app process per column and nginx in front of all, drives them in turn with wrk, A B C A B C …, so that a
/// disturbance of the machine meets every column alike, and prints the medians side by side.
/// </summary>
internal static class CompareCommand
{
    public static async Task<int> RunAsync(IReadOnlyList<string> arguments)
    {
        var options = CompareOptions.Parse(arguments);
        if (!OperatingSystem.IsLinux())
            throw new CommandException("compare reads processor times from /proc and so needs Linux");

        // Interrupted or terminated, it still takes nginx and the apps down.
        using var interrupted = new CancellationTokenSource();
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Cancel);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Cancel);
        void Cancel(PosixSignalContext context)
        {
            context.Cancel = true;
            interrupted.Cancel();
        }

        try
        {
            await RunAsync(options, interrupted.Token);
            return 0;
        }
        catch (OperationCanceledException)
        {
            throw new CommandException("interrupted");
        }
    }

    private static async Task RunAsync(CompareOptions options, CancellationToken cancellationToken)
    {
        var tools = Tool.Find("nginx", "wrk");
        var surroundings = Surroundings.Describe(tools[0], tools[1]);
        var directory = Directory.CreateTempSubdirectory("uwsgi-compare-").FullName;
        List<RunningUpstream> upstreams = [];
        try
        {
            for (var i = 0; i < options.Columns.Count; i++)
                upstreams.Add(await options.Columns[i].Upstream.StartAsync(options.Scenario, $"{directory}/{i}.sock", options.Tcp));

            await using var nginx = await FrontEnd.StartAsync(tools[0], directory, options.Columns, upstreams);
            await ThrowIfAnswersDifferAsync(options, nginx);
            var columns = await MeasureAsync(options, nginx, new LoadGenerator(tools[1], options, directory), upstreams, cancellationToken);
            var result = new ComparisonResult(surroundings, options, columns);
            Console.WriteLine(MarkdownReport.Write(result));
            if (options.JsonPath is { } path)
                await File.WriteAllTextAsync(path, JsonReport.Write(result), cancellationToken);
        }
        finally
        {
            foreach (var upstream in upstreams)
                await upstream.DisposeAsync();
            Directory.Delete(directory, recursive: true);
        }
    }

    private static async Task ThrowIfAnswersDifferAsync(CompareOptions options, FrontEnd nginx)
    {
        using var client = new HttpClient();
        byte[]? expected = null;
        for (var i = 0; i < options.Columns.Count; i++)
        {
            using var request = new HttpRequestMessage(new HttpMethod(options.Scenario.Method), nginx.Address(i, options.Scenario.Path));
            request.Headers.Host = "compare.example.com";
            foreach (var (name, value) in options.Scenario.Headers)
                request.Headers.TryAddWithoutValidation(name, value);
            if (options.Scenario.BodySize > 0)
                request.Content = new ByteArrayContent(new byte[options.Scenario.BodySize]);

            using var response = await client.SendAsync(request);
            var body = await response.Content.ReadAsByteArrayAsync();
            if (!response.IsSuccessStatusCode)
                throw new CommandException($"{options.Columns[i].Key} answered {(int)response.StatusCode}\n{nginx.Errors()}");
            if (!body.AsSpan().SequenceEqual(expected ??= body))
                throw new CommandException($"{options.Columns[i].Key} answered something else than {options.Columns[0].Key}");
        }
    }

    private static async Task<IReadOnlyList<ColumnResult>> MeasureAsync(
        CompareOptions options, FrontEnd nginx, LoadGenerator wrk, IReadOnlyList<RunningUpstream> upstreams, CancellationToken cancellationToken)
    {
        var rounds = options.Columns.Select(_ => new List<Measurement>()).ToArray();
        for (var round = 0; round <= options.Rounds; round++)
        {
            for (var i = 0; i < options.Columns.Count; i++)
            {
                var seconds = round == 0 ? options.WarmupSeconds : options.Seconds;
                var measurement = await MeasureAsync(options.Columns[i], nginx, wrk, upstreams[i].Process.Id, nginx.Address(i, options.Scenario.Path), seconds, cancellationToken);
                Console.Error.WriteLine($"{(round == 0 ? "warm-up" : $"round {round}"),-8} {options.Columns[i].Key,-12} {measurement.RequestsPerSecond,8:F0}/s {measurement.AppMicroseconds,8:F1} µs");
                if (round > 0)
                    rounds[i].Add(measurement);
            }
        }

        return [.. options.Columns.Select((column, index) => new ColumnResult(column, rounds[index]))];
    }

    private static async Task<Measurement> MeasureAsync(
        Column column, FrontEnd nginx, LoadGenerator wrk, int app, Uri address, int seconds, CancellationToken cancellationToken)
    {
        var appBefore = ProcessTree.ProcessorTime(app);
        var nginxBefore = ProcessTree.ProcessorTime(nginx.ProcessId);
        var load = await wrk.RunAsync(address, seconds, cancellationToken);
        if (load.Failure is { } failure)
            throw new CommandException($"{column.Key}: {failure}\n{nginx.Errors()}");

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
}
