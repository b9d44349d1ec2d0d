using System.Diagnostics;
using System.Net;
using Uwsgi.AspNetCore.Benchmarks.Comparison;
using Uwsgi.AspNetCore.Benchmarks.Comparison.Upstreams;
using Uwsgi.AspNetCore.Benchmarks.Soak.Serving;
using Uwsgi.AspNetCore.Benchmarks.Soak.Wire;

namespace Uwsgi.AspNetCore.Benchmarks.Soak;

/// <summary>nginx in front of the apps under soak: the comparison's, with each protocol it passes on.</summary>
internal static class SoakFrontEnd
{
    private static readonly (string Column, string Socket, SoakProtocol Protocol)[] Ways =
    [
        ("proxy", SoakAddresses.Http, SoakProtocol.Http),
        ("proxy-kept", SoakAddresses.Auto, SoakProtocol.Http),
        ("uwsgi", SoakAddresses.Uwsgi, SoakProtocol.Uwsgi),
        ("scgi", SoakAddresses.Scgi, SoakProtocol.Scgi),
        ("fastcgi", SoakAddresses.Auto, SoakProtocol.FastCgi),
        ("fastcgi-kept", SoakAddresses.FastCgi, SoakProtocol.FastCgi),
    ];

    public static async Task<(FrontEnd FrontEnd, IReadOnlyList<Door> Doors)> StartAsync(string directory, IReadOnlyList<SoakServer> servers)
    {
        List<Column> columns = [];
        List<RunningUpstream> upstreams = [];
        List<SoakServer> owners = [];
        // Their own process is none of nginx's business: only the address counts.
        using var nobody = new Process();
        foreach (var server in servers)
        {
            foreach (var (column, socket, _) in Ways)
            {
                columns.AddRange(Column.Select(column));
                owners.Add(server);
                upstreams.Add(new(nobody, columns.Count % 2 == 0
                    ? $"unix:{server.Addresses.Path(socket)}"
                    : $"127.0.0.1:{server.Addresses.Port(socket)}"));
            }
        }

        var frontEnd = await FrontEnd.StartAsync(Tool.Nginx, directory, columns, upstreams);
        var doors = columns.Select((column, index) =>
        {
            var endPoint = new IPEndPoint(IPAddress.Loopback, frontEnd.Address(index, "/").Port);
            return new Door($"nginx {column.Key}", owners[index], SoakProtocol.Http, endPoint, PassedOn: Ways[index % Ways.Length].Protocol);
        });
        return (frontEnd, [.. doors]);
    }
}
