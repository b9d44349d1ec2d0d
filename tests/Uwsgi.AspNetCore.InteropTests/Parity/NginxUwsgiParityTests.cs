using Microsoft.AspNetCore.Hosting;
using Xunit.Abstractions;

namespace Uwsgi.AspNetCore.InteropTests.Parity;

/// <summary>nginx <c>uwsgi_pass</c> over TCP against nginx <c>proxy_pass</c>.</summary>
public sealed class NginxUwsgiParityTests(NginxUwsgiParityTests.Fixture fixture, ITestOutputHelper output)
    : ParityTests(fixture, output), IClassFixture<NginxUwsgiParityTests.Fixture>
{
    public static TheoryData<string> Cases => ParityCases.NamesFor(Capabilities.All);

    public static TheoryData<string> Allowed => [.. AllowedDifferences.OfNginx.Select(allowed => allowed.Name)];

    private protected override IReadOnlyList<AllowedDifference> Allowances => AllowedDifferences.OfNginx;

    [SkippableTheory]
    [MemberData(nameof(Cases))]
    public Task Case_ThroughBothDoors_LooksTheSame(string name) => AssertSameAsync(name);

    [SkippableTheory]
    [MemberData(nameof(Allowed))]
    public Task AllowedDifference_InItsExample_Occurs(string name) => AssertOccursAsync(name);

    public sealed class Fixture : NginxParityFixture
    {
        private protected override string File => "uwsgi.conf";

        private protected override string DocumentedAddress => "127.0.0.1:3031";

        protected override void Configure(IWebHostBuilder builder) => builder.UseUwsgi(uwsgi => uwsgi.Sockets.Add("127.0.0.1:0"));
    }
}
