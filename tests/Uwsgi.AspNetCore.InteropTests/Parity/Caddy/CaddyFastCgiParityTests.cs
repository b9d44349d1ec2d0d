using Xunit.Abstractions;

namespace Uwsgi.AspNetCore.InteropTests.Parity.Caddy;

/// <summary>Caddy with its FastCGI transport against Caddy with its HTTP transport.</summary>
public sealed class CaddyFastCgiParityTests(CaddyFastCgiParityTests.Fixture fixture, ITestOutputHelper output)
    : ParityTests(fixture, output), IClassFixture<CaddyFastCgiParityTests.Fixture>
{
    public static TheoryData<string> Cases => ParityCases.NamesFor(CaddyParityFixture.Offers);

    public static TheoryData<string> Allowed => [.. CaddyDifferences.All.Where(allowed => !allowed.IsRace).Select(allowed => allowed.Name)];

    private protected override IReadOnlyList<AllowedDifference> Allowances { get; } = [.. CaddyDifferences.All, .. CaddyDifferences.ByChance];

    [SkippableTheory]
    [MemberData(nameof(Cases))]
    public Task Case_ThroughBothDoors_LooksTheSame(string name) => AssertSameAsync(name);

    [SkippableTheory]
    [MemberData(nameof(Allowed))]
    public Task AllowedDifference_InItsExample_Occurs(string name) => AssertOccursAsync(name);

    public sealed class Fixture : CaddyParityFixture
    {
        private protected override string File => "fastcgi.Caddyfile";
    }
}
