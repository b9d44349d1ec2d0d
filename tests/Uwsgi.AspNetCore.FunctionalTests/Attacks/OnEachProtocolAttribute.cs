using System.Reflection;
using Xunit.Sdk;

namespace Uwsgi.AspNetCore.FunctionalTests.Attacks;

/// <summary>One row of a theory, run on every protocol: the protocol comes first, then the row.</summary>
[AttributeUsage(AttributeTargets.Method, AllowMultiple = true)]
public sealed class OnEachProtocolAttribute(params object?[] row) : DataAttribute
{
    public object?[] Row => row;

    public override IEnumerable<object?[]> GetData(MethodInfo testMethod) => GatewayWire.Protocols.Select(object?[] (protocol) => [protocol, .. row]);
}
