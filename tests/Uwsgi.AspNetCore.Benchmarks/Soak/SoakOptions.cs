namespace Uwsgi.AspNetCore.Benchmarks.Soak;

/// <summary>What <c>soak</c> was asked for.</summary>
internal sealed record SoakOptions
{
    public const string Usage =
        """
          --seconds 120           length of the load, its warm-up of a quarter included
          --connections 32        clients at work at the same time
          --seed n                repeats a run's choices; its summary names them
          --transport lean        lean or sockets; otherwise what the server takes by itself
        """;

    public required int Seconds { get; init; }

    public required int Connections { get; init; }

    public required int Seed { get; init; }

    public required string? Transport { get; init; }

    public TimeSpan WarmUp => TimeSpan.FromSeconds(Math.Max(1, Seconds / 4));

    public TimeSpan Main => TimeSpan.FromSeconds(Seconds) - WarmUp;

    public static SoakOptions Parse(IReadOnlyList<string> arguments)
    {
        var options = new CommandLineOptions(arguments);
        var result = new SoakOptions
        {
            Seconds = options.Number("--seconds", 120),
            Connections = options.Number("--connections", 32),
            Seed = options.Number("--seed", Random.Shared.Next(1, int.MaxValue)),
            Transport = options.Value("--transport"),
        };
        options.ThrowIfAnyLeft();
        return result.Transport is null or "lean" or "sockets"
            ? result
            : throw new CommandException($"--transport takes lean or sockets, not '{result.Transport}'");
    }
}
