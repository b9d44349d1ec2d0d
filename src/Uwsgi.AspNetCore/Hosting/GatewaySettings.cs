using System.Collections.Frozen;
using System.Text;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Uwsgi.AspNetCore.Hosting;

/// <summary>The options as they stood when the server started: immutable, resolved against Kestrel's, cheap to read.</summary>
internal sealed class GatewaySettings
{
    private static readonly FrozenSet<int> DefaultModifiers = new[] { 0, 5, 7, 9, 14, 15, 30 }.ToFrozenSet();

    public GatewaySettings(UwsgiOptions options, KestrelServerOptions kestrel)
    {
        Modifiers = options.Modifiers.Count == 0 ? DefaultModifiers : options.Modifiers.ToFrozenSet();
        AllowFrom = new AllowedPeers(options.AllowFrom);
        BufferSize = options.BufferSize;
        ScriptName = options.ScriptName;
        PathBase = options.PathBase;
        PreserveEncodedSlashes = options.PreserveEncodedSlashes;
        AllowUpgrade = options.AllowUpgrade;
        AllowSynchronousIO = options.AllowSynchronousIO || kestrel.AllowSynchronousIO;
        AddServerHeader = options.AddServerHeader;
        AddDateHeader = options.AddDateHeader;
        AbortOnHalfClose = options.AbortOnHalfClose;
        ForwardClientCertificate = options.ForwardClientCertificate;
        ForwardRemoteUser = options.ForwardRemoteUser;
        SendAccelBuffering = options.SendAccelBuffering;
        RequestHeaderEncodingSelector = options.RequestHeaderEncodingSelector;
        ResponseHeaderEncodingSelector = options.ResponseHeaderEncodingSelector;
        PoolRequests = options.PoolRequests;

        var limits = options.Limits;
        MaxRequestBodySize = limits.IsMaxRequestBodySizeSet ? limits.MaxRequestBodySize : kestrel.Limits.MaxRequestBodySize;
        RequestHeadersTimeout = limits.RequestHeadersTimeout;
        RequestBodyTimeout = limits.RequestBodyTimeout;
        MinRequestBodyDataRate = limits.MinRequestBodyDataRate;
        MinResponseDataRate = limits.MinResponseDataRate;
        MaxDrainBytes = limits.MaxDrainBytes ?? long.MaxValue;
        DrainTimeout = limits.DrainTimeout;
        StalledBodyTimeout = limits.StalledBodyTimeout;
        MaxConcurrentConnections = limits.MaxConcurrentConnections ?? long.MaxValue;
        MaxConcurrentUpgradedConnections = limits.MaxConcurrentUpgradedConnections ?? long.MaxValue;
        MaxRequestHeaderCount = limits.MaxRequestHeaderCount;
        KeepAliveTimeout = limits.KeepAliveTimeout;
        MaxRequestsPerConnection = limits.MaxRequestsPerConnection;
        MaxHalfOpenRequests = limits.MaxHalfOpenRequests;
        AllowFastCgiUpgrade = options.AllowFastCgiUpgrade;
        MultiplexFastCgi = options.MultiplexFastCgi;
    }

    /// <summary>Gets the values of modifier1 that are served as requests.</summary>
    public FrozenSet<int> Modifiers { get; }

    public AllowedPeers AllowFrom { get; }

    public int BufferSize { get; }

    public ScriptNameMode ScriptName { get; }

    public string? PathBase { get; }

    public bool PreserveEncodedSlashes { get; }

    public bool AllowUpgrade { get; }

    public bool AllowSynchronousIO { get; }

    public bool AddServerHeader { get; }

    public bool AddDateHeader { get; }

    public bool AbortOnHalfClose { get; }

    public bool ForwardClientCertificate { get; }

    public bool ForwardRemoteUser { get; }

    public bool SendAccelBuffering { get; }

    public Func<string, Encoding?>? RequestHeaderEncodingSelector { get; }

    public Func<string, Encoding?>? ResponseHeaderEncodingSelector { get; }

    public bool PoolRequests { get; }

    public long? MaxRequestBodySize { get; }

    public TimeSpan RequestHeadersTimeout { get; }

    public TimeSpan RequestBodyTimeout { get; }

    public MinDataRate? MinRequestBodyDataRate { get; }

    public MinDataRate? MinResponseDataRate { get; }

    public long MaxDrainBytes { get; }

    public TimeSpan DrainTimeout { get; }

    public TimeSpan StalledBodyTimeout { get; }

    public long MaxConcurrentConnections { get; }

    public long MaxConcurrentUpgradedConnections { get; }

    public int MaxRequestHeaderCount { get; }

    public TimeSpan KeepAliveTimeout { get; }

    public int MaxRequestsPerConnection { get; }

    public int MaxHalfOpenRequests { get; }

    public bool AllowFastCgiUpgrade { get; }

    public bool MultiplexFastCgi { get; }

    /// <summary>Tells whether packets with this first modifier are requests for the application.</summary>
    public bool Serves(byte modifier1) => Modifiers.Contains(modifier1);
}
