using System.Net.Sockets;
using Uwsgi.AspNetCore.Benchmarks.Comparison;
using Uwsgi.AspNetCore.Benchmarks.Comparison.Upstreams;
using Uwsgi.AspNetCore.Benchmarks.InMemory;

namespace Uwsgi.AspNetCore.Benchmarks.Figures;

/// <summary>Connections that have made one request and are kept: opened without a web server, which would not keep so many.</summary>
/// <param name="Title">What the report calls them.</param>
/// <param name="Upstream">The app that has them.</param>
/// <param name="Request">What each has asked.</param>
/// <param name="IsComplete">Whether the bytes received so far are the answer.</param>
internal sealed record IdleConnections(string Title, Upstream Upstream, byte[] Request, Func<ReadOnlySpan<byte>, bool> IsComplete)
{
    // What else the two processes have open.
    private const int SpareDescriptors = 1000;

    public static IdleConnections FastCgi { get; } = new("FastCGI", Upstream.FastCgi, Requests.FastCgiKept, EndsWithEndRequest);

    public static IdleConnections Http { get; } = new("Kestrel HTTP", Upstream.Http, Requests.Http, answer => answer.EndsWith("Hello, World!"u8));

    public static IReadOnlyList<IdleConnections> All { get; } = [FastCgi, Http];

    public async Task<IdleResult> MeasureAsync(int wanted, int rounds, CancellationToken cancellationToken)
    {
        // The runtime has raised its own limit to the hard one, and the app's will be the same.
        var count = Math.Min(wanted, ProcessFile.DescriptorLimit() - SpareDescriptors);
        if (count < wanted)
        {
            Console.Error.WriteLine($"{count} idle connections instead of {wanted}: the limit of open files is {ProcessFile.DescriptorLimit()}");
        }

        List<MemoryUse> each = [];
        for (var round = 1; round <= rounds; round++)
        {
            var growth = await MeasureAsync(count, cancellationToken);
            each.Add(growth);
            Console.Error.WriteLine($"round {round}  idle {count} {Title,-24} {growth.Resident:F2} KiB each");
        }

        return new IdleResult(this, count, Spread.Of(each.Select(use => use.Resident)), Spread.Of(each.Select(use => use.Private)));
    }

    private static bool EndsWithEndRequest(ReadOnlySpan<byte> answer)
    {
        // Version 1, type END_REQUEST, request 1, eight bytes that follow.
        ReadOnlySpan<byte> head = [1, 3, 0, 1, 0, 8];
        return answer.Length >= 16 && answer[^16..].StartsWith(head);
    }

    private async Task<MemoryUse> MeasureAsync(int count, CancellationToken cancellationToken)
    {
        var directory = Directory.CreateTempSubdirectory("uwsgi-idle-").FullName;
        List<Socket> sockets = [];
        try
        {
            var site = new UpstreamSite(Scenario.Find(Scenario.HelloName), directory, 0, Tcp: false);
            await using var app = await Upstream.StartAsync(site);
            var endPoint = new UnixDomainSocketEndPoint(app.Address["unix:".Length..]);

            // Code that runs for the first time is nothing that a connection costs.
            await OpenAsync(sockets, Math.Max(count / 20, 100), endPoint, cancellationToken);
            var before = await CollectAsync(app);
            await OpenAsync(sockets, count, endPoint, cancellationToken);
            var after = await CollectAsync(app);
            return sockets.Any(socket => socket.Poll(0, SelectMode.SelectRead))
                ? throw new CommandException($"the app closed some of {sockets.Count} idle connections")
                : new MemoryUse((after.Resident - before.Resident) / count, (after.Private - before.Private) / count);
        }
        finally
        {
            sockets.ForEach(socket => socket.Dispose());
            Directory.Delete(directory, recursive: true);
        }
    }

    private static async Task<MemoryUse> CollectAsync(RunningUpstream app)
    {
        await app.Process.StandardInput.WriteLineAsync(ServeCommand.Collect);
        await app.Process.StandardInput.FlushAsync();
        return await app.Process.StandardOutput.ReadLineAsync() == ServeCommand.Collect
            ? ProcessFile.Memory(app.Process.Id)
            : throw new CommandException("the app ended while its memory was measured");
    }

    private async Task OpenAsync(List<Socket> sockets, int count, UnixDomainSocketEndPoint endPoint, CancellationToken cancellationToken)
    {
        var buffer = new byte[4096];
        for (var i = 0; i < count; i++)
        {
            var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            sockets.Add(socket);
            await socket.ConnectAsync(endPoint, cancellationToken);
            await socket.SendAsync(Request, cancellationToken);
            for (var length = 0; length == 0 || !IsComplete(buffer.AsSpan(0, length));)
            {
                var read = await socket.ReceiveAsync(buffer.AsMemory(length), cancellationToken);
                length += read > 0 ? read : throw new CommandException($"the app did not answer connection {i}");
            }
        }
    }
}
