using Microsoft.AspNetCore.Hosting;
using Uwsgi.AspNetCore.InteropTests.Processes;
using Xunit.Abstractions;

namespace Uwsgi.AspNetCore.InteropTests.Parity;

/// <summary>nginx <c>uwsgi_pass</c> over a unix socket: the cases in which the way the bytes travel could matter.</summary>
public sealed class NginxUwsgiUnixParityTests(NginxUwsgiUnixParityTests.Fixture fixture, ITestOutputHelper output)
    : ParityTests(fixture, output), IClassFixture<NginxUwsgiUnixParityTests.Fixture>
{
    public static TheoryData<string> Cases => [.. ParityCases.OfTransport.Select(parityCase => parityCase.Name)];

    public static TheoryData<string> Allowed => [.. AllowedDifferences.OnUnixSockets.Select(allowed => allowed.Name)];

    private protected override IReadOnlyList<AllowedDifference> Allowances => [.. AllowedDifferences.OfNginx, .. AllowedDifferences.OnUnixSockets];

    [SkippableTheory]
    [MemberData(nameof(Cases))]
    public Task Case_ThroughBothDoors_LooksTheSame(string name) => AssertSameAsync(name);

    [SkippableTheory]
    [MemberData(nameof(Allowed))]
    public Task AllowedDifference_InItsExample_Occurs(string name) => AssertOccursAsync(name);

    public sealed class Fixture : NginxParityFixture, IDisposable
    {
        private readonly TemporaryDirectory _directory = new();

        private protected override string File => "uwsgi.conf";

        private protected override string DocumentedAddress => "127.0.0.1:3031";

        // There is no reset on a unix socket.
        private protected override Capabilities Offers => Capabilities.All & ~Capabilities.CutResponses;

        public void Dispose() => _directory.Dispose();

        protected override void Configure(IWebHostBuilder builder) => builder.UseUwsgi(uwsgi =>
        {
            uwsgi.Sockets.Add(_directory["app.sock"]);
            uwsgi.SocketMode = "666";
        });
    }
}
