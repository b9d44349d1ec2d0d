using Microsoft.AspNetCore.Hosting;
using Xunit.Abstractions;

namespace Uwsgi.AspNetCore.InteropTests.Parity.Apache;

/// <summary>Apache's mod_proxy_fcgi against its mod_proxy_http.</summary>
public sealed class ApacheFastCgiParityTests(ApacheFastCgiParityTests.Fixture fixture, ITestOutputHelper output)
    : ParityTests(fixture, output), IClassFixture<ApacheFastCgiParityTests.Fixture>
{
    private const Capabilities Offered = Capabilities.ChunkedRequests | Capabilities.Streaming | Capabilities.CustomMethods | Capabilities.CutResponses;

    public static TheoryData<string> Cases => ParityCases.NamesFor(Offered);

    public static TheoryData<string> Allowed => [.. ApacheDifferences.OfFastCgi.Where(allowed => !allowed.IsRace).Select(allowed => allowed.Name)];

    private protected override IReadOnlyList<AllowedDifference> Allowances => ApacheDifferences.OfFastCgi;

    [SkippableTheory]
    [MemberData(nameof(Cases))]
    public Task Case_ThroughBothDoors_LooksTheSame(string name) => AssertSameAsync(name);

    [SkippableTheory]
    [MemberData(nameof(Allowed))]
    public Task AllowedDifference_InItsExample_Occurs(string name) => AssertOccursAsync(name);

    // mod_proxy_http collects a good part of the body first, so there is nothing to compare with.
    [SkippableTheory]
    [InlineData("slow body, straight through")]
    [InlineData("client goes in the middle of an upload")]
    public Task Upload_InPieces_ReachesTheAppAsItArrives(string name) => AssertWorksAsync(name);

    public sealed class Fixture : ApacheParityFixture
    {
        private protected override string File => "fastcgi.conf";

        private protected override string Scheme => "fcgi";

        private protected override string DocumentedAddress => "127.0.0.1:9000";

        private protected override int AbortedStatus => 503;

        private protected override Capabilities Offers => Offered;

        protected override void Configure(IWebHostBuilder builder) => builder.UseUwsgi(uwsgi => uwsgi.FastCgiSockets.Add("127.0.0.1:0"));
    }
}
