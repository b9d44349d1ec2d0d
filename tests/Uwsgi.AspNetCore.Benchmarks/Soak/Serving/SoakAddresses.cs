using System.Net;
using System.Net.Sockets;

namespace Uwsgi.AspNetCore.Benchmarks.Soak.Serving;

/// <summary>Where an app under soak listens: the same after each restart.</summary>
internal sealed class SoakAddresses(string directory, int firstPort)
{
    public const string Uwsgi = "uwsgi";
    public const string FastCgi = "fastcgi";
    public const string Scgi = "scgi";
    public const string Http = "http";
    public const string Auto = "auto";

    // Below the ports that systems give to clients: none of ours may be taken while the app is down.
    private const int LowestPort = 20_000;
    private const int HighestPort = 32_000;

    private static readonly string[] Names = [Uwsgi, FastCgi, Scgi, Http, Auto];

    public string Directory => directory;

    public int FirstPort => firstPort;

    public string Stats => System.IO.Path.Combine(directory, "stats.sock");

    public string StaticFiles => System.IO.Path.Combine(directory, "static");

    /// <summary>Finds ports that are free.</summary>
    public static SoakAddresses Find(string directory, Random random)
    {
        while (true)
        {
            var first = random.Next(LowestPort, HighestPort);
            if (Enumerable.Range(first, Names.Length).All(IsFree))
            {
                return new SoakAddresses(directory, first);
            }
        }
    }

    public string Path(string name) => System.IO.Path.Combine(directory, name + ".sock");

    public int Port(string name) => firstPort + Array.IndexOf(Names, name);

    private static bool IsFree(int port)
    {
        using var listener = new TcpListener(IPAddress.Loopback, port);
        try
        {
            listener.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
