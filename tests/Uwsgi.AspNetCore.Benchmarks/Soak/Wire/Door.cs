using System.Net;
using System.Net.Sockets;
using Uwsgi.AspNetCore.Benchmarks.Soak.Serving;

namespace Uwsgi.AspNetCore.Benchmarks.Soak.Wire;

/// <summary>One way to an app under soak.</summary>
/// <param name="Name">What the summary calls it.</param>
/// <param name="Server">The app behind it.</param>
/// <param name="Protocol">What a client speaks there.</param>
/// <param name="EndPoint">Where it is.</param>
/// <param name="PassedOn">What a web server in between speaks to the app, if there is one.</param>
internal sealed record Door(string Name, SoakServer Server, SoakProtocol Protocol, EndPoint EndPoint, SoakProtocol? PassedOn = null)
{
    /// <summary>Gets whether a web server stands in between, which tells in its own way that the app does not answer.</summary>
    public bool IsFrontEnd => PassedOn is not null;

    /// <summary>Gets whether the answer may begin before the request has ended: nginx sends nothing more of it then.</summary>
    public bool PassesEchoes => !IsFrontEnd;

    /// <summary>Gets whether an answer is safe while the request has not been read: Kestrel's HTTP may reset the connection then.</summary>
    public bool DrainsRequests => (PassedOn ?? Protocol) != SoakProtocol.Http;

    /// <summary>Gets every socket of a server, the ones for all protocols once for each.</summary>
    public static IEnumerable<Door> AllOf(SoakServer server)
    {
        foreach (var protocol in Enum.GetValues<SoakProtocol>())
        {
            foreach (var socket in (string[])[NameOf(protocol), SoakAddresses.Auto])
            {
                var kind = socket == SoakAddresses.Auto ? " (auto)" : "";
                yield return new($"{NameOf(protocol)} unix{kind}", server, protocol, new UnixDomainSocketEndPoint(server.Addresses.Path(socket)));
                yield return new(
                    $"{NameOf(protocol)} tcp{kind}", server, protocol, new IPEndPoint(IPAddress.Loopback, server.Addresses.Port(socket)));
            }
        }
    }

    private static string NameOf(SoakProtocol protocol) => protocol switch
    {
        SoakProtocol.Uwsgi => SoakAddresses.Uwsgi,
        SoakProtocol.FastCgi => SoakAddresses.FastCgi,
        SoakProtocol.Scgi => SoakAddresses.Scgi,
        _ => SoakAddresses.Http,
    };
}
