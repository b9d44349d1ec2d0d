using System.Net.Sockets;
using Microsoft.AspNetCore.Http;
using Uwsgi.AspNetCore.FunctionalTests.Infrastructure;
using Uwsgi.AspNetCore.Transport.Loop;

namespace Uwsgi.AspNetCore.FunctionalTests.Transport;

/// <summary>Servers on every kind of socket, with either transport.</summary>
internal static class TransportServer
{
    public static TheoryData<UwsgiTransport> Transports => [UwsgiTransport.EventLoop, UwsgiTransport.Sockets];

    public static TheoryData<UwsgiTransport, SocketKind> TransportsAndKinds
    {
        get
        {
            var data = new TheoryData<UwsgiTransport, SocketKind>();
            foreach (var transport in Enum.GetValues<UwsgiTransport>())
            {
                foreach (var kind in Enum.GetValues<SocketKind>())
                    data.Add(transport, kind);
            }

            return data;
        }
    }

    public static async Task<GatewayTestServer> StartAsync(
        UwsgiTransport transport, SocketKind kind, RequestDelegate app, Action<GatewayTestServerOptions>? configure = null)
    {
        Skip.If(transport == UwsgiTransport.EventLoop && !LoopTransport.IsSupported, "The event loop needs Linux.");
        Skip.If(kind == SocketKind.Abstract && !OperatingSystem.IsLinux(), "Abstract sockets exist on Linux only.");
        Skip.If(kind == SocketKind.IPv6 && !Socket.OSSupportsIPv6, "There is no IPv6.");
        return await GatewayTestServer.StartAsync(app, options =>
        {
            options.Socket = kind switch
            {
                SocketKind.IPv4 => "127.0.0.1:0",
                SocketKind.IPv6 => "[::1]:0",
                SocketKind.UnixFile => Path.Combine(Path.GetTempPath(), $"uwsgi-{Guid.NewGuid():N}.sock"),
                _ => $"@uwsgi-{Guid.NewGuid():N}",
            };
            configure?.Invoke(options);
            var further = options.Uwsgi;
            options.Uwsgi = uwsgi =>
            {
                uwsgi.Transport = transport;
                // Removes the file of a unix socket at the end.
                uwsgi.Vacuum = true;
                further?.Invoke(uwsgi);
            };
        });
    }
}
