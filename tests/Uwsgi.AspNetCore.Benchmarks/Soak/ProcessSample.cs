using System.Net.Sockets;
using System.Text.Json;
using Uwsgi.AspNetCore.Benchmarks.Soak.Serving;

namespace Uwsgi.AspNetCore.Benchmarks.Soak;

/// <summary>A process while nobody is connected to it.</summary>
/// <param name="View">What it sees of itself, after a full garbage collection.</param>
/// <param name="Descriptors">Its open descriptors, without those of assemblies, which stay open once they are loaded.</param>
/// <param name="Threads">Its threads.</param>
/// <param name="BusyCores">The requests that its statistics say are running.</param>
internal sealed record ProcessSample(InsideView View, int Descriptors, int Threads, int BusyCores)
{
    public static int CountDescriptors(int id) => Directory.EnumerateFileSystemEntries($"/proc/{id}/fd").Count(IsOfInterest);

    public static async Task<ProcessSample> TakeAsync(int id, InsideView view, string stats)
    {
        var descriptors = CountDescriptors(id);
        return new(view, descriptors, Directory.EnumerateDirectories($"/proc/{id}/task").Count(), await CountBusyCoresAsync(stats));
    }

    private static bool IsOfInterest(string descriptor)
    {
        try
        {
            return File.ResolveLinkTarget(descriptor, returnFinalTarget: false)?.Extension != ".dll";
        }
        catch (IOException)
        {
            // Closed since it was listed.
            return false;
        }
    }

    private static async Task<int> CountBusyCoresAsync(string path)
    {
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), timeout.Token);
        await using var stream = new NetworkStream(socket);
        using var document = await JsonDocument.ParseAsync(stream, cancellationToken: timeout.Token);
        return document.RootElement.GetProperty("workers")[0].GetProperty("cores").EnumerateArray()
            .Count(core => core.GetProperty("in_request").GetInt32() != 0);
    }
}
