using System.Net;
using Microsoft.AspNetCore.Hosting;
using Uwsgi.AspNetCore.InteropTests.FrontEnds;
using Uwsgi.AspNetCore.InteropTests.Parity.App;
using Xunit.Abstractions;

namespace Uwsgi.AspNetCore.InteropTests.Parity.UwsgiRouter;

/// <summary>uWSGI's HTTP router, which has no HTTP proxy to compare it with, against Kestrel itself.</summary>
public sealed class UwsgiRouterParityTests(UwsgiRouterParityTests.Fixture fixture, ITestOutputHelper output)
    : ParityTests(fixture, output), IClassFixture<UwsgiRouterParityTests.Fixture>
{
    public static TheoryData<string> Cases => [.. ParityCases.NamesFor(UwsgiRouterDifferences.Offers).Except(UwsgiRouterDifferences.Unanswered)];

    public static TheoryData<string> Allowed => [.. UwsgiRouterDifferences.All.Select(allowed => allowed.Name)];

    private protected override IReadOnlyList<AllowedDifference> Allowances => UwsgiRouterDifferences.All;

    [SkippableTheory]
    [MemberData(nameof(Cases))]
    public Task Case_ThroughBothDoors_LooksTheSame(string name) => AssertSameAsync(name);

    [SkippableTheory]
    [MemberData(nameof(Allowed))]
    public Task AllowedDifference_InItsExample_Occurs(string name) => AssertOccursAsync(name);

    public sealed class Fixture : ParityFixture
    {
        protected override void Configure(IWebHostBuilder builder) => builder.UseUwsgi(uwsgi => uwsgi.Sockets.Add("127.0.0.1:0"));

        private protected override Task<Door> OpenReferenceAsync(ParityApp app) =>
            Task.FromResult(new Door("Kestrel", IPEndPoint.Parse(app.HttpAddress), UwsgiRouterDifferences.Offers));

        private protected override async Task<Door> OpenDoorAsync(ParityApp app)
        {
            var router = await Keep(UwsgiRouterFrontEnd.StartAsync(app.GatewayEndPoint));
            return new Door($"{router.Version} http", router.Address.Actual, UwsgiRouterDifferences.Offers);
        }
    }
}
