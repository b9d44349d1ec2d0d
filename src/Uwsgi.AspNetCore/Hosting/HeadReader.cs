using System.Buffers;
using System.Runtime.InteropServices;
using Uwsgi.AspNetCore.Protocols;

namespace Uwsgi.AspNetCore.Hosting;

/// <summary>Finds and decodes the head of a request on protocols that carry one request per connection.</summary>
internal abstract class HeadReader
{
    public abstract GatewayProtocol Protocol { get; }

    /// <summary>Gets whether responses start with an HTTP status line instead of carrying a <c>Status</c> header.</summary>
    public abstract bool HasStatusLine { get; }

    /// <summary>Looks for a complete head at the start of what has arrived.</summary>
    /// <exception cref="GatewayProtocolException">What has arrived can never become an acceptable head.</exception>
    public abstract HeadScan Scan(in ReadOnlySequence<byte> buffer, GatewaySettings settings);

    /// <summary>Indexes the variables of a complete block.</summary>
    /// <exception cref="GatewayProtocolException">The block is malformed.</exception>
    public abstract void Decode(GatewayVariables variables);
}

/// <summary>What a scan has found: nothing complete yet, a ping, or a block of variables and where it lies.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct HeadScan(HeadScanStatus Status, int BlockStart = 0, int BlockLength = 0, byte Modifier1 = 0, byte Modifier2 = 0)
{
    /// <summary>Gets how many bytes the head takes up behind its block.</summary>
    public int TrailerLength { get; init; }
}

internal enum HeadScanStatus
{
    NeedMore,
    Complete,
    Ping,
}
