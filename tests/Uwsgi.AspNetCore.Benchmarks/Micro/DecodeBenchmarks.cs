using System.Buffers;
using BenchmarkDotNet.Attributes;
using Uwsgi.AspNetCore.Protocols;
using Uwsgi.AspNetCore.Protocols.Uwsgi;

namespace Uwsgi.AspNetCore.Benchmarks.Micro;

/// <summary>A recorded uwsgi packet from bytes to indexed variables.</summary>
public class DecodeBenchmarks
{
    private readonly GatewayVariables _variables = new();
    private ReadOnlySequence<byte> _packet;

    [Params("uwsgi/nginx-get", "uwsgi/nginx-many-headers")]
    public string Packet { get; set; } = "";

    [GlobalSetup]
    public void Setup() => _packet = new ReadOnlySequence<byte>(Resource.Read(Packet));

    [Benchmark]
    public int Decode()
    {
        UwsgiPacket.TryReadHeader(_packet, out var header);
        _variables.Load(_packet.Slice(UwsgiPacket.HeaderSize, header.Size));
        UwsgiPacket.DecodeBlock(_variables);
        return _variables.Count;
    }
}
