using System.Net;

namespace Uwsgi.AspNetCore.Benchmarks.InMemory;

/// <summary>An address that only <see cref="InMemoryTransport"/> can bind.</summary>
internal sealed class InMemoryEndPoint : EndPoint
{
    public override string ToString() => "memory";
}
