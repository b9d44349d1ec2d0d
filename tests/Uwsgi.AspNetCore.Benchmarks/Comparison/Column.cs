namespace Uwsgi.AspNetCore.Benchmarks.Comparison;

/// <summary>One way from nginx to an app: what <c>compare</c> measures next to the others.</summary>
/// <param name="Key">What <c>--columns</c> calls it.</param>
/// <param name="Title">What the report calls it.</param>
/// <param name="Upstream">The program behind nginx; each column has its own process of it.</param>
/// <param name="Location">The directives of the nginx location, given the name of the upstream block.</param>
/// <param name="KeepAlive">How many idle connections nginx keeps; zero opens one per request.</param>
internal sealed record Column(string Key, string Title, Upstream Upstream, Func<string, string> Location, int KeepAlive = 0)
{
    /// <summary>The column every ratio of "one connection per request" refers to.</summary>
    public const string UnpooledBaseline = "proxy";

    /// <summary>The column every ratio to kept connections refers to.</summary>
    public const string KeptBaseline = "proxy-kept";

    public static IReadOnlyList<Column> All { get; } =
    [
        new(UnpooledBaseline, "`proxy_pass`, a connection per request", Upstream.Http, name => $"proxy_pass http://{name};"),
        new(KeptBaseline, "`proxy_pass`, kept connections", Upstream.Http, name => $"proxy_pass http://{name}; proxy_http_version 1.1; proxy_set_header Connection \"\";", KeepAlive: 64),
    ];

    public static IReadOnlyList<Column> Select(string? keys) => keys is null ? All : [.. keys.Split(',').Select(Find)];

    private static Column Find(string key) => All.FirstOrDefault(column => column.Key == key)
        ?? throw new CommandException($"no column '{key}'; there are {string.Join(", ", All.Select(column => column.Key))}");
}
