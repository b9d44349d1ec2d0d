using System.Buffers;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Uwsgi.AspNetCore.Hosting;
using Uwsgi.AspNetCore.Http;
using Uwsgi.AspNetCore.Testing;
using Uwsgi.AspNetCore.Workers;
using Packets = Uwsgi.AspNetCore.Protocols.Uwsgi.UwsgiPacket;

namespace Uwsgi.AspNetCore.Tests.Stats;

/// <summary>Workers, and requests to put into their cores.</summary>
internal static class StatsRequests
{
    public static Worker NewWorker(TimeProvider? time = null, UwsgiOptions? options = null) => new(Options.Create(options ?? new()), [], time);

    public static HttpContext Gateway(UwsgiPacket packet)
    {
        var request = new GatewayRequest(NullLogger.Instance) { Upgrades = new UpgradedConnections() };
        Load(request, packet);
        return Of(request);
    }

    public static void Load(GatewayRequest request, UwsgiPacket packet)
    {
        request.Variables.Load(new ReadOnlySequence<byte>(packet.ToArray().AsMemory(Packets.HeaderSize)));
        Packets.DecodeBlock(request.Variables);
    }

    public static HttpContext Of(IHttpRequestFeature request)
    {
        var context = new DefaultHttpContext();
        context.Features.Set(request);
        return context;
    }
}
