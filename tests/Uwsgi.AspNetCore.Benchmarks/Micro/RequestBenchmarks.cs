using BenchmarkDotNet.Attributes;
using Uwsgi.AspNetCore.Benchmarks.InMemory;

namespace Uwsgi.AspNetCore.Benchmarks.Micro;

/// <summary>A whole request, from its bytes to the answer's, without sockets.</summary>
public class RequestBenchmarks
{
    private readonly List<InMemoryServer> _servers = [];
    private InMemoryServer _http = null!;
    private InMemoryServer _httpClose = null!;
    private InMemoryServer _fixedAnswer = null!;
    private InMemoryServer _uwsgi = null!;

    [GlobalSetup]
    public async Task SetupAsync()
    {
        _servers.Add(_http = await InMemoryServer.StartHttpAsync(Requests.Http));
        _servers.Add(_httpClose = await InMemoryServer.StartHttpAsync(Requests.HttpClose));
        _servers.Add(_fixedAnswer = await InMemoryServer.StartFixedAnswerAsync());
        _servers.Add(_uwsgi = await InMemoryServer.StartUwsgiAsync(Requests.Uwsgi));
    }

    [GlobalCleanup]
    public async Task CleanupAsync()
    {
        foreach (var server in _servers)
        {
            await server.DisposeAsync();
        }
    }

    [Benchmark(Description = "Kestrel HTTP, new connection", Baseline = true)]
    public ValueTask HttpNewConnection() => _httpClose.RequestOnNewConnectionAsync();

    [Benchmark(Description = "Kestrel HTTP, kept connection")]
    public ValueTask HttpKeptConnection() => _http.RequestOnKeptConnectionAsync();

    [Benchmark(Description = "fixed bytes, new connection")]
    public ValueTask FixedAnswerNewConnection() => _fixedAnswer.RequestOnNewConnectionAsync();

    [Benchmark(Description = "uwsgi, new connection")]
    public ValueTask UwsgiNewConnection() => _uwsgi.RequestOnNewConnectionAsync();

    [Benchmark(Description = "uwsgi alone")]
    public ValueTask UwsgiDoor() => _uwsgi.RequestToDoorAsync(sendFirst: true);
}
