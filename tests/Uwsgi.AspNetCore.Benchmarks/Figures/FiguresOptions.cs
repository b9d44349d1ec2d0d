namespace Uwsgi.AspNetCore.Benchmarks.Figures;

/// <summary>What <c>figures</c> was asked for.</summary>
internal sealed record FiguresOptions
{
    public const string Usage =
        """
          --rounds 5              every upstream is measured once per round
          --seconds 2             length of one measurement
          --warmup 2              length of each upstream's unmeasured first run, in seconds
          --idle 10000            idle connections
          --quick                 one short round of everything, to see that it works
          --only hello,idle       some of hello, json, download, upload, file-4k, file-1m, file-1g, sweep, tcp, idle
          --svg figures.svg       also draws the scenario hello
          --readme README.md      also replaces what is between its <!-- figures --> and <!-- /figures -->
          --json out.json         also writes every measurement
        """;

    private const string IdleName = "idle";

    public required int Rounds { get; init; }

    public required int Seconds { get; init; }

    public required int WarmupSeconds { get; init; }

    public required IReadOnlyList<Experiment> Experiments { get; init; }

    /// <summary>Zero leaves them out.</summary>
    public required int IdleConnections { get; init; }

    public required string? SvgPath { get; init; }

    public required string? ReadmePath { get; init; }

    public required string? JsonPath { get; init; }

    public static FiguresOptions Parse(IReadOnlyList<string> arguments)
    {
        var options = new CommandLineOptions(arguments);
        var quick = options.Switch("--quick");
        var only = options.Value("--only")?.Split(',');
        var idle = options.Number("--idle", quick ? 1000 : 10_000);
        var result = new FiguresOptions
        {
            Rounds = options.Number("--rounds", quick ? 1 : 5),
            Seconds = options.Number("--seconds", quick ? 1 : 2),
            WarmupSeconds = options.Number("--warmup", quick ? 1 : 2),
            Experiments = only is null ? Experiment.All : [.. only.Where(name => name != IdleName).Select(Find)],
            IdleConnections = only is null || only.Contains(IdleName) ? idle : 0,
            SvgPath = options.Value("--svg"),
            ReadmePath = options.Value("--readme"),
            JsonPath = options.Value("--json"),
        };
        options.ThrowIfAnyLeft();
        return result.SvgPath is not null && !result.Experiments.Contains(Experiment.Hello)
            ? throw new CommandException("--svg draws the scenario hello, which --only leaves out")
            : result;
    }

    private static Experiment Find(string name) => Experiment.All.FirstOrDefault(experiment => experiment.Name == name)
        ?? throw new CommandException($"no figure '{name}'; there are {string.Join(", ", Experiment.All.Select(known => known.Name))}, {IdleName}");
}
