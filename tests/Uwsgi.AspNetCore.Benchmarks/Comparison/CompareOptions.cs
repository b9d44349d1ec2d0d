namespace Uwsgi.AspNetCore.Benchmarks.Comparison;

/// <summary>What <c>compare</c> was asked for.</summary>
internal sealed record CompareOptions
{
    public const string Usage =
        """
          --scenario hello        hello, json, download, upload, file-4k, file-1m or file-1g
          --columns a,b           some of the upstreams instead of all
          --rounds 5              every upstream is measured once per round
          --seconds 5             length of one measurement
          --warmup 5              length of each upstream's unmeasured first run, in seconds
          --connections 32        connections wrk keeps to nginx; several, as 1,32,1024, are measured in turns
          --threads 1             wrk threads
          --tcp                   loopback TCP between nginx and the app instead of unix sockets
          --json out.json         also writes every measurement
        """;

    public required Scenario Scenario { get; init; }

    public required IReadOnlyList<Column> Columns { get; init; }

    public required int Rounds { get; init; }

    public required int Seconds { get; init; }

    public required int WarmupSeconds { get; init; }

    public required IReadOnlyList<int> Connections { get; init; }

    public required int Threads { get; init; }

    public required bool Tcp { get; init; }

    public required string? JsonPath { get; init; }

    public static CompareOptions Parse(IReadOnlyList<string> arguments)
    {
        var options = new CommandLineOptions(arguments);
        var result = new CompareOptions
        {
            Scenario = Scenario.Find(options.Value("--scenario") ?? "hello"),
            Columns = Column.Select(options.Value("--columns")),
            Rounds = options.Number("--rounds", 5),
            Seconds = options.Number("--seconds", 5),
            WarmupSeconds = options.Number("--warmup", 5),
            Connections = options.Numbers("--connections", 32),
            Threads = options.Number("--threads", 1),
            Tcp = options.Switch("--tcp"),
            JsonPath = options.Value("--json"),
        };
        options.ThrowIfAnyLeft();
        return result;
    }
}
