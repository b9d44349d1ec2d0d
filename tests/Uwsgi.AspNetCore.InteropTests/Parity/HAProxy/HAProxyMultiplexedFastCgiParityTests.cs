using Xunit.Abstractions;

namespace Uwsgi.AspNetCore.InteropTests.Parity.HAProxy;

/// <summary>HAProxy with multiplexed FastCGI connections against HAProxy with HTTP.</summary>
public sealed class HAProxyMultiplexedFastCgiParityTests(HAProxyMultiplexedFastCgiParityTests.Fixture fixture, ITestOutputHelper output)
    : ParityTests(fixture, output), IClassFixture<HAProxyMultiplexedFastCgiParityTests.Fixture>
{
    public static TheoryData<string> Cases => ParityCases.NamesFor(HAProxyParityFixture.OffersWhenKept);

    public static TheoryData<string> Allowed => [.. HAProxyDifferences.OnKeptConnections.Select(allowed => allowed.Name)];

    private protected override IReadOnlyList<AllowedDifference> Allowances => HAProxyDifferences.OnKeptConnections;

    [SkippableTheory]
    [MemberData(nameof(Cases))]
    public Task Case_ThroughBothDoors_LooksTheSame(string name) => AssertSameAsync(name);

    [SkippableTheory]
    [MemberData(nameof(Allowed))]
    public Task AllowedDifference_InItsExample_Occurs(string name) => AssertOccursAsync(name);

    public sealed class Fixture : HAProxyParityFixture
    {
        private protected override string File => "fastcgi-multiplexed.cfg";

        private protected override Capabilities Offered => OffersWhenKept;
    }
}
