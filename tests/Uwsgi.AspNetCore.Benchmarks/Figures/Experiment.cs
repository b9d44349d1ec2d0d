using Uwsgi.AspNetCore.Benchmarks.Comparison;

namespace Uwsgi.AspNetCore.Benchmarks.Figures;

/// <summary>One comparison of the figures.</summary>
/// <param name="Name">What <c>--only</c> calls it.</param>
/// <param name="Scenario">What is asked for.</param>
/// <param name="Columns">Who is asked.</param>
internal sealed record Experiment(string Name, string Scenario, string Columns)
{
    private const string Gateways = "proxy,proxy-kept,uwsgi,scgi,fastcgi-kept";

    public static Experiment Hello { get; } = new(
        "hello",
        Benchmarks.Scenario.HelloName,
        "proxy,proxy-kept,uwsgi,scgi,fastcgi,fastcgi-kept,uwsgi-sockets,fastcgi-kept-sockets,uwsgi-operations,fastcgi-kept-operations,uwsgi-python,c");

    public static Experiment Json { get; } = new("json", "json", Gateways);

    public static Experiment Download { get; } = new("download", "download", Gateways);

    public static Experiment Upload { get; } = new("upload", "upload", Gateways);

    public static Experiment File4K { get; } = new("file-4k", "file-4k", Gateways);

    public static Experiment File1M { get; } = new("file-1m", "file-1m", Gateways);

    public static Experiment File1G { get; } = new("file-1g", "file-1g", Gateways) { Connections = [2] };

    public static Experiment Sweep { get; } = new("sweep", Benchmarks.Scenario.HelloName, "proxy-kept,uwsgi,fastcgi-kept,c")
    {
        Connections = [1, 4, 16, 64, 256, 1024],
    };

    public static Experiment Tcp { get; } = new("tcp", Benchmarks.Scenario.HelloName, $"{Gateways},c") { IsTcp = true };

    public static IReadOnlyList<Experiment> All { get; } = [Hello, Json, Download, Upload, File4K, File1M, File1G, Sweep, Tcp];

    public IReadOnlyList<int> Connections { get; private init; } = [32];

    public bool IsTcp { get; private init; }

    public CompareOptions With(FiguresOptions options) => new()
    {
        Scenario = Benchmarks.Scenario.Find(Scenario),
        Columns = Column.Select(Columns),
        Rounds = options.Rounds,
        Seconds = options.Seconds,
        WarmupSeconds = options.WarmupSeconds,
        Connections = Connections,
        Threads = 1,
        Tcp = IsTcp,
        JsonPath = null,
    };
}
