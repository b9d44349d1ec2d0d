using Microsoft.AspNetCore.Hosting;
using Xunit.Abstractions;

namespace Uwsgi.AspNetCore.InteropTests.Parity.Lighttpd;

/// <summary>lighttpd <c>mod_scgi</c> against its <c>mod_proxy</c>.</summary>
public sealed class LighttpdScgiParityTests(LighttpdScgiParityTests.Fixture fixture, ITestOutputHelper output)
    : ParityTests(fixture, output), IClassFixture<LighttpdScgiParityTests.Fixture>
{
    public static TheoryData<string> Cases => ParityCases.NamesFor(LighttpdParityFixture.Offers);

    public static TheoryData<string> Allowed => [.. LighttpdDifferences.All.Select(allowed => allowed.Name)];

    private protected override IReadOnlyList<AllowedDifference> Allowances { get; } = [.. LighttpdDifferences.All, .. LighttpdDifferences.Races];

    [SkippableTheory]
    [MemberData(nameof(Cases))]
    public Task Case_ThroughBothDoors_LooksTheSame(string name) => AssertSameAsync(name);

    [SkippableTheory]
    [MemberData(nameof(Allowed))]
    public Task AllowedDifference_InItsExample_Occurs(string name) => AssertOccursAsync(name);

    public sealed class Fixture : LighttpdParityFixture
    {
        private protected override string File => "scgi.conf";

        private protected override string DocumentedAddress => "127.0.0.1:4000";

        protected override void Configure(IWebHostBuilder builder) => builder.UseUwsgi(uwsgi => uwsgi.ScgiSockets.Add("127.0.0.1:0"));
    }
}
