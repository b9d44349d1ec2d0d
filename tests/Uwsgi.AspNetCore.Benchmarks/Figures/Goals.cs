using Uwsgi.AspNetCore.Benchmarks.Comparison;

namespace Uwsgi.AspNetCore.Benchmarks.Figures;

/// <summary>Every figure that the project has set itself, in the order of the report.</summary>
internal static class Goals
{
    private const string Cpu = "CPU per request";
    private const string Rate = "requests/s";
    private const string Proxy = Column.UnpooledBaseline;
    private const string ProxyKept = Column.KeptBaseline;

    public static IReadOnlyList<Goal> All { get; } =
    [
        Ratio("uwsgi vs Kestrel HTTP, a connection per request", Cpu, AtMost(0.35), Experiment.Hello, "uwsgi", Proxy),
        Ratio("SCGI vs Kestrel HTTP, a connection per request", Cpu, AtMost(0.35), Experiment.Hello, "scgi", Proxy),
        Ratio("uwsgi with every operation on vs Kestrel HTTP", Cpu, AtMost(0.35), Experiment.Hello, "uwsgi-operations", Proxy),
        Ratio("uwsgi vs uWSGI running a Python hello", Cpu, AtMost(1.0), Experiment.Hello, "uwsgi", "uwsgi-python"),
        Ratio("uwsgi vs the minimal C responder", Cpu, AtMost(1.3), Experiment.Hello, "uwsgi", "c"),
        Ratio("FastCGI kept vs Kestrel HTTP kept", Cpu, AtMost(0.45), Experiment.Hello, "fastcgi-kept", ProxyKept),
        Ratio("FastCGI kept vs Kestrel HTTP kept", Rate, AtLeast(1.5), Experiment.Hello, "fastcgi-kept", ProxyKept),
        Ratio("FastCGI kept with every operation on vs Kestrel HTTP kept", Cpu, AtMost(0.45), Experiment.Hello, "fastcgi-kept-operations", ProxyKept),
        Ratio("FastCGI kept with every operation on vs Kestrel HTTP kept", Rate, AtLeast(1.5), Experiment.Hello, "fastcgi-kept-operations", ProxyKept),
        Ratio("JSON API, uwsgi vs Kestrel HTTP", Cpu, AtMost(0.7), Experiment.Json, "uwsgi", Proxy),
        Ratio("JSON API, SCGI vs Kestrel HTTP", Cpu, AtMost(0.7), Experiment.Json, "scgi", Proxy),
        Ratio("JSON API, FastCGI kept vs Kestrel HTTP kept", Cpu, AtMost(0.7), Experiment.Json, "fastcgi-kept", ProxyKept),
        .. Throughput("1 MiB download", AtLeast(1.0), Experiment.Download),
        .. Throughput("1 MiB upload", AtLeast(1.0), Experiment.Upload),
        .. File("4 KiB static file", Experiment.File4K),
        .. File("1 MiB static file", Experiment.File1M),
        .. File("1 GiB static file", Experiment.File1G),
        new("Idle kept FastCGI connections", "memory of each", Bound.AtMost(8, " KiB"), result => result.Idle(IdleConnections.FastCgi)),
        new("Idle kept Kestrel HTTP connections", "memory of each", Bound.None with { Unit = " KiB" }, result => result.Idle(IdleConnections.Http)),
        Most("uwsgi, 1,024 connections vs the best of 1 to 1,024", AtLeast(0.8), "uwsgi"),
        Most("FastCGI kept, 1,024 connections vs the best of 1 to 1,024", AtLeast(0.8), "fastcgi-kept"),
        Most("Kestrel HTTP kept, 1,024 connections vs the best of 1 to 1,024", Bound.None, ProxyKept),
        Most("the minimal C responder, 1,024 connections vs the best of 1 to 1,024", Bound.None, "c"),
        .. SameOverTcp("uwsgi vs Kestrel HTTP", Bound.Same(0.15), "uwsgi", Proxy),
        .. SameOverTcp("SCGI vs Kestrel HTTP", Bound.Same(0.15), "scgi", Proxy),
        .. SameOverTcp("FastCGI kept vs Kestrel HTTP kept", Bound.Same(0.15), "fastcgi-kept", ProxyKept),
        .. SameOverTcp("the minimal C responder vs Kestrel HTTP", Bound.None, "c", Proxy),
    ];

    private static Bound AtMost(double ratio) => Bound.AtMost(ratio, "×");

    private static Bound AtLeast(double ratio) => Bound.AtLeast(ratio, "×");

    private static Goal Ratio(string compare, string figure, Bound bound, Experiment experiment, string column, string baseline) =>
        new(compare, figure, bound, result => result.Ratio(experiment, column, baseline, Take(figure)));

    private static Goal[] Throughput(string what, Bound bound, Experiment experiment) =>
    [
        Ratio($"{what}, uwsgi vs Kestrel HTTP", Rate, bound, experiment, "uwsgi", Proxy),
        Ratio($"{what}, SCGI vs Kestrel HTTP", Rate, bound, experiment, "scgi", Proxy),
        Ratio($"{what}, FastCGI kept vs Kestrel HTTP kept", Rate, bound, experiment, "fastcgi-kept", ProxyKept),
    ];

    /// <summary>Files are measured, and their goal is that of downloads only in spirit.</summary>
    private static Goal[] File(string what, Experiment experiment) =>
    [
        Ratio($"{what}, uwsgi vs Kestrel HTTP", Rate, Bound.None, experiment, "uwsgi", Proxy),
        Ratio($"{what}, uwsgi vs Kestrel HTTP", Cpu, Bound.None, experiment, "uwsgi", Proxy),
        Ratio($"{what}, FastCGI kept vs Kestrel HTTP kept", Rate, Bound.None, experiment, "fastcgi-kept", ProxyKept),
        Ratio($"{what}, FastCGI kept vs Kestrel HTTP kept", Cpu, Bound.None, experiment, "fastcgi-kept", ProxyKept),
    ];

    private static Goal Most(string compare, Bound bound, string column) =>
        new(compare, Rate, bound, result => result.MostConnections(Experiment.Sweep, column));

    private static Goal[] SameOverTcp(string what, Bound bound, string column, string baseline) =>
    [
        .. from figure in (string[])[Cpu, Rate]
           select new Goal($"TCP loopback vs unix sockets, {what}", $"ratio of {figure}", bound, result => result.OverTcp(column, baseline, Take(figure))),
    ];

    private static Func<Measurement, double> Take(string figure) => figure == Cpu ? Measurement.AppTime : Measurement.Rate;
}
