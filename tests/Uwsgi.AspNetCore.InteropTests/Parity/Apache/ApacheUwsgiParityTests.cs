using Microsoft.AspNetCore.Hosting;
using Xunit.Abstractions;

namespace Uwsgi.AspNetCore.InteropTests.Parity.Apache;

/// <summary>Apache's mod_proxy_uwsgi against its mod_proxy_http.</summary>
public sealed class ApacheUwsgiParityTests(ApacheUwsgiParityTests.Fixture fixture, ITestOutputHelper output)
    : ParityTests(fixture, output), IClassFixture<ApacheUwsgiParityTests.Fixture>
{
    // mod_proxy_uwsgi takes a reset that arrives with the first bytes for the end, now and then.
    private const Capabilities Offered = Capabilities.Streaming | Capabilities.CustomMethods;

    public static TheoryData<string> Cases => ParityCases.NamesFor(Offered);

    public static TheoryData<string> Allowed => [.. ApacheDifferences.OfUwsgi.Where(allowed => !allowed.IsRace).Select(allowed => allowed.Name)];

    private protected override IReadOnlyList<AllowedDifference> Allowances => ApacheDifferences.OfUwsgi;

    [SkippableTheory]
    [MemberData(nameof(Cases))]
    public Task Case_ThroughBothDoors_LooksTheSame(string name) => AssertSameAsync(name);

    [SkippableTheory]
    [MemberData(nameof(Allowed))]
    public Task AllowedDifference_InItsExample_Occurs(string name) => AssertOccursAsync(name);

    // mod_proxy_http collects a good part of the body first, so there is nothing to compare with. The response, however, is not
    // read before the whole body has been sent on: a conversation is not possible either way.
    [SkippableTheory]
    [InlineData("slow body, straight through")]
    [InlineData("client goes in the middle of an upload")]
    public Task Upload_InPieces_ReachesTheAppAsItArrives(string name) => AssertWorksAsync(name);

    public sealed class Fixture : ApacheParityFixture
    {
        private protected override string File => "uwsgi.conf";

        private protected override string Scheme => "uwsgi";

        private protected override string DocumentedAddress => "127.0.0.1:3032";

        private protected override int LargeHeaderStatus => 502;

        private protected override Capabilities Offers => Offered;

        protected override void Configure(IWebHostBuilder builder) => builder.UseUwsgi(uwsgi =>
        {
            uwsgi.Sockets.Add("127.0.0.1:0");
            uwsgi.AllowUpgrade = false;
        });
    }
}
