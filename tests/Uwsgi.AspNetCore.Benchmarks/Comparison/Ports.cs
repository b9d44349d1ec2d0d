using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Uwsgi.AspNetCore.Benchmarks.Comparison;

/// <summary>For programs that neither pick a port themselves nor say when they listen.</summary>
internal static class Ports
{
    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(10);

    public static int[] Free(int count)
    {
        var listeners = Enumerable.Range(0, count).Select(_ => new TcpListener(IPAddress.Loopback, 0)).ToArray();
        foreach (var listener in listeners)
        {
            listener.Start();
        }

        var ports = listeners.Select(listener => ((IPEndPoint)listener.LocalEndpoint).Port).ToArray();
        foreach (var listener in listeners)
        {
            listener.Dispose();
        }

        return ports;
    }

    /// <summary>Returns false, and ends the process, if it does not listen in time.</summary>
    public static async Task<bool> WaitUntilListeningAsync(Process process, EndPoint endPoint)
    {
        var started = Stopwatch.GetTimestamp();
        while (!process.HasExited && Stopwatch.GetElapsedTime(started) < StartTimeout)
        {
            using var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Unspecified);
            try
            {
                await socket.ConnectAsync(endPoint);
                return true;
            }
            catch (SocketException)
            {
                // Not listening yet.
                await Task.Delay(20);
            }
        }

        await ProcessTree.TerminateAsync(process);
        return false;
    }
}
