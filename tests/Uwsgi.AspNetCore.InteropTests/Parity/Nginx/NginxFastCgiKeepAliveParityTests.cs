using Microsoft.AspNetCore.Hosting;
using Xunit.Abstractions;

namespace Uwsgi.AspNetCore.InteropTests.Parity.Nginx;

/// <summary>nginx <c>fastcgi_pass</c> over kept connections against nginx <c>proxy_pass</c>.</summary>
public sealed class NginxFastCgiKeepAliveParityTests(NginxFastCgiKeepAliveParityTests.Fixture fixture, ITestOutputHelper output)
    : ParityTests(fixture, output), IClassFixture<NginxFastCgiKeepAliveParityTests.Fixture>
{
    public static TheoryData<string> Cases => ParityCases.NamesFor(NginxDifferences.FastCgiOffers);

    public static TheoryData<string> Allowed => [.. NginxDifferences.OfKeptFastCgi.Where(allowed => !allowed.IsRace).Select(allowed => allowed.Name)];

    private protected override IReadOnlyList<AllowedDifference> Allowances => NginxDifferences.OfKeptFastCgi;

    [SkippableTheory]
    [MemberData(nameof(Cases))]
    public Task Case_ThroughBothDoors_LooksTheSame(string name) => AssertSameAsync(name);

    [SkippableTheory]
    [MemberData(nameof(Allowed))]
    public Task AllowedDifference_InItsExample_Occurs(string name) => AssertOccursAsync(name);

    public sealed class Fixture : NginxParityFixture
    {
        private protected override string File => "fastcgi-keepalive.conf";

        private protected override string DocumentedAddress => "127.0.0.1:9000";

        private protected override Capabilities Offers => NginxDifferences.FastCgiOffers;

        protected override void Configure(IWebHostBuilder builder) => builder.UseUwsgi(uwsgi => uwsgi.FastCgiSockets.Add("127.0.0.1:0"));
    }
}
