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

    [GlobalSetup]
    public async Task SetupAsync()
    {
        _servers.Add(_http = await InMemoryServer.StartAsync(Requests.Http));
        _servers.Add(_httpClose = await InMemoryServer.StartAsync(Requests.HttpClose));
        _servers.Add(_fixedAnswer = await InMemoryServer.StartAsync(Requests.HttpClose, listen => listen.Use(FixedAnswer.Create)));
    }

    [GlobalCleanup]
    public async Task CleanupAsync()
    {
        foreach (var server in _servers)
            await server.DisposeAsync();
    }

    [Benchmark(Description = "Kestrel HTTP, new connection", Baseline = true)]
    public ValueTask HttpNewConnection() => _httpClose.RequestOnNewConnectionAsync();

    [Benchmark(Description = "Kestrel HTTP, kept connection")]
    public ValueTask HttpKeptConnection() => _http.RequestOnKeptConnectionAsync();

    [Benchmark(Description = "fixed bytes, new connection")]
    public ValueTask FixedAnswerNewConnection() => _fixedAnswer.RequestOnNewConnectionAsync();
}
