using System.Net;
using Microsoft.AspNetCore.Connections;
using Uwsgi.AspNetCore.Transport;

namespace Uwsgi.AspNetCore.Stats;

/// <summary>A socket of the statistics.</summary>
/// <param name="requested">What the options ask for.</param>
/// <param name="bound">What the system made of it, which tells the port it chose.</param>
internal sealed class StatsEndPoint(EndPoint requested, EndPoint bound)
{
    private readonly EndPoint _endPoint = requested is FileHandleEndPoint ? requested : bound;

    /// <summary>Gets the address as the log shows it, for instance <c>stats://127.0.0.1:9191</c>.</summary>
    public string Url => $"stats://{GatewayEndPoint.Describe(_endPoint)}";

    /// <summary>Gets whether hosts other than this one can connect.</summary>
    public bool IsReachableFromOutside => GatewayEndPoint.CanBeReachedFromOutside(bound);
}
