using Microsoft.AspNetCore.Hosting;
using Xunit.Abstractions;

namespace Uwsgi.AspNetCore.InteropTests.Parity.Lighttpd;

/// <summary>lighttpd <c>mod_scgi</c> with <c>scgi.protocol = "uwsgi"</c> against its <c>mod_proxy</c>.</summary>
public sealed class LighttpdUwsgiParityTests(LighttpdUwsgiParityTests.Fixture fixture, ITestOutputHelper output)
    : ParityTests(fixture, output), IClassFixture<LighttpdUwsgiParityTests.Fixture>
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
        private protected override string File => "uwsgi.conf";

        private protected override string DocumentedAddress => "127.0.0.1:3031";

        protected override void Configure(IWebHostBuilder builder) => builder.UseUwsgi(uwsgi => uwsgi.Sockets.Add("127.0.0.1:0"));
    }
}
