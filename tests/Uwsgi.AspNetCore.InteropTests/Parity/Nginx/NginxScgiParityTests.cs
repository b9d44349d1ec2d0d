using Microsoft.AspNetCore.Hosting;
using Xunit.Abstractions;

namespace Uwsgi.AspNetCore.InteropTests.Parity.Nginx;

/// <summary>nginx <c>scgi_pass</c> against nginx <c>proxy_pass</c>.</summary>
public sealed class NginxScgiParityTests(NginxScgiParityTests.Fixture fixture, ITestOutputHelper output)
    : ParityTests(fixture, output), IClassFixture<NginxScgiParityTests.Fixture>
{
    public static TheoryData<string> Cases => ParityCases.NamesFor(NginxDifferences.ScgiOffers);

    public static TheoryData<string> Allowed => [.. NginxDifferences.OfScgi.Select(allowed => allowed.Name)];

    private protected override IReadOnlyList<AllowedDifference> Allowances => NginxDifferences.OfScgi;

    [SkippableTheory]
    [MemberData(nameof(Cases))]
    public Task Case_ThroughBothDoors_LooksTheSame(string name) => AssertSameAsync(name);

    [SkippableTheory]
    [MemberData(nameof(Allowed))]
    public Task AllowedDifference_InItsExample_Occurs(string name) => AssertOccursAsync(name);

    public sealed class Fixture : NginxParityFixture
    {
        private protected override string File => "scgi.conf";

        private protected override string DocumentedAddress => "127.0.0.1:4000";

        private protected override Capabilities Offers => NginxDifferences.ScgiOffers;

        protected override void Configure(IWebHostBuilder builder) => builder.UseUwsgi(uwsgi => uwsgi.ScgiSockets.Add("127.0.0.1:0"));
    }
}
